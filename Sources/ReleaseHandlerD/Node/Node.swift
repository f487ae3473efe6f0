public import Host
import Instructions
public import Logging
import ReleaseHandling
import Supervision
import Terms
import Wire

/// The node: its phase, its boot and its end, and the rooms that it is composed of.
///
/// Each room owns its state and decides by a machine of its own; the node only says what the end of one means for the
/// others. All of it runs on the one thread of `HostActor`, so that no two events are ever handled at once.
@HostActor
public final class Node {
    enum Phase {
        case idle
        case starting
        /// An upgrade under way included.
        case running
        case stopping(NodeEnd)
        case ended(NodeEnd)
    }

    let root: ReleaseRoot
    let events: EventHub
    let running = RunningRelease()
    let processes = Processes()
    let sockets = ListeningSockets()
    let launcher: Launcher
    let code: CodeServer
    let tree: TreeDriver
    let applications: ApplicationDriver
    let purger: Purger
    let installer: Installer
    let probation: ProbationDriver
    let changes = ChangesByHand()
    let membership: NodeMembership
    let store: ReleaseStore
    let history: ReleaseHistory

    var phase: Phase = .idle
    /// Behind which the next one waits.
    var lastReload: Task<Result<ReloadedConfiguration, ControlError>, Never>?
    let startedAtMilliseconds: Int
    /// The install that goes on under this emulator, until it has come to its end.
    var continued: ContinuedInstall?
    /// What the rest of its script tells, for who has asked for it.
    var continuedProgress: Task<Result<AsyncStream<InstallProgress>, ControlError>, Never>?
    /// Executes another emulator in the daemon's place, with all that the node hosts; returns only why not.
    var onEmulator: @HostActor (EmulatorProgram, ContinuedInstall?) async -> EmulatorFailure = { _, _ in
        .refused("nobody executes another emulator here")
    }
    /// When this run, or the one in whose place it goes on, had booted.
    var bootedAtMilliseconds: Int?
    /// When this boot has shown that the permanent release can boot.
    var bootProof: ScheduledTimer?
    /// The writing down of why this run ends.
    var endNote: Task<Void, Never>?
    /// What the service manager was told last.
    var toldStatus: String?
    /// A release that passed and could not be made permanent yet, and why.
    var unwrittenPermanent: UnwrittenPermanent?
    var permanentRetry: ScheduledTimer?
    /// The release that has passed and is being made permanent.
    var makingPermanent: String?
    /// What was asked for with the install that has restarted the emulator into the release that boots.
    private var bootWish: InstallRequest.MakePermanent?
    private var bootWaiter: ((Result<Void, BootError>) -> Void)?
    private var endWaiters: [(NodeEnd) -> Void] = []

    public convenience init(
        root: ReleaseRoot, logger: Logger, options: NodeOptions = NodeOptions()
    ) async throws(BootError) {
        try await self.init(root: root, logger: logger, .ordinary, options: options)
    }

    /// - Parameter start: what the run before has left for this one.
    convenience init(
        root: ReleaseRoot, logger: Logger, _ start: RunStart, options: NodeOptions = NodeOptions()
    ) async throws(BootError) {
        let store = try await ReleaseStore.open(root, start)
        self.init(
            store, logger: logger, membership: NodeMembership.State(options, start, store.releases.permanent),
            directory: options.directory)
        bootWish = start.makePermanent
        for note in store.recoveryNotes { events.post(.release(.recovered(note: note))) }
        for sentence in store.repairs { events.post(.release(.rootRepaired(sentence: sentence))) }
        for exposure in store.exposures { events.post(.release(.rootExposed(exposure))) }
        tellFindings()
    }

    /// Goes on where the daemon before stood.
    convenience init(
        root: ReleaseRoot, logger: Logger, goingOn state: NodeState, options: NodeOptions = NodeOptions(),
        followers: Int
    ) throws {
        let release = try LoadedRelease(
            state.release, file: "\(root.releaseDirectory(state.release.record.vsn))/sys.config")
        self.init(
            ReleaseStore(root, state.store), logger: logger, membership: state.membership,
            directory: options.directory, startedAtMilliseconds: state.startedAtMilliseconds,
            lastReference: state.tree.lastReference, history: state.history ?? [])
        try goOn(state, release, followers: followers)
    }

