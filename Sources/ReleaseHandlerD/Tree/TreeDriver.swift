import DequeModule
import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms
import Wire

/// Who stands above the tree: the applications whose top supervisors it runs.
@HostActor
protocol TreeClient: AnyObject {
    func treeRootStarted(_ address: ChildAddress)
    func treeRootFailed(_ address: ChildAddress, reason: Term)
    func treeRootStopped(_ address: ChildAddress, reason: Term)
    /// What `{'$env', Key, Default}` of a `.sup` reads that is started, or changed, now.
    func treeEnvironment(of module: Atom, at address: ChildAddress) -> [Atom: Term]
    func treeStarted(_ place: Place)
}

/// The driver of the supervision tree: performs its actions at the places and feeds the outcomes back.
///
/// It owns the tree and the places by their addresses. Others ask it: for what stands where, for workers by their modules,
/// and, through `request`, supervisors for changes.
@HostActor
final class TreeDriver {
    let code: CodeServer
    let events: EventHub
    let launcher: Launcher
    weak var client: (any TreeClient)?
    /// What supervisors report, once it is told.
    var onReport: @HostActor (SupervisorReport) -> Void = { _ in }

    var tree = SupervisionTree()
    var places: [ChildAddress: Place] = [:]
    /// Modules that are suspended: no child that lists one is started until they are released.
    private(set) var heldModules: Set<Atom> = []
    /// Children that are started all the same: the script itself asks for it.
    private(set) var permitted: Set<ChildAddress> = []
    /// Told of each end of a worker that had been started, while an upgrade is under way.
    var onWorkerEnd: (@HostActor (Place, StartID, Term, _ asked: Bool) -> Void)?
    var vacancies = Vacancies()
    var expectation = Expectation.none
    var waiting: Deque<SupervisionTree.Event> = []
    /// Starts that failed before they came to a process, told in another turn.
    var failedStarts: [SupervisionTree.Event] = []
    private var isFeeding = false
    private(set) var requests: [RequestID: (SupervisorReply) -> Void] = [:]
    var lastRequest = 0
    /// Supervisors that are to end until then. Monotonic milliseconds.
    var deadlines: [StartID: Int] = [:]
    /// For the first of the restarts that wait.
    private var restartTimer: ScheduledTimer?
    /// Who waits for a start to have come to its end, whatever that is.
    private(set) var startWaiters: [StartID: [() -> Void]] = [:]
    var preparing: [StartID: Preparing] = [:]
    /// Who waits for a place to have come to rest.
    var restWaiters: [ChildAddress: [() -> Void]] = [:]

    init(code: CodeServer, events: EventHub, launcher: Launcher) {
        self.code = code
        self.events = events
        self.launcher = launcher
        sockets.isVacant = { [unowned self] in child(at: $0) == nil }
    }

    var sockets: ListeningSockets { launcher.sockets }

    // MARK: Looking

    func child(at address: ChildAddress) -> ChildStatus? { tree.child(at: address) }
    func supervisor(at address: ChildAddress) -> SupervisorStatus? { tree.supervisor(at: address) }
    func allChildren() -> [ChildStatus] { tree.allChildren() }
    func allSupervisors() -> [SupervisorStatus] { tree.allSupervisors() }
    var rootAddresses: [ChildAddress] { tree.rootAddresses }
    /// The spec that the children of a `simple_one_for_one` supervisor share.
    func template(of supervisor: ChildAddress) -> ChildSpec? { tree.template(of: supervisor) }
    func snapshot(of supervisor: ChildAddress) -> SupervisorSnapshot? { tree.snapshot(of: supervisor) }
    func isInRestartUnderWay(_ address: ChildAddress) -> Bool { tree.isInRestartUnderWay(address) }
    /// Those whose restart waits.
    var waitingChildren: [ChildAddress] { tree.waitingChildren }
    func prospect(of address: ChildAddress) -> ChildProspect { tree.prospect(of: address) }

    func place(named text: String) -> Place? {
        ChildAddress(parsing: text).flatMap { places[$0] }
    }

    // MARK: The machine

    /// Gives the tree an event and performs what it answers; events that come of that follow in order.
    func feed(_ event: SupervisionTree.Event) { feed(event, first: false) }

    private func feed(_ event: SupervisionTree.Event, first: Bool) {
        if first { waiting.prepend(event) } else { waiting.append(event) }
        guard !isFeeding else { return }
        isFeeding = true
        defer { isFeeding = false }
        var handled = 0
        while !waiting.isEmpty, handled < Self.eventsInATurn {
            let next = waiting.removeFirst()
            handled += 1
            for action in tree.handle(next, now: Reactor.nowMilliseconds()) { perform(action) }
        }
        forgetGonePlaces()
        // Whatever makes events without end, such as a supervisor that can't be read and has a large `intensity`, leaves
        // the rest of the node its turns.
        if !waiting.isEmpty { feedRestSoon() }
    }

