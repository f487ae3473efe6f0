public import Instructions
public import Terms

/// Starts and stops applications in their order, and decides what the end of one means to the node.
///
/// Events in, actions out; the roots' events come from `SupervisionTree`'s actions of the same names, as they are.
/// A library application runs without a root.
///
/// Source: OTP, application(3) and `application_controller`.
public struct ApplicationController: Sendable {
    public enum Event: Hashable, Sendable {
        /// Start all that the release starts (types permanent, transient, temporary), one after the other.
        case boot
        /// `application:start(Name, Type)`. A failure is the caller's to judge: it ends no node, as it does in `boot`.
        case start(Atom, ApplicationType)
        /// `application:stop(Name)`: no node ends by it, whatever the type.
        case stop(Atom)
        /// Stop all in reverse start order, one after the other.
        case stopAll
        /// `application:load(Name)` and `application:unload(Name)`; answered by `answer`.
        case load(Atom)
        case unload(Atom)
        /// All of `runStartPhases` is done, or one of them failed.
        case startPhasesDone(Atom)
        case startPhaseFailed(Atom, reason: Term)

        case rootStarted(ChildAddress)
        case rootFailed(ChildAddress, reason: Term)
        case rootStopped(ChildAddress, reason: Term)
    }

    public enum Action: Hashable, Sendable {
        case startRoot(address: ChildAddress, module: Atom, arguments: Term)
        case stopRoot(ChildAddress)
        /// Its top supervisor runs: run its start phases, one after the other. The answer is `startPhasesDone` or
        /// `startPhaseFailed`; none is needed once the application is stopped.
        case runStartPhases(Atom, [StartPhase])
        /// What `load` or `unload` answers.
        case answer(Atom, Term)
        case started(Atom)
        case startFailed(Atom, reason: Term)
        /// It was stopped as asked.
        case stopped(Atom)
        case stopFailed(Atom, reason: Term)
        /// It ended by itself.
        case exited(Atom, ApplicationType, reason: Term)
        /// All of `boot` is done.
        case booted
        /// The node must end; the driver sends `stopAll`.
        case terminateNode(reason: Term)
        /// All of `stopAll` is done.
        case allStopped
    }

    public enum State: Hashable, Sendable {
        case stopped
        case starting(ApplicationType)
        case running(ApplicationType)
        case stopping
    }

    private enum Phase {
        case idle
        case booting(current: Atom, rest: ArraySlice<Atom>)
        case stopping(current: Atom, rest: ArraySlice<Atom>)
    }

    /// All applications but included ones, each after those that it needs.
    public private(set) var startOrder: [Atom]
    private var specs: [Atom: ApplicationSpec]
    /// The top supervisors of those that start or run; another release may name another.
    private var roots: [Atom: ChildAddress] = [:]
    private var states: [Atom: State] = [:]
    private var loaded: Set<Atom> = []
    /// Applications that are stopped because a start phase failed, with the reason.
    private var failedPhases: [Atom: (type: ApplicationType, reason: Term)] = [:]
    /// Those that start or run, in the order in which they were started.
    private var started: [Atom] = []
    private var phase = Phase.idle
    private var actions: [Action] = []

