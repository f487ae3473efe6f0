import Instructions
import Supervision
import Terms
import Testing
import Wire

/// Answers, ends, requests and holds in any order: nothing is lost, and a shutdown always comes to its end.
@Suite struct DisorderTests {
    @Test(arguments: 0..<600)
    func everythingEnds(_ seed: Int) throws {
        var world = DisorderlyWorld(seed: UInt64(seed))
        world.run(steps: 400)
        world.shutDown()
        try check(world)
    }

    /// Another daemon goes on with the tree after each step.
    @Test(arguments: Array(stride(from: 0, to: 600, by: 7)))
    func everythingEndsHandedOn(_ seed: Int) throws {
        var world = DisorderlyWorld(seed: UInt64(seed), isHandedOn: true)
        world.run(steps: 400)
        world.shutDown()
        try check(world)
    }

    private func check(_ world: DisorderlyWorld) throws {
        if let failure = world.failure { throw failure }
        #expect(world.tree.allSupervisors().isEmpty)
        #expect(world.tree.allChildren().isEmpty)
        #expect(world.alive.isEmpty, "workers left: \(world.alive)")
        #expect(world.replies.count == world.requestCount)
        #expect(world.replies.values.allSatisfy { $0 == 1 })
        #expect(world.doubled.isEmpty, "started while it ran: \(world.doubled)")
        #expect(world.rootEnds == 1)
        #expect(!world.isForgotten)
    }
}

/// A world that answers whenever it likes. The same seed gives the same world.
struct DisorderlyWorld {
    /// A process, or a start that is to become one.
    private enum Worker { case starting, running, stopping }

    private(set) var tree = SupervisionTree()
    private(set) var requestCount = 0
    private(set) var replies: [RequestID: Int] = [:]
    private(set) var doubled: [ChildAddress] = []
    private(set) var rootEnds = 0
    var alive: [ChildAddress] { workers.values.map(\.address) }

    private var random: UInt64
    private var workers: [StartID: (address: ChildAddress, state: Worker)] = [:]
    private var unread: [(StartID, Atom)] = []
    private var timers: [StartID] = []
    private var now = 0
    /// When the first restart is due that waits.
    private var wakes: Int?
    /// Whether one waited that nobody would have woken.
    private(set) var isForgotten = false
    private var isHolding = false
    private var isShuttingDown = false
    private let root = ChildAddress.root(application: "app", module: "top_sup")
    private let modules: [Atom: SupervisorInit]

    private let isHandedOn: Bool
    /// What kept the tree from being handed on.
    private(set) var failure: (any Error)?

    init(seed: UInt64, isHandedOn: Bool = false) {
        self.isHandedOn = isHandedOn
        random = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        let strategies: [Strategy] = [.oneForOne, .oneForAll, .restForOne]
        let strategy = strategies[Int(seed % 3)]
        let start: StartMode = seed < 300 ? .sequential : .parallel
        let delay = seed % 4 == 1 ? RestartDelay(initial: 10, maximum: 80, factor: 2) : nil
        modules = [
            "top_sup": .of(
                strategy: strategy, intensity: 60, start: start, .worker("a"),
                .supervisor("mid", shutdown: .milliseconds(5)),
                .supervisor("pool", shutdown: seed % 2 == 0 ? .brutalKill : .infinity),
                .worker("z", restart: .temporary)),
            "mid": .of(
                strategy: strategies[Int(seed / 3 % 3)], intensity: 8, start: start, delay: delay, .worker("b"),
                .supervisor("low"),
                .worker("c", restart: .transient)),
            "low": .of(
                strategy: strategies[Int(seed / 9 % 3)], intensity: 3, start: start, .worker("d"),
                .worker("e", delay: delay)),
            "pool": .of(strategy: .simpleOneForOne, intensity: 5, delay: delay, .worker("p")),
        ]
        feed(.startRoot(address: root, module: "top_sup", arguments: .nil))
    }

    private mutating func next(_ bound: Int) -> Int {
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((random >> 33) % UInt64(bound))
    }