    func feedRestSoon() { Reactor.shared.soon(isRepeatable: true) { [weak self] in self?.feedRest() } }

    private func feedRest() {
        guard !isFeeding, !waiting.isEmpty else { return }
        feed(waiting.removeFirst(), first: true)
    }

    /// Far more than one event commonly leads to; what is left comes in the next turn, in the same order.
    private static let eventsInATurn = 10_000

    /// Asks a supervisor; `then` gets its reply.
    func request(_ request: SupervisorRequest, then: @escaping @HostActor (SupervisorReply) -> Void) {
        lastRequest += 1
        let id = RequestID(lastRequest)
        requests[id] = then
        feed(.request(id, request))
        overtakeWaits(request)
    }

    func request(_ request: SupervisorRequest) async -> SupervisorReply {
        await withCheckedContinuation { continuation in
            self.request(request) { continuation.resume(returning: $0) }
        }
    }

    private func perform(_ action: SupervisionTree.Action) {
        switch action {
        case .startWorker(let id, let address, let spec): startWorker(id, address, spec)
        case .stopWorker(let id, let address, let shutdown): stopWorker(id, address, shutdown)
        case .cancelStart(let id, let address): stopWorker(id, address, .brutalKill)
        case .readSupervisor(let id, let address, let module, _):
            readSupervisor(id, address, module)
        case .scheduleTimer(let id, let milliseconds): schedule(id, at: Reactor.nowMilliseconds() + milliseconds)
        case .scheduleRestarts(let milliseconds): scheduleRestarts(at: milliseconds)
        case .reply(let id, let reply):
            // A child may have been deleted by it, and its place with it.
            vacancies.question(.all)
            forgetGonePlaces()
            requests.removeValue(forKey: id)?(reply)
        case .rootStarted(let address): client?.treeRootStarted(address)
        case .rootFailed(let address, let reason):
            vacancies.question(.all)
            client?.treeRootFailed(address, reason: reason)
        case .rootStopped(let address, let reason):
            vacancies.question(.all)
            client?.treeRootStopped(address, reason: reason)
        case .report(let report):
            if isOfSupervisor(report) { vacancies.question(.all) }
            tell(report)
            onReport(report)
            allCameToRest()
        }
    }

    func schedule(_ id: StartID, at time: Int) {
        deadlines[id] = time
        Reactor.shared.schedule(atMilliseconds: time) { [weak self] in
            self?.deadlines[id] = nil
            self?.feed(.timerFired(id))
        }
    }

    func scheduleRestarts(at time: Int) {
        restartTimer?.cancel()
        restartTimer = Reactor.shared.schedule(atMilliseconds: time) { [weak self] in self?.feed(.restartsDue) }
    }

    func startWorker(_ id: StartID, _ address: ChildAddress, _ spec: ChildSpec) {
        guard let preparation = preparation(of: spec) else { return start(id, address, spec) }
        preparing[id] = Preparing(address: address, spec: spec)
        Task { @HostActor [weak self] in
            await preparation()
            // It may have been called off meanwhile, and the node gone.
            guard let self, preparing.removeValue(forKey: id) != nil else { return }
            start(id, address, spec)
        }
    }

    private func start(_ id: StartID, _ address: ChildAddress, _ spec: ChildSpec) {
        if isStartHeld(spec, at: address) {
            feed(.workerStartHeld(id))
            endedStart(id)
            // Those behind it in its group are not started either.
            return allCameToRest()
        }
        let place = places[address] ?? Place(address: address, spec: spec, launcher: launcher, observer: self)
        places[address] = place
        vacancies.filled(address)
        place.start(id, spec: spec)
    }

    private func stopWorker(_ id: StartID, _ address: ChildAddress, _ shutdown: Shutdown) {
        if preparing.removeValue(forKey: id) != nil {
            feed(.workerExited(id, reason: .atom("killed")))
            return endedStart(id)
        }
        guard let place = places[address], place.startID == id else {
            return feed(.workerExited(id, reason: .atom("noproc")))
        }
        place.stop(shutdown)
    }

    func readSupervisor(_ id: StartID, _ address: ChildAddress, _ module: Atom) {
        guard code.mustRead(module) else { return initialize(id, address, module) }
        Task { @HostActor [weak self, code] in
            await code.prefetch(module)
            self?.initialize(id, address, module)
        }
    }

