import Host
import Instructions
import Logging
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
            withApplication(arguments[0]) { name in node.control(.stop(name), name, then: applied) }
        case ("application", "load", 1), ("application", "unload", 1):
            // The release's own applications are loaded with it; there is no other place that they could come from.
            withApplication(arguments[0]) { _ in applied(.atom("ok")) }
        case ("supervisor", "terminate_child", 2):
            withSupervisor(arguments[0]) { supervise(.terminateChild(supervisor: $0, id: arguments[1])) }
        case ("supervisor", "restart_child", 2):
            withSupervisor(arguments[0]) { supervise(.restartChild(supervisor: $0, id: arguments[1])) }
        case ("supervisor", "delete_child", 2):
            withSupervisor(arguments[0]) { supervise(.deleteChild(supervisor: $0, id: arguments[1])) }
        case ("supervisor", "start_child", 2):
            withSupervisor(arguments[0]) { startChild($0, arguments[1]) }
        case ("timer", "sleep", 1):
            sleep(arguments[0])
        case ("io", "format", 1), ("io", "format", 2), ("io", "put_chars", 1):
            say(arguments)
        default:
            let name = "\(function.module.name):\(function.function.name)/\(arguments.count)"
            let sentence = "\(name) is no built-in function; built in are \(Self.builtIn.joined(separator: ", "))"
            answer(.applyFailed(.tuple([.atom("undef"), .text(sentence)])))
        }
    }

    static let builtIn = [
        "application:start/1,2", "application:stop/1", "application:load/1", "application:unload/1",
        "supervisor:start_child/2", "supervisor:terminate_child/2", "supervisor:restart_child/2",
        "supervisor:delete_child/2", "timer:sleep/1", "io:format/1,2", "io:put_chars/1",
    ]

    private func applied(_ answer: Term) { self.answer(.applied(answer)) }

    private func badArgument(_ argument: Term, _ expected: String) {
        let sentence = "expected \(expected), found \(argument)"
        answer(.applyFailed(.tuple([.atom("badarg"), .text(sentence)])))
    }

    /// An application of the release that is being installed; its type is that of the `.rel` unless given.
    private func startApplication(_ arguments: [Term]) {
        withApplication(arguments[0]) { name in
            var type = to.resource.application(name)?.type ?? .temporary
            if arguments.count == 2 {
                guard let named = ApplicationType.allCases.first(where: { .atom($0.atom) == arguments[1] }) else {
                    return badArgument(arguments[1], "permanent, transient or temporary")
                }
                type = named
            }
            do {
                try node.applications?.update(to.applicationSpecs)
            } catch {
                return answer(.applyFailed(.text("\(error)")))
            }
            node.control(.start(name, type), name, then: applied)
        }
    }

    private func withApplication(_ argument: Term, _ body: (Atom) -> Void) {
        guard case .atom(let name) = argument else { return badArgument(argument, "an application's name") }
        body(name)
    }

    /// A supervisor by its top supervisor's module name, or by its place as text.
    private func withSupervisor(_ argument: Term, _ body: (ChildAddress) -> Void) {
        if let text = argument.asText, let address = ChildAddress(parsing: text),
            node.tree.supervisor(at: address) != nil
        {
            return body(address)
        }
        if case .atom(let name) = argument {
            let found = node.tree.allSupervisors().filter { $0.module == name }
            if found.count == 1 { return body(found[0].address) }
        }
        badArgument(argument, "a supervisor's module or its place in the tree, such as \"kv/kv_sup\"")
    }

    private func supervise(_ request: SupervisorRequest) {
        node.request(request) { [weak self] reply in self?.applied(reply.term) }
    }

    private func startChild(_ supervisor: ChildAddress, _ argument: Term) {
        if node.tree.supervisor(at: supervisor)?.flags?.strategy == .simpleOneForOne {
            guard case .list(let arguments) = argument else { return badArgument(argument, "a list of arguments") }
            return supervise(.startDynamicChild(supervisor: supervisor, arguments: arguments))
        }
        do {
            supervise(.startChild(supervisor: supervisor, try ChildSpec.parse(argument)))
        } catch {
            answer(.applyFailed(.tuple([.atom("badarg"), .text("\(error)")])))
        }
    }

    private func sleep(_ argument: Term) {
        guard case .integer(let milliseconds) = argument, (0...Self.longestSleepMilliseconds).contains(milliseconds)
        else { return badArgument(argument, "0 to \(Self.longestSleepMilliseconds) milliseconds") }
        Reactor.shared.schedule(afterMilliseconds: milliseconds) { [weak self] in self?.applied(.atom("ok")) }
    }

    private func say(_ arguments: [Term]) {
        let text = arguments.map { $0.asText ?? $0.description }.joined(separator: " ")
        node.events.post("relup_output", text, level: .notice)
        applied(.atom("ok"))
    }
}
