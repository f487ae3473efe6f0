public import Host
import Instructions
public import Logging
import ReleaseHandling
import Supervision
import Terms
import Wire

/// The node: the supervision tree, the workers at its places, the running release and the upgrade in progress.
///
/// It is the driver of the pure machines: it performs their actions and feeds the outcomes back. All of it runs on
/// the one thread of `HostActor`, so that no two events are ever handled at once.
@HostActor
public final class Node {
    enum Phase {
        case idle
        case starting
        case running
        case upgrading(Upgrade)
        case stopping(NodeEnd)
        case ended(NodeEnd)
    }

    let root: ReleaseRoot
    let events: EventHub
    let codeServer: CodeServer
    let sockets = ListeningSockets()
    let startedAtMilliseconds = Reactor.nowMilliseconds()
    lazy var launcher = Launcher(context: self, sockets: sockets)

    var phase: Phase = .idle
    /// What runs now; nil until the boot has read it.
    var release: LoadedRelease?
    var store: ReleaseStore
    var applications: ApplicationController?
    /// Every process of this node that has not ended, those without a place in the tree included.
    var generations: [ObjectIdentifier: Generation] = [:]
    var tree = SupervisionTree()
    var places: [ChildAddress: Place] = [:]
    /// Places without a process: they are forgotten once their child will not be started again.
    var emptyPlaces: Set<ChildAddress> = []
    /// Of these, those that may have become gone since they were last looked at.
    var placesInQuestion: PlacesInQuestion = .some([])
    /// Modules that are suspended: no child that lists one is started until they are released.
    var heldModules: Set<Atom> = []
    /// Old code that some worker still ran when its module was loaded, with how it is to be purged.
    var unpurged = Unpurged()
    var purgeTimer: ScheduledTimer?
    /// Whether a check of an install reads its files: one at a time, since it reads them all.
    var isChecking = false
    var probation = ProbationDriver()
    /// Time limits of upgrades.
    var upgradeOptions = RelupMachine.Options()
    /// How long a worker may take for its `config_change`.
    var configChangeMilliseconds = 10_000
    var requests: [RequestID: (SupervisorReply) -> Void] = [:]
    var lastRequest = 0
    var applicationWaiters: [Atom: ApplicationWaiters] = [:]
    /// By the version of the release for which they were made.
    var environmentChanges: [String: EnvironmentChanges] = [:]
    /// What people are changing by hand: no install that is asked for begins meanwhile.
    var changesUnderWay: [Int: String] = [:]
    var lastChange = 0
    /// How often an application's start phases were run: an answer of an earlier run has no meaning any more.
    var startPhaseRuns: [Atom: Int] = [:]
    private var treeEvents: [SupervisionTree.Event] = []
    private var isFeeding = false
    /// Who waits for a start to have come to its end, whatever that is.
    var startWaiters: [StartID: [() -> Void]] = [:]
    var bootWaiter: ((Result<Void, BootError>) -> Void)?
    var endWaiters: [(NodeEnd) -> Void] = []

    public init(root: ReleaseRoot, logger: Logger) throws(BootError) {
        self.root = root
        events = EventHub(logger: logger)
        codeServer = CodeServer()
        store = try ReleaseStore(root: root)
        sockets.isVacant = { [unowned self] in tree.child(at: $0) == nil }
        for note in store.recoveryNotes { events.post("recovered", note, level: .notice) }
    }

    var releases: ReleasesFile { store.table.releases }

    /// The release whose configuration a start takes: the new one once an upgrade has switched the code path.
    var releaseForStarts: LoadedRelease? {
        guard let upgrade else { return release }
        return upgrade.usesNewCode ? upgrade.to : upgrade.from
    }

    // MARK: The tree's driver

    /// Gives the tree an event and performs what it answers; events that come of that follow in order.
    func feed(_ event: SupervisionTree.Event) {
        treeEvents.append(event)
        guard !isFeeding else { return }
        isFeeding = true
        defer { isFeeding = false }
        while !treeEvents.isEmpty {
            let next = treeEvents.removeFirst()
            for action in tree.handle(next, now: Reactor.nowMilliseconds()) { perform(action) }
        }
        forgetGonePlaces()
    }

    /// Asks a supervisor; `then` gets its reply.
    func request(_ request: SupervisorRequest, then: @escaping @HostActor (SupervisorReply) -> Void) {
        lastRequest += 1
        let id = RequestID(lastRequest)
        requests[id] = then
        feed(.request(id, request))
    }