    private func initialize(_ id: StartID, _ address: ChildAddress, _ module: Atom) {
        do {
            guard let initial = try supervisorInit(of: module, at: address) else {
                return feed(.supervisorIgnored(id))
            }
            feed(.supervisorRead(id, initial))
        } catch {
            startFailed(.supervisorUnreadable(id, reason: error.reason))
        }
    }

    /// What MODULE.sup says now, with its application's environment put in; nothing where it says `ignore`.
    func supervisorInit(of module: Atom, at address: ChildAddress) throws(SupervisorReadError) -> SupervisorInit? {
        do {
            let file = try code.supervisor(module)
            let environment = client?.treeEnvironment(of: module, at: address) ?? [:]
            return try SupervisorInit.parse(file.bytes, file: file.path) { environment[$0] }
        } catch let error as CodeError {
            throw SupervisorReadError(reason: error.term)
        } catch {
            throw SupervisorReadError(reason: .text("\(error)"))
        }
    }

    // MARK: Held modules

    /// From now on no child that lists one of these is started.
    func hold(_ modules: [Atom]) { heldModules.formUnion(modules) }

    /// Starts that waited for these go on. Whoever runs them and waits for its restart does no longer: it has another version now.
    func release(_ modules: some Sequence<Atom>) {
        let released = Set(modules)
        heldModules.subtract(released)
        feed(.startsReleased)
        hasten { !released.isDisjoint(with: $0.listedModules) }
    }

    /// From now on these are started whatever is held, also those whose start is waiting.
    func permit(_ children: [ChildAddress]) {
        permitted.formUnion(children)
        feed(.startsReleased)
    }

    /// Restarts that wait are made now.
    private func hasten(_ isMeant: (ChildSpec) -> Bool) {
        let waiting = tree.waitingChildren.filter { child(at: $0).map { isMeant($0.spec) } ?? false }
        if !waiting.isEmpty { feed(.hasten(waiting)) }
    }

    func endPermission(of children: [ChildAddress]) { permitted.subtract(children) }

    func isStartHeld(_ spec: ChildSpec, at address: ChildAddress) -> Bool {
        !permitted.contains(address) && spec.listedModules.contains(where: heldModules.contains)
    }

    /// The node goes down: nobody will release them any more.
    func forgetHeldModules() { heldModules = [] }

    // MARK: What places tell

    func placeNotice(_ place: Place, _ notice: PlaceMachine.Notice) {
        let id = notice.startID
        if place.startID == nil { vacancies.emptied(place.address) }
        switch notice {
        case .started:
            let pid = place.current?.pid ?? 0
            let generation = place.current?.number ?? 0
            events.post(.worker(.started(place.address, pid: pid, generation: generation)))
            client?.treeStarted(place)
            feed(.workerStarted(id))
        case .ignored: feed(.workerIgnored(id))
        case .startFailed(_, let reason): startFailed(.workerStartFailed(id, reason: reason))
        case .exited(_, let reason, let asked):
            onWorkerEnd?(place, id, reason, asked)
            tellEnd(of: place, reason, asked: asked)
            feed(.workerExited(id, reason: reason))
        }
        endedStart(id)
        came(toRest: place.address)
    }

    private func endedStart(_ id: StartID) {
        for waiter in startWaiters.removeValue(forKey: id) ?? [] { waiter() }
    }

    /// A start that failed before it came to a process is told in another turn: with a large `intensity` the tree would
    /// start it again and again while nothing else of the node came to its turn.
    private func startFailed(_ event: SupervisionTree.Event) {
        guard isFeeding else { return feed(event) }
        failedStarts.append(event)
        if failedStarts.count == 1 { feedFailedStartsSoon() }
    }

    func feedFailedStartsSoon() {
        Reactor.shared.soon(isRepeatable: true) { [weak self] in
            guard let self else { return }
            let events = failedStarts
            failedStarts = []
            for event in events { feed(event) }
        }
    }

    /// `then` is called when that start has come to its end, whatever that is.
    func whenEnded(_ start: StartID, _ then: @escaping @HostActor () -> Void) {
        startWaiters[start, default: []].append(then)
    }

    // MARK: Places

    func forget(_ address: ChildAddress) { places.removeValue(forKey: address)?.noneAwaited() }

    /// What the tree says of the children of that supervisor counts for their places.
    func adoptSpecs(below supervisor: ChildAddress) {
        for (address, place) in places where address.parent == supervisor {
            if let spec = child(at: address)?.spec { place.adopt(spec) }
        }
    }

    /// Standbys that have not become workers.
    func endStandbys() {
        for place in places.values { place.endStandby() }
    }
}

/// Why a supervisor's init could not be had.
struct SupervisorReadError: Error { let reason: Term }
