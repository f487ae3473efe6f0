import Instructions
import Supervision
import Terms
import Wire

/// Drives an `ApplicationController` as the node does, with top supervisors whose starts go as planned.
struct ApplicationWorld {
    private(set) var controller: ApplicationController
    private var environments = EnvironmentChanges()
    private let resources: [Atom: ApplicationResource]
    private let config: SysConfig
    private var plans: [Atom: [Term]]
    /// Roots whose start is not done yet.
    private var held: Set<ChildAddress> = []
    /// Those whose start was done.
    private var up: Set<Atom> = []
    private(set) var events: [Term] = []
    private(set) var reply: Term?
    private(set) var nodeEnds: Term?
    private var isBooting = false

    init(_ sequence: ApplicationSequence) throws(ApplicationOrderError) {
        controller = try ApplicationController(sequence.specs)
        resources = Dictionary(sequence.resources.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
        config = sequence.config
        plans = sequence.plans
    }

    mutating func perform(_ operation: [Term]) throws {
        (events, reply) = ([], nil)
        let name = operation.count > 1 ? operation[1].asAtom ?? "" : ""
        switch operation[0].asAtom?.name {
        case "boot":
            isBooting = true
            feed(.boot)
            isBooting = false
            reply = .atom("booted")
        case "load": feed(.load(name))
        case "unload": feed(.unload(name))
        case "start": start(name, operation.count == 3 ? operation[2] : .atom("temporary"))
        case "begin_start":
            plans[name] = [.atom("hold")] + (plans[name] ?? [])
            start(name, operation[2])
            if reply == nil { reply = .atom("held") } else { plans[name]?.removeFirst() }
        case "finish_start":
            let root = try held.first { $0.application == name }.orThrow("held")
            held.remove(root)
            startEnds(root, operation[2])
        case "stop": feed(.stop(name))
        case "exit":
            feed(.rootStopped(.root(application: name, module: module(of: name)), reason: operation[2]))
            reply = .atom("ended")
        case "set_env", "unset_env", "get_env", "get_all_env": try environment(operation, name)
        case let other: throw Unreadable("unknown operation \(other ?? "?")")
        }
    }

    /// Whether what OTP says of its environment is what we say: ours can be asked for before it is loaded, too.
    func comparesEnvironment(of name: Atom) -> Bool { controller.isLoaded(name) }

    private mutating func start(_ name: Atom, _ type: Term) {
        if let type = ApplicationSequence.type(type) { return feed(.start(name, type)) }
        // The driver's: no other type can be asked for. OTP loads it first.
        feed(.load(name))
        guard resources[name] != nil else { return }
        reply = .tuple([.error, .tuple([.atom("invalid_restart_type"), type])])
    }

    private mutating func environment(_ operation: [Term], _ name: Atom) throws {
        let own = resources[name]?.env ?? []
        let parameters = environments.parameters(
            of: name,
            over: resources[name]?.environment(overriddenBy: config.environment(of: name))
                ?? (own + config.environment(of: name)))
        let key = operation.count > 2 ? operation[2].asAtom ?? "" : ""
        switch (operation[0].asAtom?.name, operation.count) {
        case ("get_all_env", _):
            let sorted = parameters.sorted { $0.key.name < $1.key.name }
            reply = .list(sorted.map { .tuple([.atom($0.key), $0.value]) })
        case ("get_env", _): reply = parameters.value(of: key).map { .tuple([.ok, $0]) } ?? .undefined
        case ("set_env", let count):
            environments.change(name, key, to: .set(operation[3]), isPersistent: count == 5)
            reply = .ok
        case (_, let count):
            environments.change(name, key, to: .unset, isPersistent: count == 4)
            reply = .ok
        }
    }

    // MARK: The driver

    private mutating func feed(_ event: ApplicationController.Event) {
        for action in controller.handle(event) { perform(action) }
    }

    private mutating func perform(_ action: ApplicationController.Action) {
        switch action {
        case .startRoot(let root, _, _):
            note("starting", root.application)
            var plan = plans[root.application] ?? []
            let outcome = plan.isEmpty ? Term.ok : plan.removeFirst()
            plans[root.application] = plan
            if outcome == .atom("hold") { held.insert(root) } else { startEnds(root, outcome) }
        case .stopRoot(let root):
            // What was not up yet says nothing as it ends; OTP leaves it as it is.
            if up.contains(root.application) { note("stopping", root.application) }
            held.remove(root)
            feed(.rootStopped(root, reason: .shutdown))
        case .runStartPhases(let name, let steps): run(name, steps)
        case .loaded(let names):
            for name in names {
                environments.load(name, own: resources[name]?.env ?? [], config: config.environment(of: name))
            }
        case .unloaded(let names):
            for name in names {
                environments.unload(name, own: resources[name]?.env ?? [], config: config.environment(of: name))
            }
        case .answer(_, let term): reply = term
        case .started(let name):
            up.insert(name)
            reply = .ok
        case .stopped(let name):
            up.remove(name)
            reply = .ok
        case .startFailed(_, let reason), .stopFailed(_, let reason): reply = .tuple([.error, reason])
        case .exited(let name, _, _): up.remove(name)
        case .booted, .allStopped: break
        case .terminateNode(let reason):
            let replied = reply
            nodeEnds = reason
            feed(.stopAll)
            reply = replied
        }
    }

    private mutating func startEnds(_ root: ChildAddress, _ outcome: Term) {
        switch outcome {
        case .ok: feed(.rootStarted(root))
        case .atom("ignore"):
            let reason = Term.tuple([
                .atom("bad_return"), .tuple([.atom(module(of: root.application)), .atom("ignore")]),
            ])
            feed(.rootFailed(root, reason: reason))
        case let failure:
            let reason = failure.asTuple?.last ?? failure
            let isNormalExit = failure == .tuple([.atom("exit"), .normal])
            feed(.rootFailed(root, reason: isNormalExit ? .tuple([.atom("EXIT"), .normal]) : reason))
        }
    }

    private mutating func run(_ name: Atom, _ steps: [StartPhaseStep]) {
        for step in steps {
            switch step {
            case .fail(let reason): return feed(.startPhaseFailed(name, reason: reason))
            case .call(let application, let phase):
                events.append(.tuple([.atom("phase"), .atom(application), .atom(phase.phase)]))
                let answer = phase.arguments.asTuple?.last ?? .ok
                if answer == .ok { continue }
                let function = Term.tuple([
                    .atom(module(of: application)), .atom("start_phase"),
                    .list([.atom(phase.phase), .normal, phase.arguments]),
                ])
                if let parts = answer.asTuple, parts.first == .error {
                    return feed(.startPhaseFailed(name, reason: .tuple([parts[1], function])))
                }
                let bad = Term.tuple([.atom("bad_return_value"), .tuple([function, answer])])
                return feed(.startPhaseFailed(name, reason: bad))
            }
        }
        feed(.startPhasesDone(name))
    }

    private func module(of name: Atom) -> Atom { resources[name]?.topSupervisor?.module ?? "" }

    private mutating func note(_ what: Atom, _ name: Atom) { events.append(.tuple([.atom(what), .atom(name)])) }
}