    mutating func run(steps: Int) {
        for _ in 0..<steps where rootEnds == 0 {
            switch next(12) {
            case 0: request()
            case 1:
                isHolding.toggle()
                if !isHolding { feed(.startsReleased) }
            case 2: if !timers.isEmpty { feed(.timerFired(timers.remove(at: next(timers.count)))) }
            case 3: passTime()
            default: answer()
            }
        }
    }

    /// Up to a restart that waits; or somebody needs it sooner.
    private mutating func passTime() {
        guard let due = wakes else { return answer() }
        if next(4) == 0 { return feed(.hasten(tree.waitingChildren)) }
        wakes = nil
        now = max(now, due)
        feed(.restartsDue)
    }

    mutating func shutDown() {
        isShuttingDown = true
        feed(.stopRoot(root))
        for _ in 0..<20_000 where rootEnds == 0 || !workers.isEmpty || !unread.isEmpty { answer() }
    }

    /// One waiting answer, or the end of a worker by itself.
    private mutating func answer() {
        if !unread.isEmpty, next(3) == 0 || workers.isEmpty {
            let (id, module) = unread.remove(at: next(unread.count))
            if let initial = modules[module], next(20) > 0 { return feed(.supervisorRead(id, initial)) }
            return feed(.supervisorUnreadable(id, reason: "enoent"))
        }
        let ids = workers.keys.sorted()
        guard !ids.isEmpty else { return }
        let id = ids[next(ids.count)]
        switch workers[id]?.state {
        case .starting?: answerStart(id)
        case .running?:
            // While the tree is shut down they wait to be asked, so that none is forgotten.
            guard !isShuttingDown, next(5) == 0 else { return }
            workers[id] = nil
            feed(.workerExited(id, reason: next(4) == 0 ? .normal : "boom"))
        case .stopping?:
            workers[id] = nil
            feed(.workerExited(id, reason: .shutdown))
        case nil: return
        }
    }

    private mutating func answerStart(_ id: StartID) {
        if isHolding {
            workers[id] = nil
            return feed(.workerStartHeld(id))
        }
        switch next(12) {
        case 0:
            workers[id] = nil
            feed(.workerStartFailed(id, reason: "no"))
        case 1:
            workers[id] = nil
            feed(.workerIgnored(id))
        case 2:
            workers[id] = nil
            feed(.workerExited(id, reason: "crash"))
        default:
            workers[id]?.state = .running
            feed(.workerStarted(id))
        }
    }

    private mutating func request() {
        let mid = root.child("mid")
        let supervisor = [root, mid, mid.child("low"), root.child("pool")][next(4)]
        let id = ["a", "b", "d", "mid", "low", 1, 2][next(7)] as Term
        requestCount += 1
        let calls: [SupervisorRequest] = [
            .terminateChild(supervisor: supervisor, id: id), .restartChild(supervisor: supervisor, id: id),
            .startChild(supervisor: supervisor, .worker("n", restart: .transient)),
            .startDynamicChild(supervisor: root.child("pool"), arguments: [.integer(requestCount)]),
            .deleteChild(supervisor: supervisor, id: "n"), .whichChildren(supervisor: supervisor),
        ]
        feed(.request(RequestID(requestCount), calls[next(calls.count)]))
    }

    private mutating func feed(_ event: SupervisionTree.Event) {
        if isHandedOn {
            do {
                tree = try tree.handedOn()
            } catch {
                failure = error
            }
        }
        let actions = tree.handle(event, now: now)
        defer { isForgotten = isForgotten || wakes == nil && tree.firstRestartDueMilliseconds != nil }
        for action in actions {
            switch action {
            case .startWorker(let id, let address, _):
                if workers.values.contains(where: { $0.address == address }) { doubled.append(address) }
                workers[id] = (address, .starting)
            case .stopWorker(let id, _, _): workers[id]?.state = .stopping
            case .cancelStart(let id, _): if next(3) > 0 { workers[id]?.state = .stopping }
            case .readSupervisor(let id, _, let module, _): unread.append((id, module))
            case .scheduleTimer(let id, _): timers.append(id)
            case .scheduleRestarts(let milliseconds): wakes = milliseconds
            case .reply(let id, _): replies[id, default: 0] += 1
            case .rootFailed, .rootStopped: rootEnds += 1
            case .rootStarted, .report: break
            }
        }
    }
}
