import Instructions
import Supervision
import Terms
import Wire

/// Drives a tree whose `.sup` files and workers are scripted, and keeps a readable log of what was done.
///
/// Log lines: `start A`, `stop A shutdown`, `cancel A`, `root started`; replies as terms. A is a child's id.
struct ScriptedWorld {
    /// What a worker does when it is started; `answer` where nothing else is said.
    enum Behaviour {
        case starts
        case ignores
        case fails(Term)
        /// Answers later, by `answerStart`.
        case waits
        case held
    }

    private(set) var tree = SupervisionTree()
    var modules: [Atom: SupervisorInit] = [:]
    var behaviours: [Term: Behaviour] = [:]
    /// Supervisor modules whose init answers `ignore`.
    var ignoring: Set<Atom> = []
    /// Workers that end only when killed.
    var stubborn: Set<Term> = []
    /// Workers whose ordered end is answered by hand, through `exit`.
    var slow: Set<Term> = []
    /// Workers whose start is answered by hand even when it is cancelled.
    var crossing: Set<Term> = []
    var now = 0
    private(set) var log: [String] = []
    private(set) var reports: [SupervisorReport] = []
    private(set) var timers: [StartID] = []
    /// When the first restart is due that waits.
    private(set) var wakes: Int?
    private var running: [Term: StartID] = [:]
    private var lastRequest = 0

    init(_ modules: [Atom: SupervisorInit]) { self.modules = modules }

    static let root = ChildAddress.root(application: "app", module: "top_sup")

    mutating func boot() { feed(.startRoot(address: Self.root, module: "top_sup", arguments: .nil)) }

    /// The log since the last look.
    mutating func takeLog() -> [String] {
        defer { log = [] }
        return log
    }

    mutating func exit(_ id: Term, _ reason: Term) {
        guard let start = running.removeValue(forKey: id) else { return }
        feed(.workerExited(start, reason: reason))
    }

    mutating func answerStart(_ id: Term, _ behaviour: Behaviour = .starts) {
        guard let start = running[id] else { return }
        if let event = answer(start, id, behaviour) { feed(event) }
    }

    mutating func request(_ call: SupervisorRequest) {
        lastRequest += 1
        feed(.request(RequestID(lastRequest), call))
    }

    mutating func fireTimer() {
        guard !timers.isEmpty else { return }
        feed(.timerFired(timers.removeFirst()))
    }

    /// Lets time pass; restarts are made as they are due.
    mutating func pass(milliseconds: Int) {
        let end = now + milliseconds
        while let next = wakes, next <= end {
            wakes = nil
            now = max(now, next)
            feed(.restartsDue)
        }
        now = end
    }

    /// Another daemon goes on with it.
    mutating func handOn() throws {
        tree = try tree.handedOn()
        wakes = tree.firstRestartDueMilliseconds
    }

    mutating func feed(_ event: SupervisionTree.Event) {
        var queue = tree.handle(event, now: now)
        while !queue.isEmpty {
            if let answer = perform(queue.removeFirst()) { queue += tree.handle(answer, now: now) }
        }
    }

    private mutating func answer(_ id: StartID, _ name: Term, _ behaviour: Behaviour) -> SupervisionTree.Event? {
        switch behaviour {
        case .starts: return .workerStarted(id)
        case .waits: return nil
        case .ignores: return .workerIgnored(id)
        case .fails(let reason): return .workerStartFailed(id, reason: reason)
        case .held: return .workerStartHeld(id)
        }
    }

    private mutating func perform(_ action: SupervisionTree.Action) -> SupervisionTree.Event? {
        switch action {
        case .startWorker(let id, _, let spec):
            let name = spec.start.arguments.last ?? spec.id
            log.append("start \(name)")
            running[name] = id
            return answer(id, name, behaviours[name] ?? .starts)
        case .stopWorker(let id, _, let shutdown):
            guard let name = running.first(where: { $0.value == id })?.key else { return nil }
            log.append("stop \(name) \(shutdown == .brutalKill ? "kill" : "shutdown")")
            let isKill = shutdown == .brutalKill
            if slow.contains(name) || (stubborn.contains(name) && !isKill) { return nil }
            running[name] = nil
            return .workerExited(id, reason: isKill ? .atom("killed") : .shutdown)
        case .cancelStart(let id, let address):
            log.append("cancel \(address.id?.description ?? "")")
            if let name = address.id, crossing.contains(name) { return nil }
            return .workerExited(id, reason: .atom("killed"))
        case .readSupervisor(let id, _, let module, _):
            if ignoring.contains(module) { return .supervisorIgnored(id) }
            guard let initial = modules[module] else { return .supervisorUnreadable(id, reason: .atom("enoent")) }
            return .supervisorRead(id, initial)
        case .scheduleTimer(let id, let time):
            log.append("timer \(time)")
            timers.append(id)
        case .scheduleRestarts(let milliseconds):
            wakes = milliseconds
        case .reply(_, let reply):
            log.append("\(reply.term)")
        case .rootStarted:
            log.append("root started")
        case .rootFailed(_, let reason):
            log.append("root failed \(reason)")
        case .rootStopped(_, let reason):
            log.append("root stopped \(reason)")
        case .report(let report):
            reports.append(report)
        }
        return nil
    }
}

extension ChildSpec {
    static func worker(
        _ id: String, restart: RestartType = .permanent, shutdown: Shutdown? = nil, significant: Bool = false,
        delay: RestartDelay? = nil
    ) -> ChildSpec {
        var spec = ChildSpec(
            id: .atom(id), start: MFA(module: "worker", function: "start_link", arguments: []), restart: restart,
            shutdown: shutdown, significant: significant)
        spec.restartDelay = delay
        return spec
    }

    static func supervisor(
        _ id: String, restart: RestartType = .permanent, shutdown: Shutdown? = nil
    ) -> ChildSpec {
        ChildSpec(
            id: .atom(id), start: MFA(module: Atom(id), function: "start_link", arguments: []), restart: restart,
            shutdown: shutdown, type: .supervisor)
    }
}

extension SupervisorInit {
    static func of(
        strategy: Strategy = .oneForOne, intensity: Int = 1, autoShutdown: AutoShutdown = .never,
        start: StartMode = .sequential, delay: RestartDelay? = nil, _ children: ChildSpec...
    ) -> SupervisorInit {
        SupervisorInit(
            flags: SupervisorFlags(
                strategy: strategy, intensity: intensity, autoShutdown: autoShutdown, start: start,
                restartDelay: delay),
            children: children)
    }
}
