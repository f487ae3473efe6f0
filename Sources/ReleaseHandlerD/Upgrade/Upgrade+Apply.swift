import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms

/// The functions of `application`, `supervisor`, `timer` and `io` that relups use, built in.
extension Upgrade {
    /// The longest `timer:sleep/1` in a script: an upgrade holds everything else up.
    static let longestSleepMilliseconds = 60_000

    func apply(_ function: MFA) {
        let arguments = function.arguments
        switch (function.module.name, function.function.name, arguments.count) {
        case ("application", "start", 1), ("application", "start", 2):
            startApplication(arguments)
        case ("application", "stop", 1):
            withApplication(arguments[0]) { name in control(.stop(name), name) }
        case ("application", "load", 1):
            withApplication(arguments[0]) { name in applyLoading(.load(name), name) }
        case ("application", "unload", 1):
            withApplication(arguments[0]) { name in applyLoading(.unload(name), name) }
        case ("application", "get_env", 2), ("application", "get_env", 3), ("application", "get_all_env", 1),
            ("application", "set_env", 3), ("application", "set_env", 4), ("application", "unset_env", 2),
            ("application", "unset_env", 3):
            applyEnvironment(function)
        case ("supervisor", let name, 1), ("supervisor", let name, 2):
            applySupervisor(name, function)
        case ("timer", "sleep", 1):
            sleep(arguments[0])
        case ("io", "format", 1), ("io", "format", 2), ("io", "put_chars", 1):
            say(arguments)
        default:
            applyUnknown(function)
        }
    }

    func applyUnknown(_ function: MFA) {
        let name = "\(function.module.name):\(function.function.name)/\(function.arguments.count)"
        let sentence = "\(name) is no built-in function; built in are \(Self.builtIn.joined(separator: ", "))"
        answer(.applyFailed(.tuple([.atom("undef"), .text(sentence)])))
    }

    static let builtIn = [
        "application:start/1,2", "application:stop/1", "application:load/1", "application:unload/1",
        "application:get_env/2,3", "application:get_all_env/1", "application:set_env/3,4", "application:unset_env/2,3",
        "supervisor:start_child/2", "supervisor:terminate_child/2", "supervisor:restart_child/2",
        "supervisor:delete_child/2", "supervisor:which_children/1", "supervisor:count_children/1",
        "supervisor:get_childspec/2", "timer:sleep/1", "io:format/1,2", "io:put_chars/1",
    ]

    private func applied(_ answer: Term) { self.answer(.applied(answer)) }

    func badArgument(_ argument: Term, _ expected: String) {
        let sentence = "expected \(expected), found \(argument)"
        answer(.applyFailed(.tuple([.atom("badarg"), .text(sentence)])))
    }

    /// An application of the release that is being installed; its type is that of the `.rel` unless given.
    private func startApplication(_ arguments: [Term]) {
        withApplication(arguments[0]) { name in
            var type = to.startType(of: name)
            if arguments.count == 2 {
                guard let named = ApplicationType.allCases.first(where: { .atom($0.atom) == arguments[1] }) else {
                    return badArgument(arguments[1], "permanent, transient or temporary")
                }
                type = named
            }
            do {
                try applications.update(to.applicationSpecs)
            } catch {
                return answer(.applyFailed(.text("\(error)")))
            }
            // Which modules its children list is known only once its supervisor was read.
            if let held = tree.heldModules.sorted(by: { $0.name < $1.name }).first { return refuseHeld(held) }
            control(.start(name, type), name)
        }
    }

    private func withApplication(_ argument: Term, _ body: (Atom) -> Void) {
        guard case .atom(let name) = argument else { return badArgument(argument, "an application's name") }
        body(name)
    }

    /// It would wait for the resume that comes after it in the script.
    func refuseHeld(_ module: Atom) {
        let sentence = "\(module.name) is suspended: what starts its workers must come after its resume in the script"
        answer(.applyFailed(.tuple([Self.isHeld(module), .text(sentence)])))
    }

    private func control(_ event: ApplicationController.Event, _ name: Atom) {
        bounded { done in applications.control(event, name, then: done) }
    }

    /// An answer that does not come in time is an error like any other: the script's next step is decided by it.
    func bounded(_ ask: (@escaping @HostActor (Term) -> Void) -> Void) {
        let first = Gather<Term>(count: 1) { [weak self] in self?.applied($0[0]) }
        let milliseconds = Self.startMilliseconds
        let timer = Reactor.shared.schedule(afterMilliseconds: milliseconds) {
            first.set(0, .tuple([.error, .tuple([.atom("timeout"), .integer(milliseconds)])]))
        }
        ask { answer in
            timer.cancel()
            first.set(0, answer)
        }
    }

    private func sleep(_ argument: Term) {
        guard case .integer(let milliseconds) = argument, (0...Self.longestSleepMilliseconds).contains(milliseconds)
        else { return badArgument(argument, "0 to \(Self.longestSleepMilliseconds) milliseconds") }
        sleepTimer = Reactor.shared.schedule(afterMilliseconds: milliseconds) { [weak self] in self?.wakeUp() }
    }

    /// Ends the sleep, at its time or before.
    func wakeUp() {
        guard let timer = sleepTimer else { return }
        timer.cancel()
        sleepTimer = nil
        applied(.atom("ok"))
    }

    private func say(_ arguments: [Term]) {
        let text = arguments.map { $0.asText ?? $0.description }.joined(separator: " ")
        events.post(.upgrade(.said(text)))
        applied(.atom("ok"))
    }
}
