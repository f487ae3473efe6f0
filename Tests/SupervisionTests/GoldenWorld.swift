import Instructions
import Supervision
import Terms

/// A world in which workers do at once what their plan says, and which notes what happened as the traces do.
struct GoldenWorld {
    private var tree = SupervisionTree()
    private let root = ChildAddress.root(application: "golden", module: "golden_sup")
    private let trace: GoldenTrace
    private var isSimple: Bool { trace.flags.strategy == .simpleOneForOne }

    private var starts: [Term: Int] = [:]
    private var running: [StartID: (name: Term, count: Int)] = [:]
    private var addresses: [Term: ChildAddress] = [:]
    private var lastRequest = 0

    private(set) var events: [Term] = []
    private var replies: [RequestID: SupervisorReply] = [:]
    private(set) var down: Term?
    private(set) var failed: Term?

    init(_ trace: GoldenTrace) { self.trace = trace }

    mutating func start() throws {
        try feed(.startRoot(address: root, module: "golden_sup", arguments: .nil))
    }

    /// Does a step; answers what the trace calls the reply.
    mutating func perform(_ operation: Term) throws -> Term {
        events = []
        if operation == .shutdown {
            try feed(.stopRoot(root))
            return .nil
        }
        if operation == .atom("count_children") { return try call(.countChildren(supervisor: root)) }
        let parts = try operation.asTuple.orThrow("operation")
        switch parts[0].asAtom?.name {
        case "exit":
            let worker = try running.first { $0.value.name == parts[1] }.orThrow("\(parts[1]) does not run")
            note("exited", worker.value, parts[2])
            running[worker.key] = nil
            try feed(.workerExited(worker.key, reason: parts[2]))
            return .ok
        case "start_child":
            if case .list(let arguments) = parts[1] {
                return try call(.startDynamicChild(supervisor: root, arguments: arguments))
            }
            return try call(.startChild(supervisor: root, try GoldenTrace.spec(parts[1])))
        case "terminate_child": return try call(.terminateChild(supervisor: root, id: key(parts[1])))
        case "restart_child": return try call(.restartChild(supervisor: root, id: key(parts[1])))
        case "delete_child": return try call(.deleteChild(supervisor: root, id: key(parts[1])))
        case let other: throw Unreadable("operation \(other ?? "?")")
        }
    }

    /// As `which_children` lists them, with the start's count for a pid.
    mutating func children() throws -> [Term] {
        let address = root
        let reply = try request(.whichChildren(supervisor: address))
        guard case .children(let children) = reply else { throw Unreadable("which_children: \(reply)") }
        return children.map { child in
            let pid: Term
            switch child.state {
            case .running(let id), .starting(let id): pid = count(id, isDynamic: isSimple)
            case .restarting: pid = .atom("restarting")
            case .undefined: pid = .undefined
            }
            return .tuple([child.id, pid])
        }
    }

    private func key(_ name: Term) -> Term { addresses[name]?.id ?? name }

    private func count(_ id: StartID?, isDynamic: Bool = false) -> Term {
        guard let id, let worker = running[id] else { return .undefined }
        return isDynamic ? .tuple([worker.name, .integer(worker.count)]) : .integer(worker.count)
    }

    private mutating func call(_ call: SupervisorRequest) throws -> Term {
        switch try request(call) {
        case .ok: .ok
        case .child(_, let id): .tuple([.ok, count(id)])
        case .error(let error): .tuple([.error, term(error)])
        case .counts(let counts):
            .list([
                .tuple([.atom("active"), .integer(counts.active)]), .tuple([.atom("specs"), .integer(counts.specs)]),
                .tuple([.atom("supervisors"), .integer(counts.supervisors)]),
                .tuple([.atom("workers"), .integer(counts.workers)]),
            ])
        case .children, .childspec: throw Unreadable("unexpected reply")
        }
    }

    private func term(_ error: SupervisorError) -> Term {
        switch error {
        case .alreadyStarted(_, let id): .tuple([.atom("already_started"), count(id)])
        case .childStartFailed(let reason, _): .tuple([reason, .atom("child")])
        case .notFound, .running, .restarting, .simpleOneForOne, .alreadyPresent, .startFailed, .invalidChildSpec,
            .noproc, .shutdown, .overload:
            error.reason
        }
    }

    private mutating func request(_ call: SupervisorRequest) throws -> SupervisorReply {
        lastRequest += 1
        let id = RequestID(lastRequest)
        try feed(.request(id, call))
        return try replies[id].orThrow("no reply")
    }

    private mutating func note(_ what: String, _ worker: (name: Term, count: Int), _ reason: Term? = nil) {
        events.append(.tuple([.atom(what), worker.name, .integer(worker.count)] + (reason.map { [$0] } ?? [])))
    }

    private mutating func feed(_ event: SupervisionTree.Event) throws {
        var queue = tree.handle(event, now: 0)
        while !queue.isEmpty {
            if let answer = try perform(queue.removeFirst()) { queue += tree.handle(answer, now: 0) }
        }
    }

    private mutating func perform(_ action: SupervisionTree.Action) throws -> SupervisionTree.Event? {
        switch action {
        case .readSupervisor(let id, _, _, _):
            return .supervisorRead(id, SupervisorInit(flags: trace.flags, children: trace.children))
        case .startWorker(let id, let address, let spec):
            return try start(id, address, spec)
        case .stopWorker(let id, _, let shutdown):
            let worker = try running.removeValue(forKey: id).orThrow("stop of one that does not run")
            if shutdown == .brutalKill { return .workerExited(id, reason: .atom("killed")) }
            note("terminated", worker, .shutdown)
            return .workerExited(id, reason: .shutdown)
        case .reply(let id, let reply):
            replies[id] = reply
        case .rootFailed(_, let reason):
            failed = reason
        case .rootStopped(_, let reason):
            down = reason
        case .rootStarted, .report:
            break
        case .cancelStart, .scheduleTimer:
            throw Unreadable("unexpected \(action)")
        }
        return nil
    }

    private mutating func start(
        _ id: StartID, _ address: ChildAddress, _ spec: ChildSpec
    ) throws -> SupervisionTree.Event {
        let name = try (isSimple ? spec.start.arguments.last : spec.id).orThrow("name")
        addresses[name] = address
        let count = (starts[name] ?? 0) + 1
        starts[name] = count
        let plan = try spec.start.arguments[0].asList.orThrow("plan")
        let outcome = count <= plan.count ? plan[count - 1] : .ok
        if outcome == .atom("ignore") {
            note("ignored", (name, count))
            return .workerIgnored(id)
        }
        if case .tuple(let failure) = outcome {
            note("start_failed", (name, count))
            return .workerStartFailed(id, reason: failure[1])
        }
        note("started", (name, count))
        running[id] = (name, count)
        return .workerStarted(id)
    }
}
