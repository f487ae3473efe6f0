public import Instructions
public import Terms
public import Wire

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
        /// The application is loaded by it, and stays so.
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
        /// Its top supervisor runs: take these steps, one after the other. The answer is `startPhasesDone` or
        /// `startPhaseFailed`; none is needed once the application is stopped.
        case runStartPhases(Atom, [StartPhaseStep])
        /// Loaded or unloaded by name, by a start or with who includes them.
        case loaded([Atom])
        case unloaded([Atom])
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

    public enum State: Hashable, Sendable, Codable {
        case stopped
        case starting(ApplicationType)
        case running(ApplicationType)
        case stopping
    }

    enum Phase {
        case idle
        case booting(current: Atom, rest: ArraySlice<Atom>)
        case stopping(current: Atom, rest: ArraySlice<Atom>)
    }

    /// All applications but included ones, each after those that it needs.
    public private(set) var startOrder: [Atom]
    private(set) var specs: [Atom: ApplicationSpec]
    /// The top supervisors of those that start or run; another release may name another.
    var roots: [Atom: ChildAddress] = [:]
    var states: [Atom: State] = [:]
    /// Those whose environment can be asked for and changed.
    public internal(set) var loaded: Set<Atom> = []
    /// Those that ended by themselves and were not stopped since. To OTP they are started and do not run: who needs
    /// one may be asked to start, and a stop of one is `ok`.
    var ended: Set<Atom> = []
    /// Applications that are stopped because a start phase failed, with the reason.
    var failedPhases: [Atom: (type: ApplicationType, reason: Term)] = [:]
    /// Those that run, in the order in which their starts were done, then those that start.
    var started: [Atom] = []
    var phase = Phase.idle
    var actions: [Action] = []

    public init(_ applications: [ApplicationSpec]) throws(ApplicationOrderError) {
        (specs, startOrder) = try ApplicationOrder.startOrder(applications)
    }

    /// Takes the applications of another release. Those that run go on; one that is not named any more can still be
    /// stopped, but not started again.
    public mutating func update(_ applications: [ApplicationSpec]) throws(ApplicationOrderError) {
        (specs, startOrder) = try ApplicationOrder.startOrder(applications)
    }

    public func state(of application: Atom) -> State { states[application] ?? .stopped }

    public func isLoaded(_ application: Atom) -> Bool { loaded.contains(application) }

    /// What was loaded and unloaded by an upgrade that was taken back is undone; what runs stays loaded.
    public mutating func restoreLoaded(_ before: Set<Atom>) { loaded = before.union(states.keys) }

    /// Those that run, in the order in which their starts were done.
    public var running: [Atom] {
        started.filter { if case .running = state(of: $0) { true } else { false } }
    }

    public mutating func handle(_ event: Event) -> [Action] {
        switch event {
        case .boot:
            guard case .idle = phase else { break }
            for spec in specs.values where spec.type != .none { _ = loadAll(spec.name) }
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
            startPhasesDone(name)
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
}