    private init(
        _ store: ReleaseStore, logger: Logger, membership: NodeMembership.State, directory: NodeDirectory?,
        startedAtMilliseconds: Int = Reactor.nowMilliseconds(), lastReference: Int = 0,
        history: [HistoryRecord] = []
    ) {
        let root = store.root
        self.root = root
        self.store = store
        self.history = ReleaseHistory(root, unwritten: history)
        self.startedAtMilliseconds = startedAtMilliseconds
        let events = EventHub(logger: logger)
        let code = CodeServer(root: root)
        self.events = events
        self.code = code
        let context = StartContext(root: root, code: code, running: running, processes: processes)
        launcher = Launcher(context: context, sockets: sockets, references: References(last: lastReference))
        tree = TreeDriver(code: code, events: events, launcher: launcher)
        applications = ApplicationDriver(tree: tree, code: code, events: events, running: running)
        purger = Purger(
            code: code, events: events, census: { [tree] in tree.workers(listing: $0, then: $1) },
            end: { [tree] in tree.places[$0]?.current?.kill(reason: .atom("killed")) },
            mayPurge: { [running] in !running.isChanging })
        self.membership = NodeMembership(membership, in: directory, events: events)
        let site = UpgradeSite(
            root: root, tree: tree, applications: applications, code: code, events: events, running: running,
            processes: processes, membership: self.membership)
        installer = Installer(site: site, store: store, purger: purger)
        probation = ProbationDriver(root: root, events: events, processes: processes)
        context.applications = applications
        store.delegate = self
        connect()
    }

    /// What one room tells that concerns others.
    private func connect() {
        events.onHistoric = { [history] in history.note($0) }
        tree.client = applications
        code.onPurge = { [unowned tree] in tree.purgeModules($0) }
        tree.onReport = { [unowned self] report in
            probation.judge(report) { self.tree.child(at: $0)?.spec }
            tellWaiting(report)
        }
        processes.onEnd = { [unowned self] in processEnded() }
        applications.onOutcome = { [unowned self] in heard($0) }
        installer.onNotice = { [unowned self] in heard($0) }
        probation.onDemand = { [unowned self] in meet($0) }
        probation.bootProblems = { [unowned self] in
            guard let release = running.current else { return [] }
            // What is not there needs no trial.
            let obstacles = await store.bootObstacles(to: release.vsn)
            guard obstacles.isEmpty else { return obstacles }
            return await BootRehearsal(site: installer.site, release: release).problems()
        }
        probation.onChange = { [unowned self] in tellStatus() }
        installer.beforeInstall = { [unowned self] in await noteInstall(of: $0) }
        installer.onCalledOff = { [unowned self] in noteInstallEnded() }
        probation.absent = { [unowned self] changed, then in
            let milliseconds = (running.current?.upgrade ?? RelupMachine.Options()).suspendTimeoutMilliseconds
            tree.absent(among: changed, withinMilliseconds: milliseconds, then: then)
        }
    }

    private func heard(_ outcome: ApplicationDriver.Outcome) {
        switch outcome {
        case .booted: booted()
        case .mustEnd(let reason): stop(endOfNode("the node ends: \(code.explained(reason))"))
        case .allStopped: treeIsDown()
        }
    }

    private func heard(_ notice: Installer.Notice) {
        switch notice {
        case .began(let from, let to):
            membership.begins(from: from, to: to)
            probation.judge(.upgradeBegan)
        case .takesBack: membership.failed()
        case .failed(let reason):
            membership.failed()
            upgradeFailed(reason)
        case .needsNewEmulator(let wish): becomeNewEmulator(wish)
        case .installed(let install):
            continued = nil
            membership.installed()
            probation.begin(install)
            noteInstallEnded()
            tellStatus()
        case .changedApplication:
            membership.installed()
            tellStatus()
        case .mustRestart(let reason):
            membership.failed()
            stop(.restart(reason: reason))
        case .restartsEmulator(let vsn, let makePermanent):
            membership.restarts()
            stop(.restartInto(vsn, makePermanent: makePermanent))
        }
    }

    private func meet(_ demand: ProbationDriver.Demand) {
        switch demand {
        case .makePermanent(let vsn): makePermanentByItself(vsn)
        case .goBack(let vsn): goBack(to: vsn)
        case .restartNode(let reason): stop(.restart(reason: reason))
        }
    }

    // MARK: Boot

    /// Boots the permanent release, or the one that a script has restarted the emulator into; returns once every application of it has started.
    public func boot() async throws(BootError) {
        guard case .idle = phase else { throw BootError("the node was stopped before it booted") }
        let result: Result<Void, BootError> = await withCheckedContinuation { continuation in
            bootWaiter = { continuation.resume(returning: $0) }
            Task { await readAndBoot() }
        }
        try result.get()
    }

    /// Nobody waits for the disk who waits for the node's end.
    private func readAndBoot() async {
        membership.join()
        await endEarlierRun()
        let permanent: Result<LoadedRelease, BootError>
        do {
            permanent = .success(try await store.loadBooting())
        } catch {
            permanent = .failure(error)
        }
        // It was stopped meanwhile, and that has ended the boot.
        guard case .idle = phase else { return }
        beginBoot(permanent)
    }