    private func perform(_ action: SupervisionTree.Action) {
        switch action {
        case .startWorker(let id, let address, let spec): startWorker(id, address, spec)
        case .stopWorker(let id, let address, let shutdown): stopWorker(id, address, shutdown)
        case .cancelStart(let id, let address): stopWorker(id, address, .brutalKill)
        case .readSupervisor(let id, let address, let module, let arguments):
            readSupervisor(id, address, module, arguments)
        case .scheduleTimer(let id, let milliseconds):
            _ = Reactor.shared.schedule(afterMilliseconds: milliseconds) { [weak self] in
                self?.feed(.timerFired(id))
            }
        case .reply(let id, let reply):
            // A child may have been deleted by it, and its place with it.
            placesInQuestion = .all
            forgetGonePlaces()
            requests.removeValue(forKey: id)?(reply)
        case .rootStarted(let address): feed(.rootStarted(address))
        case .rootFailed(let address, let reason):
            placesInQuestion = .all
            feed(.rootFailed(address, reason: reason))
        case .rootStopped(let address, let reason):
            placesInQuestion = .all
            feed(.rootStopped(address, reason: reason))
        case .report(let report):
            if isOfSupervisor(report) { placesInQuestion = .all }
            tell(report)
            judge(report)
        }
    }

    private func startWorker(_ id: StartID, _ address: ChildAddress, _ spec: ChildSpec) {
        if spec.listedModules.contains(where: heldModules.contains) {
            return feed(.workerStartHeld(id))
        }
        let place = places[address] ?? Place(address: address, spec: spec, launcher: launcher, observer: self)
        places[address] = place
        emptyPlaces.remove(address)
        place.start(id, spec: spec)
    }

    private func stopWorker(_ id: StartID, _ address: ChildAddress, _ shutdown: Shutdown) {
        guard let place = places[address], place.startID == id else {
            return feed(.workerExited(id, reason: .atom("noproc")))
        }
        place.stop(shutdown)
    }

    private func readSupervisor(_ id: StartID, _ address: ChildAddress, _ module: Atom, _ arguments: [Term]) {
        do {
            guard let initial = try supervisorInit(of: module, at: address) else {
                return feed(.supervisorIgnored(id))
            }
            feed(.supervisorRead(id, initial))
        } catch {
            feed(.supervisorUnreadable(id, reason: error.reason))
        }
    }

    /// What MODULE.sup says now, with its application's environment put in; nothing where it says `ignore`.
    func supervisorInit(of module: Atom, at address: ChildAddress) throws(SupervisorReadError) -> SupervisorInit? {
        do {
            let file = try codeServer.supervisor(module, in: root)
            let environment =
                releaseForStarts.map { release in
                    self.environment(of: environmentOwner(of: address, module: module, in: release), in: release)
                } ?? [:]
            return try SupervisorInit.parse(file.bytes, file: file.path) { environment[$0] }
        } catch let error as CodeError {
            throw SupervisorReadError(reason: error.term)
        } catch {
            throw SupervisorReadError(reason: .text("\(error)"))
        }
    }

    // MARK: What places tell

    func placeNotice(_ place: Place, _ notice: PlaceMachine.Notice) {
        let id = notice.startID
        if place.startID == nil { emptied(place.address) }
        switch notice {
        case .started:
            let pid = place.current?.pid ?? 0
            events.post(
                "worker_started", "\(place.address) started, pid \(pid)", worker: place.address.description,
                fields: ["pid": "\(pid)", "generation": "\(place.current?.number ?? 0)"])
            tellIfStale(place)
            feed(.workerStarted(id))
        case .ignored: feed(.workerIgnored(id))
        case .startFailed(_, let reason): feed(.workerStartFailed(id, reason: reason))
        case .exited(_, let reason, let asked):
            tellEnd(of: place, reason, asked: asked)
            feed(.workerExited(id, reason: reason))
        }
        for waiter in startWaiters.removeValue(forKey: id) ?? [] { waiter() }
    }

    func handedOff(_ place: Place, from old: Generation, to new: Generation) {
        events.post(
            "worker_handed_off", "\(place.address) handed off from pid \(old.pid) to pid \(new.pid)",
            worker: place.address.description,
            fields: ["pid": "\(new.pid)", "old_pid": "\(old.pid)", "generation": "\(new.number)"])
    }
}

/// Why a supervisor's init could not be had.
struct SupervisorReadError: Error { let reason: Term }