    public init(_ applications: [ApplicationSpec]) throws(ApplicationOrderError) {
        startOrder = try ApplicationOrder.startOrder(applications)
        specs = Dictionary(applications.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Takes the applications of another release. Those that run go on; one that is not named any more can still be
    /// stopped, but not started again.
    public mutating func update(_ applications: [ApplicationSpec]) throws(ApplicationOrderError) {
        startOrder = try ApplicationOrder.startOrder(applications)
        specs = Dictionary(applications.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    public func state(of application: Atom) -> State { states[application] ?? .stopped }

    /// Those that run, in the order in which they were started.
    public var running: [Atom] {
        started.filter { if case .running = state(of: $0) { true } else { false } }
    }

    public mutating func handle(_ event: Event) -> [Action] {
        switch event {
        case .boot:
            guard case .idle = phase else { break }
            loaded = Set(specs.values.filter { $0.type != .none }.map(\.name))
            bootNext(
                startOrder.filter { name in
                    switch specs[name]?.type {
                    case .permanent?, .transient?, .temporary?: state(of: name) == .stopped
                    case .load?, ApplicationType.none?, nil: false
                    }
                }[...])
        case .start(let name, let type):
            start(name, type)
        case .stop(let name):
            stop(name)
        case .stopAll:
            if case .stopping = phase { break }
            stopNext(Array(started.reversed())[...])
        case .load(let name):
            actions.append(.answer(name, load(name)))
        case .unload(let name):
            actions.append(.answer(name, unload(name)))
        case .rootStarted(let address):
            rootStarted(address.application)
        case .startPhasesDone(let name):
            ready(name)
        case .startPhaseFailed(let name, let reason):
            guard case .starting(let type) = state(of: name), let root = roots[name] else { break }
            failedPhases[name] = (type, reason)
            states[name] = .stopping
            actions.append(.stopRoot(root))
        case .rootFailed(let address, let reason):
            rootFailed(address.application, reason)
        case .rootStopped(let address, let reason):
            rootStopped(address.application, reason)
        }
        defer { actions = [] }
        return actions
    }

    // MARK: Starting

    private mutating func bootNext(_ names: ArraySlice<Atom>) {
        var rest = names
        while let name = rest.popFirst() {
            phase = .booting(current: name, rest: rest)
            guard let type = specs[name]?.type else { continue }
            start(name, type)
            if case .starting = state(of: name) { return }
            // It failed at once, and the boot with it, or it is a library.
            guard case .booting = phase else { return }
        }
        phase = .idle
        actions.append(.booted)
    }

    private mutating func start(_ name: Atom, _ type: ApplicationType) {
        guard let spec = specs[name] else {
            return actions.append(.startFailed(name, reason: .tuple([.atom("not_loaded"), .atom(name)])))
        }
        guard state(of: name) == .stopped else {
            return actions.append(.startFailed(name, reason: .tuple([.atom("already_started"), .atom(name)])))
        }
        let missing = spec.applications.first { need in
            if case .running = state(of: need) { return false }
            let isOptional = spec.optionalApplications.contains(need) && specs[need] == nil
            return !isOptional && (specs[need] != nil || !ApplicationOrder.emulatorApplications.contains(need))
        }
        if let missing {
            return startFailed(name, type, .tuple([.atom("not_started"), .atom(missing)]))
        }
        loaded.insert(name)
        started.append(name)
        guard let mod = spec.mod, let root = spec.root else {
            states[name] = .running(type)
            return actions.append(.started(name))
        }
        states[name] = .starting(type)
        roots[name] = root
        actions.append(.startRoot(address: root, module: mod.module, arguments: mod.arguments))
    }

    private mutating func rootStarted(_ name: Atom) {
        guard case .starting = state(of: name) else { return }
        let phases = specs[name]?.startPhases ?? []
        if phases.isEmpty { ready(name) } else { actions.append(.runStartPhases(name, phases)) }
    }

    private mutating func ready(_ name: Atom) {
        guard case .starting(let type) = state(of: name) else { return }
        states[name] = .running(type)
        actions.append(.started(name))
        goOn(after: name)
    }

    private mutating func startFailed(_ name: Atom, _ type: ApplicationType, _ reason: Term) {
        forget(name)
        actions.append(.startFailed(name, reason: reason))
        guard case .booting(name, _) = phase else { return }
        switch type {
        case .permanent, .transient:
            phase = .idle
            let failure: [Term] = [.atom("application_start_failure"), .atom(name), reason]
            actions.append(.terminateNode(reason: .tuple(failure)))
        case .temporary, .load, .none:
            break
        }
    }

    private mutating func rootFailed(_ name: Atom, _ reason: Term) {
        switch state(of: name) {
        case .starting(let type):
            startFailed(name, type, reason)
            goOn(after: name)
        case .stopping:
            stopped(name)
        case .running, .stopped:
            break
        }
    }

    // MARK: Loading

    private mutating func load(_ name: Atom) -> Term {
        guard specs[name] != nil else {
            return .tuple([.atom("error"), .tuple([.atom("not_in_release"), .atom(name)])])
        }
        guard loaded.insert(name).inserted else {
            return .tuple([.atom("error"), .tuple([.atom("already_loaded"), .atom(name)])])
        }
        return .ok
    }

    private mutating func unload(_ name: Atom) -> Term {
        guard state(of: name) == .stopped else {
            return .tuple([.atom("error"), .tuple([.atom("running"), .atom(name)])])
        }
        guard loaded.remove(name) != nil else {
            return .tuple([.atom("error"), .tuple([.atom("not_loaded"), .atom(name)])])
        }
        return .ok
    }

    /// Whether its environment can be asked for and changed.
    public func isLoaded(_ application: Atom) -> Bool { loaded.contains(application) }

    // MARK: Stopping

    private mutating func stop(_ name: Atom) {
        switch state(of: name) {
        case .starting, .running:
            if let root = roots[name] {
                states[name] = .stopping
                actions.append(.stopRoot(root))
            } else {
                stopped(name)
            }
        case .stopped, .stopping:
            actions.append(.stopFailed(name, reason: .tuple([.atom("not_started"), .atom(name)])))
        }
    }

    private mutating func stopped(_ name: Atom) {
        if let failure = failedPhases.removeValue(forKey: name) {
            startFailed(name, failure.type, failure.reason)
            return goOn(after: name)
        }
        forget(name)
        actions.append(.stopped(name))
        goOn(after: name)
    }

    private mutating func stopNext(_ names: ArraySlice<Atom>) {
        var rest = names
        while let name = rest.popFirst() {
            switch state(of: name) {
            case .stopped:
                continue
            case .stopping:
                phase = .stopping(current: name, rest: rest)
                return
            case .starting, .running:
                guard let root = roots[name] else {
                    forget(name)
                    actions.append(.stopped(name))
                    continue
                }
                phase = .stopping(current: name, rest: rest)
                states[name] = .stopping
                actions.append(.stopRoot(root))
                return
            }
        }
        phase = .idle
        actions.append(.allStopped)
    }

    private mutating func rootStopped(_ name: Atom, _ reason: Term) {
        switch state(of: name) {
        case .running(let type):
            forget(name)
            actions.append(.exited(name, type, reason: reason))
            switch type {
            case .permanent: terminate(name, reason)
            case .transient: if reason != .normal { terminate(name, reason) }
            case .temporary, .load, .none: break
            }
        case .stopping:
            stopped(name)
        case .starting(let type):
            startFailed(name, type, reason)
            goOn(after: name)
        case .stopped:
            break
        }
    }

    private mutating func terminate(_ name: Atom, _ reason: Term) {
        switch phase {
        case .stopping:
            return
        case .idle, .booting:
            phase = .idle
            let exit: [Term] = [.atom("application_terminated"), .atom(name), reason]
            actions.append(.terminateNode(reason: .tuple(exit)))
        }
    }

    private mutating func forget(_ name: Atom) {
        states[name] = nil
        started.removeAll { $0 == name }
        roots[name] = nil
    }

    /// The application that boot or stopAll waited for has come to its rest.
    private mutating func goOn(after name: Atom) {
        switch phase {
        case .booting(name, let rest): bootNext(rest)
        case .stopping(name, let rest): stopNext(rest)
        case .idle, .booting, .stopping: break
        }
    }
}