    private func beginBoot(_ permanent: Result<LoadedRelease, BootError>) {
        do {
            let release = try permanent.get()
            running.boots(release)
            events.release = release.vsn
            code.use(release)
            events.post(.daemon(.booting(release: release.resource.name, vsn: release.vsn)))
            phase = .starting
            try applications.boot(release.applicationSpecs)
        } catch {
            end(endOfBoot("\(error)"))
        }
    }

    private func booted() {
        guard case .starting = phase else { return }
        phase = .running
        bootedAtMilliseconds = Reactor.nowMilliseconds()
        sockets.forgetUnclaimed()
        events.post(.daemon(.running(status: statusLine)))
        watchBoot()
        if let continued { goOn(with: continued) } else { beginTrial() }
        // With READY=1, in one message; what changes later is told as it does.
        toldStatus = statusLine
        finishBoot(.success(()))
    }

    /// One that was restarted into has everything to prove.
    private func beginTrial() {
        guard let release = running.current, let permanent = store.releases.permanent, release.vsn != permanent.vsn
        else { return }
        events.post(.upgrade(.done(from: permanent.vsn, to: release.vsn)))
        let applications = release.applications
        probation.begin(
            Probation.Install(
                release: release.vsn, previous: permanent.vsn, permanent: permanent.vsn,
                changed: ChangedCode(
                    modules: Set(applications.values.flatMap(\.modules)), applications: Set(applications.keys)),
                options: release.probation.asked(bootWish)))
        bootWish = nil
    }

    private func finishBoot(_ result: Result<Void, BootError>) {
        let waiter = bootWaiter
        bootWaiter = nil
        waiter?(result)
    }

    // MARK: End

    /// Suspends until the node has ended and says why.
    public func ended() async -> NodeEnd {
        await withCheckedContinuation { continuation in
            if case .ended(let end) = phase { return continuation.resume(returning: end) }
            endWaiters.append { continuation.resume(returning: $0) }
        }
    }

    /// Stops the tree in order; `ended()` returns once it is down.
    public func stop(_ end: NodeEnd) {
        let ofBoot = if case .starting = phase { true } else { false }
        switch phase {
        // Who wants it down gets it down, whatever it was stopped for.
        case .stopping(let other) where other.isRestart && end == .stopped:
            phase = .stopping(end)
            membership.leave()
            return events.post(.daemon(.stopping(why: end.description)))
        case .stopping, .ended: return
        case .idle, .starting, .running: phase = .stopping(end)
        }
        noteEnd(end, ofBoot: ofBoot)
        installer.overtaken(reason: end.ofUpgrade)
        switch end {
        case .restartInto, .restartNewEmulator: break  // The next run is that node still.
        case .stopped, .failed, .restart: membership.leave()
        }
        tree.expect(.nextRun)
        purger.stop()
        probation.judge(.nodeStopping)
        events.post(.daemon(.stopping(why: end.description)))
        applications.stopAll()
    }

    /// A stop of a node that goes down to restart.
    func stopInsteadOfRestart() {
        if case .stopping(let end) = phase, end.isRestart { stop(.stopped) }
    }

    /// A node that can't go on ends with failure, so that the service manager starts it anew; one that runs a release
    /// which is not permanent goes back to the one that is, by its own restart.
    private func endOfNode(_ reason: String) -> NodeEnd {
        guard let running = store.table.running, running.status != .permanent else { return endOfBoot(reason) }
        return .restart(reason: "\(reason), and release \(running.vsn) is not permanent")
    }

    /// The tree is down; what still ends are old generations and standbys, which nobody needs.
    private func treeIsDown() {
        guard case .stopping(let end) = phase else { return }
        processes.killAll()
        guard processes.isEmpty else { return }
        self.end(end)
    }

    /// No process is left behind: the node has ended when its last process has.
    private func processEnded() {
        if processes.generations.isEmpty, applications.started.isEmpty { treeIsDown() }
    }

    private func end(_ end: NodeEnd) {
        phase = .ended(end)
        noteEnd(end)
        bootProof?.cancel()
        switch end {
        case .restart, .restartInto, .restartNewEmulator: break  // They go on into the daemon's next run.
        case .stopped, .failed: sockets.closeAll()
        }
        events.post(.daemon(.stopped))
        events.finish()
        finishBoot(.failure(BootError("\(end)")))
        let waiters = endWaiters
        endWaiters = []
        for waiter in waiters { waiter(end) }
    }
}
