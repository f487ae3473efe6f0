import Host
import Instructions
import Supervision
import Terms
import Wire

/// The driver of the application controller: it starts and stops the top supervisors, and knows who waits for what
/// becomes of an application.
///
/// It owns the controller, the environments as they were changed since the boot, and the start phases under way.
@HostActor
final class ApplicationDriver {
    /// What becomes of the node by what becomes of its applications.
    enum Outcome {
        /// Every application of the release has started.
        case booted
        /// A permanent application has ended, or could not start at the boot.
        case mustEnd(reason: Term)
        /// The last one has stopped, in a node that goes down.
        case allStopped
    }

    let tree: TreeDriver
    let code: CodeServer
    let events: EventHub
    let running: RunningRelease
    var onOutcome: @HostActor (Outcome) -> Void = { _ in }

    private var controller: ApplicationController?
    private(set) var waiters: [Atom: Waiters] = [:]
    private var isStoppingAll = false
    /// By the version of the release for which they were made.
    var environmentChanges: [String: EnvironmentChanges] = [:]
    /// How often an application's start phases were run: an answer of an earlier run has no meaning any more.
    var startPhaseRuns: [Atom: Int] = [:]
    /// How long a worker may take for its `config_change`.
    var configChangeMilliseconds = 10_000

    init(tree: TreeDriver, code: CodeServer, events: EventHub, running: RunningRelease) {
        self.tree = tree
        self.code = code
        self.events = events
        self.running = running
    }

    // MARK: Looking

    func state(of name: Atom) -> ApplicationController.State { controller?.state(of: name) ?? .stopped }
    func isLoaded(_ name: Atom) -> Bool { controller?.isLoaded(name) == true }
    var loaded: Set<Atom> { controller?.loaded ?? [] }
    /// Those that run, the last started last.
    var started: [Atom] { controller?.running ?? [] }

    // MARK: Boot, end and change of the release

    func boot(_ specs: [ApplicationSpec]) throws {
        controller = try ApplicationController(specs)
        feed(.boot)
    }

    /// Nothing is to be stopped before the boot has come to the applications.
    func stopAll() {
        isStoppingAll = true
        guard controller != nil else { return onOutcome(.allStopped) }
        feed(.stopAll)
    }

    /// The release whose applications these are is installed, or goes on.
    func update(_ specs: [ApplicationSpec]) throws { try controller?.update(specs) }

    /// What a script did to applications without starting or stopping any is undone.
    func takeBack(to release: LoadedRelease, loaded: Set<Atom>) {
        forgetEnvironmentChanges(except: release.vsn)
        controller?.restoreLoaded(loaded)
        do {
            try update(release.applicationSpecs)
        } catch {
            events.post(.application(.internalError(vsn: release.vsn, error: "\(error)")))
        }
    }

    // MARK: Over the daemon's own re-execution

    struct State: Codable {
        let controller: ApplicationController.Settled
        let environmentChanges: [String: EnvironmentChanges]
        let startPhaseRuns: [Atom: Int]
    }

    /// Nil where an application is being started or stopped.
    var state: State? {
        guard let settled = controller?.settled, !isStoppingAll, waiters.values.allSatisfy(\.isEmpty) else {
            return nil
        }
        return State(
            controller: settled, environmentChanges: environmentChanges, startPhaseRuns: startPhaseRuns)
    }

    func goOn(_ state: State, _ specs: [ApplicationSpec]) throws {
        controller = try ApplicationController(specs, state.controller)
        environmentChanges = state.environmentChanges
        startPhaseRuns = state.startPhaseRuns
    }

    // MARK: The machine

    func feed(_ event: ApplicationController.Event) {
        for action in controller?.handle(event) ?? [] { perform(action) }
    }

