import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms

/// The functions of `application`, `supervisor`, `timer` and `io` that relups use, built in.
extension Upgrade {
    func apply(_ function: MFA) {
        let arguments = function.arguments
        switch BuiltInFunction(function) {
        case .startApplication: startApplication(arguments)
        case .stopApplication: withApplication(arguments[0]) { name in control(.stop(name), name) }
        case .loadApplication: withApplication(arguments[0]) { name in applyLoading(.load(name), name) }
        case .unloadApplication: withApplication(arguments[0]) { name in applyLoading(.unload(name), name) }
        case .getEnv, .getAllEnv, .setEnv, .unsetEnv: applyEnvironment(function)
        case .startChild: withSupervisor(arguments[0]) { startChild($0, arguments[1]) }
        case .terminateChild: withChild(arguments) { supervise(.terminateChild(supervisor: $0, id: $1)) }
        case .restartChild: withChild(arguments) { restartChild($0, $1) }
        case .deleteChild: withChild(arguments) { supervise(.deleteChild(supervisor: $0, id: $1)) }
        case .whichChildren: withSupervisor(arguments[0]) { supervise(.whichChildren(supervisor: $0)) }
        case .countChildren: withSupervisor(arguments[0]) { supervise(.countChildren(supervisor: $0)) }
        case .getChildspec: withChild(arguments) { supervise(.getChildspec(supervisor: $0, id: $1)) }
        case .sleep: sleep(arguments[0])
        case .format, .putChars: say(arguments)
        case nil where !BuiltInFunction.modules.contains(function.module): applyProgram(function)
        case nil: answer(.applyFailed(.tuple([.atom("undef"), .text(BuiltInFunction.problem(of: function) ?? "")])))
        }
    }

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
                guard let named = BuiltInFunction.type(arguments[1]) else {
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
        let longest = BuiltInFunction.longestSleepMilliseconds
        guard case .integer(let milliseconds) = argument, (0...longest).contains(milliseconds)
        else { return badArgument(argument, "0 to \(longest) milliseconds") }
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
