public import Instructions
import Supervision
public import Terms

/// The functions of `application`, `supervisor`, `timer` and `io` that an `apply` of a relup can call.
///
/// The one table of them: who evaluates them, who checks a script before it runs and who checks it offline all go by it.
public enum BuiltInFunction: String, Hashable, Sendable, CaseIterable {
    case startApplication = "application:start/1,2"
    case stopApplication = "application:stop/1"
    case loadApplication = "application:load/1"
    case unloadApplication = "application:unload/1"
    case getEnv = "application:get_env/2,3"
    case getAllEnv = "application:get_all_env/1"
    case setEnv = "application:set_env/3,4"
    case unsetEnv = "application:unset_env/2,3"
    case startChild = "supervisor:start_child/2"
    case terminateChild = "supervisor:terminate_child/2"
    case restartChild = "supervisor:restart_child/2"
    case deleteChild = "supervisor:delete_child/2"
    case whichChildren = "supervisor:which_children/1"
    case countChildren = "supervisor:count_children/1"
    case getChildspec = "supervisor:get_childspec/2"
    case sleep = "timer:sleep/1"
    case format = "io:format/1,2"
    case putChars = "io:put_chars/1"

    /// The longest `timer:sleep/1` in a script: an upgrade holds everything else up.
    public static let longestSleepMilliseconds = 60_000

    /// Nil where there is no such function of as many arguments.
    public init?(_ function: MFA) {
        let name = "\(function.module.name):\(function.function.name)"
        let arity = String(function.arguments.count)
        let found = Self.allCases.first { one in
            let parts = one.rawValue.split(separator: "/")
            return parts[0] == name && parts[1].split(separator: ",").contains { $0 == arity }
        }
        guard let found else { return nil }
        self = found
    }

    /// Modules of which there are no functions but those of the table.
    public static let modules: Set<Atom> = ["application", "supervisor", "code", "timer", "io"]

    /// What is wrong with a call, whatever runs; nil where only the call itself can tell.
    public static func problem(of function: MFA) -> String? {
        Self(function).map { $0.problem(of: function.arguments) } ?? noSuchFunction(function)
    }

    static func noSuchFunction(_ function: MFA) -> String {
        """
        \(function.module.name):\(function.function.name)/\(function.arguments.count) is no built-in function; \
        built in are \(allCases.map(\.rawValue).joined(separator: ", "))
        """
    }

    private func problem(of arguments: [Term]) -> String? {
        switch self {
        case .startApplication:
            guard arguments.count == 2 else { return Self.applicationProblem(arguments[0]) }
            return Self.applicationProblem(arguments[0])
                ?? (Self.type(arguments[1]) == nil
                    ? Self.badArgument(arguments[1], "permanent, transient or temporary") : nil)
        case .stopApplication, .loadApplication, .unloadApplication, .getAllEnv:
            return Self.applicationProblem(arguments[0])
        case .getEnv, .setEnv, .unsetEnv:
            if let problem = Self.applicationProblem(arguments[0]) { return problem }
            guard case .atom = arguments[1] else {
                return Self.badArgument(arguments[1], "a parameter's name (an atom)")
            }
            return nil
        case .sleep:
            guard case .integer(let milliseconds) = arguments[0],
                (0...Self.longestSleepMilliseconds).contains(milliseconds)
            else { return Self.badArgument(arguments[0], "0 to \(Self.longestSleepMilliseconds) milliseconds") }
            return nil
        case .startChild:
            // A list is what a simple_one_for_one supervisor takes; which kind it will be then, nobody knows yet.
            if case .list = arguments[1] { return nil }
            do {
                _ = try ChildSpec.parse(arguments[1])
                return nil
            } catch {
                return error.description
            }
        case .terminateChild, .restartChild, .deleteChild, .whichChildren, .countChildren, .getChildspec, .format,
            .putChars:
            return nil
        }
    }

    private static func applicationProblem(_ argument: Term) -> String? {
        guard case .atom = argument else { return badArgument(argument, "an application's name") }
        return nil
    }

    /// The second argument of `application:start/2`.
    public static func type(_ term: Term) -> ApplicationType? {
        [.permanent, .transient, .temporary].first { .atom($0.atom) == term }
    }

    private static func badArgument(_ argument: Term, _ expected: String) -> String {
        "expected \(expected), found \(argument)"
    }
}

extension RelupMachine {
    /// A call of a script that no function of the daemon answers: a program of a release does.
    public struct ProgramCall: Hashable, Sendable {
        public let index: Int
        public let function: MFA
        /// Of the release that is gone to; before the point of no return of the one that runs.
        public let isOfNewRelease: Bool

        /// `shop_migrate:run/1`
        public var name: String {
            "\(function.module.name):\(function.function.name)/\(function.arguments.count)"
        }

        /// The sentence where `release` has no such program.
        public func missing(in release: String) -> String {
            "\(name) is no built-in function, and \(release) has no program or library ebin/\(function.module.name)"
        }
    }

    public var programCalls: [ProgramCall] {
        let pointOfNoReturn = script.firstIndex(of: .pointOfNoReturn) ?? 0
        return script.enumerated().compactMap { index, instruction in
            guard let function = instruction.call, !BuiltInFunction.modules.contains(function.module) else {
                return nil
            }
            return ProgramCall(index: index, function: function, isOfNewRelease: index >= pointOfNoReturn)
        }
    }

    /// An `apply` of which is known beforehand that it can't succeed.
    ///
    /// - Parameters:
    ///   - applications: those of the release that is gone to; nil where they are not known.
    ///   - release: that release, for people; nil: as the machine was told.
    ///   - program: what is wrong with a call of a program, as a sentence; nil where nothing is known to be.
    public func checkCalls(applications: Set<Atom>?, release: String? = nil, program: (ProgramCall) -> String?)
        -> Failure?
    {
        let programs = Dictionary(programCalls.map { ($0.index, $0) }) { $1 }
        for (index, instruction) in script.enumerated() {
            guard let function = instruction.call,
                let message = programs[index].map({ call in
                    program(call).map { "\($0); correct the call in the .appup, or bring the program" }
                }) ?? problem(of: function, applications, release ?? toRelease)
            else { continue }
            return Failure(index: index, instruction: instruction, error: .badScript(instruction, message: message))
        }
        return nil
    }

    private func problem(of function: MFA, _ applications: Set<Atom>?, _ release: String) -> String? {
        if let problem = BuiltInFunction.problem(of: function) { return "\(problem); correct the call in the .appup" }
        guard case .startApplication = BuiltInFunction(function), case .atom(let name)? = function.arguments.first,
            let applications, !applications.contains(name)
        else { return nil }
        return """
            application \(name.name) is not in release \(release), so it can't be started; add it to the .rel, or take \
            the instruction out of the .appup
            """
    }
}

extension LowLevelInstruction {
    /// The function that an `apply` calls, or a `sync_nodes` asks for its nodes.
    fileprivate var call: MFA? {
        switch self {
        case .apply(let function), .syncNodes(_, .apply(let function)): function
        case .loadObjectCode, .pointOfNoReturn, .load, .remove, .purge, .suspend, .codeChange, .resume, .stop, .start,
            .syncNodes, .restartNewEmulator, .restartEmulator:
            nil
        }
    }
}