    private func perform(_ action: ApplicationController.Action) {
        switch action {
        case .startRoot(let address, let module, let arguments):
            tree.feed(.startRoot(address: address, module: module, arguments: arguments))
        case .stopRoot(let address): tree.feed(.stopRoot(address))
        case .runStartPhases(let name, let steps): runStartPhases(of: name, steps)
        case .loaded(let names): changeEnvironments(of: names, areLoaded: true)
        case .unloaded(let names): changeEnvironments(of: names, areLoaded: false)
        case .answer(let name, let term): settle(name, \.loads, term)
        case .started(let name):
            events.post(.application(.started(name)))
            tellUnknownStartPhases(of: name)
            settle(name, \.starts, .ok)
        case .startFailed(let name, let reason):
            if reason != .tuple([.atom("already_started"), .atom(name)]) {
                events.post(.application(.failed(name, reason: reason, explained: code.explained(reason))))
            }
            settle(name, \.starts, .tuple([.error, reason]))
            settleRest(name)
        case .stopped(let name):
            events.post(.application(.stopped(name)))
            // It was stopped before its start was done: whoever asked for the start did not get it.
            settle(name, \.starts, .tuple([.error, .shutdown]))
            settle(name, \.stops, .ok)
            settleRest(name)
        case .stopFailed(let name, let reason): settle(name, \.stops, .tuple([.error, reason]))
        case .exited(let name, let type, let reason):
            events.post(.application(.exited(name, type, reason: reason)))
        case .booted: onOutcome(.booted)
        case .terminateNode(let reason): onOutcome(.mustEnd(reason: reason))
        case .allStopped: onOutcome(.allStopped)
        }
    }

    // MARK: Who waits

    /// Who waits for what becomes of an application.
    struct Waiters {
        typealias Answer = @HostActor (Term) -> Void

        var starts: [Answer] = []
        var stops: [Answer] = []
        /// `load` and `unload`, which are answered at once.
        var loads: [Answer] = []
        /// Whoever has to wait until its stop is done.
        var rests: [@HostActor () -> Void] = []

        var isEmpty: Bool { starts.isEmpty && stops.isEmpty && loads.isEmpty && rests.isEmpty }
    }

    /// Starts, stops, loads or unloads an application; `then` gets what OTP's function answers.
    ///
    /// OTP's controller handles one request at a time. So a start that is asked for while one is under way is told what
    /// becomes of that one, and what is asked for while the application stops comes after the stop.
    func control(_ event: ApplicationController.Event, _ name: Atom, then: @escaping Waiters.Answer) {
        switch (event, state(of: name)) {
        case (.start, .stopping), (.stop, .stopping):
            whenAtRest(name) { [weak self] in
                guard let self, !isStoppingAll else { return then(.tuple([.error, .shutdown])) }
                control(event, name, then: then)
            }
        case (.start, .starting):
            waiters[name, default: Waiters()].starts.append(then)
        case (.start, _):
            waiters[name, default: Waiters()].starts.append(then)
            feed(event)
        case (.stop, _):
            waiters[name, default: Waiters()].stops.append(then)
            feed(event)
        case (_, _):
            waiters[name, default: Waiters()].loads.append(then)
            feed(event)
        }
    }

    func whenAtRest(_ name: Atom, _ then: @escaping @HostActor () -> Void) {
        waiters[name, default: Waiters()].rests.append(then)
    }

    private func settle(_ name: Atom, _ kind: WritableKeyPath<Waiters, [Waiters.Answer]>, _ answer: Term) {
        guard let waiting = waiters[name]?[keyPath: kind] else { return }
        waiters[name]?[keyPath: kind] = []
        for waiter in waiting { waiter(answer) }
    }

    private func settleRest(_ name: Atom) {
        guard let waiting = waiters[name]?.rests else { return }
        waiters[name]?.rests = []
        for waiter in waiting { waiter() }
    }
}

extension ApplicationDriver: TreeClient {
    func treeRootStarted(_ address: ChildAddress) { feed(.rootStarted(address)) }
    func treeRootFailed(_ address: ChildAddress, reason: Term) { feed(.rootFailed(address, reason: reason)) }
    func treeRootStopped(_ address: ChildAddress, reason: Term) { feed(.rootStopped(address, reason: reason)) }

    func treeEnvironment(of module: Atom, at address: ChildAddress) -> [Atom: Term] {
        guard let release = running.forStarts else { return [:] }
        return environment(of: environmentOwner(of: address, module: module, in: release), in: release)
    }

    func treeStarted(_ place: Place) { tellIfStale(place) }
}
