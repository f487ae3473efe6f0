import Foundation
import Instructions
@testable import Supervision
import Terms

/// One of the golden traces: what OTP's own supervisor did with these children and steps.
struct GoldenTrace {
    struct Step {
        let operation: Term
        let reply: Term
        let events: [Term]
        /// A list of children, `{down, Reason}` or `down`.
        let after: Term
    }

    /// Whether its events have supervisor reports.
    let hasReports: Bool
    let flags: SupervisorFlags
    let children: [ChildSpec]
    /// `{ok, Events, Children}` or `{error, Reason, Events}`.
    let start: [Term]
    let steps: [Step]

    /// Ours: operations that the others do not have. Not overridden.
    static let ownDirectory = bundled.appendingPathComponent("own")

    private static let override = ProcessInfo.processInfo.environment["GOLDEN_SUPERVISOR_DIR"]
    static var isOverridden: Bool { override != nil }

    private static let bundled =
        Bundle.module.resourceURL?.appendingPathComponent("golden") ?? URL(fileURLWithPath: "golden")

    static let directory: URL = override.map { URL(fileURLWithPath: $0) } ?? bundled

    static let names = files(in: directory, ".trace")

    static func files(in directory: URL, _ suffix: String) -> [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
        return files.filter { $0.hasSuffix(suffix) }.sorted()
    }

    init(_ file: URL) throws {
        let bytes = try Data(contentsOf: file)
        var hasReports = false
        var flags = SupervisorFlags()
        var children: [ChildSpec] = []
        var start: [Term] = []
        var steps: [Step] = []
        for located in try TermText.parseTerms(Array(bytes), limits: .default) {
            let parts = try located.term.asTuple.orThrow("no tuple")
            switch parts[0].asAtom?.name {
            case "reports": hasReports = true
            case "flags": flags = try Self.flags(parts[1])
            case "child": children.append(try Self.spec(parts[1], nil))
            case "start": start = try parts[1].asTuple.orThrow("start")
            case "step":
                let step = try parts[1].asTuple.orThrow("step")
                steps.append(
                    Step(
                        operation: step[0], reply: step[1], events: try step[2].asList.orThrow("events"),
                        after: step[3]))
            case let other: throw Unreadable("unknown part \(other ?? "?")")
            }
        }
        self.hasReports = hasReports
        self.flags = flags
        self.children = children
        self.start = start
        self.steps = steps
    }

    private static func flags(_ term: Term) throws -> SupervisorFlags {
        try SupervisorFlags(SpecNode(term))
    }

    /// A child spec with its `plan` for its start's only argument.
    static func spec(_ term: Term, _ autoShutdown: AutoShutdown?) throws(ChildSpecError) -> ChildSpec {
        try ChildSpec.parse(withStart(term), autoShutdown: autoShutdown)
    }

    /// What `init/1` returns.
    static func initial(_ term: Term) throws(SpecError) -> SupervisorInit {
        guard let flagsAndSpecs = term.asTuple?.last?.asTuple, let specs = flagsAndSpecs[1].asList else {
            return try SupervisorInit(SpecNode(term))
        }
        return try SupervisorInit(SpecNode(.tuple([.ok, .tuple([flagsAndSpecs[0], .list(specs.map(withStart))])])))
    }

    /// The spec as the supervisor reads it: `plan => P` (in a tuple `{plan, P}`) and perhaps `stop => R`, or a supervisor's
    /// `init => I`, stand for a start with these arguments.
    private static func withStart(_ term: Term) -> Term {
        let start = { (arguments: [Term]) in Term.tuple(["child", "start_link", .list(arguments)]) }
        if case .map(var map) = term, let first = map.removeValue(forKey: "plan") ?? map.removeValue(forKey: "init") {
            map["start"] = start([first] + (map.removeValue(forKey: "stop").map { [$0] } ?? []))
            return .map(map)
        }
        if case .tuple(var elements) = term, elements.count == 6, let plan = elements[1].asTuple, plan[0] == "plan" {
            elements[1] = start([plan[1]])
            return .tuple(elements)
        }
        return term
    }

    /// A spec as `get_childspec` answers it, in the traces' form.
    static func withPlan(_ spec: ChildSpec) -> Term {
        guard case .map(var map) = spec.term else { return spec.term }
        map["start"] = nil
        let arguments = spec.start.arguments
        map[spec.type == .worker ? "plan" : "init"] = arguments.first ?? .undefined
        if arguments.count > 1 { map["stop"] = arguments[1] }
        return .map(map)
    }
}

struct Unreadable: Error {
    let what: String
    init(_ what: String) { self.what = what }
}

extension Optional {
    func orThrow(_ what: String) throws -> Wrapped {
        guard let self else { throw Unreadable(what) }
        return self
    }
}
