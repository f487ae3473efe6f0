import Instructions
@testable import Supervision
import Terms
import Wire

/// A world in which workers do at once what their plan says, and which notes what happened as the traces do.
struct GoldenWorld {
    private var tree = SupervisionTree()
    private let root = ChildAddress.root(application: "golden", module: "golden_sup")
    private let trace: GoldenTrace
    private var isSimple: Bool { trace.flags.strategy == .simpleOneForOne }

    private var starts: [Term: Int] = [:]
    private var running: [StartID: (name: Term, count: Int)] = [:]
    /// All that ever ran.
    private var known: [StartID: (name: Term, count: Int)] = [:]
    /// What those that say so end with when they are told to.
    private var stops: [StartID: Term] = [:]
    private var addresses: [Term: ChildAddress] = [:]
    private var lastRequest = 0

    /// Whether the next start or ordered end is to wait (under `simple_one_for_one` the next start).
    private var isGateArmed = false
    private var gated: SupervisionTree.Action?

    private(set) var events: [Term] = []
    private var replies: [RequestID: SupervisorReply] = [:]
    private(set) var down: Term?
    private(set) var failed: Term?

    /// Whether another daemon goes on with the tree after each event.
    private let isHandedOn: Bool

    init(_ trace: GoldenTrace, isHandedOn: Bool = false) {
        self.trace = trace
        self.isHandedOn = isHandedOn
    }

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
        switch (operation.asTuple ?? []).first {
        case "busy": return try performWhileBusy(operation.asTuple ?? [])
        default:
            let begun = try begin(operation)
            return try term(begun)
        }
    }

    /// An operation that was begun: answered, or a request that will be.
    private enum Begun {
        case answered(Term)
        case request(RequestID)
    }

    private mutating func begin(_ operation: Term) throws -> Begun {
        guard let parts = operation.asTuple, parts[0] == "in" else { return try begin(operation, root) }
        let path = try parts[1].asList.orThrow("path")
        return try begin(parts[2], path.reduce(root) { $0.child($1) })
    }

    private mutating func begin(_ operation: Term, _ supervisor: ChildAddress) throws -> Begun {
        if operation == "count_children" { return try send(.countChildren(supervisor: supervisor)) }
        if operation == "which_children" { return try send(.whichChildren(supervisor: supervisor)) }
        let parts = try operation.asTuple.orThrow("operation")
        switch parts[0].asAtom?.name {
        case "exit":
            let worker = try running.first { $0.value.name == parts[1] }.orThrow("\(parts[1]) does not run")
            note("exited", worker.value, parts[2])
            running[worker.key] = nil
            try feed(.workerExited(worker.key, reason: parts[2]))
            return .answered(.ok)
        case "start_child":
            if isSimple, case .list(let arguments) = parts[1] {
                return try send(.startDynamicChild(supervisor: supervisor, arguments: arguments))
            }
            let spec: ChildSpec
            do {
                spec = try GoldenTrace.spec(parts[1], tree.supervisor(at: supervisor)?.flags?.autoShutdown)
            } catch {
                return .answered(.tuple([.error, error.reason]))
            }
            return try send(.startChild(supervisor: supervisor, spec))
        case "terminate_child": return try send(.terminateChild(supervisor: supervisor, id: key(parts[1])))
        case "restart_child": return try send(.restartChild(supervisor: supervisor, id: key(parts[1])))
        case "delete_child": return try send(.deleteChild(supervisor: supervisor, id: key(parts[1])))
        case "change": return try change(parts)
        case "get_childspec": return try send(.getChildspec(supervisor: supervisor, id: key(parts[1])))
        case let other: throw Unreadable("operation \(other ?? "?")")
        }
    }

    /// `{busy, Operation, Operations}`: the others while the supervisor is in the first start or end that the first brings
    /// about. The reply is `{Reply, Replies}`.
    private mutating func performWhileBusy(_ parts: [Term]) throws -> Term {
        isGateArmed = true
        let first = try begin(parts[1])
        let action = try gated.orThrow("nothing to wait for in \(parts[1])")
        gated = nil
        let others = try (parts[2].asList ?? []).map { try begin($0) }
        if let answer = try perform(action) { try feed(answer) }
        return .tuple([try term(first), .list(try others.map { try term($0) })])
    }

    /// `{change, Init, Operations}`: the supervisor is suspended, the operations are done, its init answers `Init` at its
    /// code_change, it is resumed.
    private mutating func change(_ parts: [Term]) throws -> Begun {
        _ = try send(.suspend(supervisor: root))
        for operation in parts[2].asList ?? [] { _ = try begin(operation) }
        let begun: Begun
        if parts[1] == "ignore" {
            begun = .answered(.ok)
        } else {
            do {
                begun = try send(.codeChange(supervisor: root, try GoldenTrace.initial(parts[1])))
            } catch let error as SpecError {
                begun = .answered(.tuple([.error, error.reason]))
            }
        }
        _ = try send(.resume(supervisor: root))
        return begun
    }

    /// As `which_children` lists them, with the start's count for a pid.
    mutating func children() throws -> [Term] { try children(of: root) }

    private mutating func children(of supervisor: ChildAddress) throws -> [Term] {
        let begun = try send(.whichChildren(supervisor: supervisor))
        return try term(begun).asList.orThrow("which_children").map { listed in
            guard let child = listed.asTuple, child[1] == "sup" else { return listed }
            return .tuple([child[0], .list(try children(of: supervisor.child(child[0])))])
        }
    }

    private func key(_ name: Term) -> Term { addresses[name]?.id ?? name }

    private func count(_ id: StartID?, isDynamic: Bool = false) -> Term {
        guard let id else { return .undefined }
        guard let worker = known[id] else { return "sup" }
        return isDynamic ? .tuple([worker.name, .integer(worker.count)]) : .integer(worker.count)
    }

    private mutating func send(_ call: SupervisorRequest) throws -> Begun {
        lastRequest += 1
        let id = RequestID(lastRequest)
        try feed(.request(id, call))
        return .request(id)
    }

    private func term(_ begun: Begun) throws -> Term {
        switch begun {
        case .answered(let term): term
        case .request(let id): term(try replies[id].orThrow("no reply"))
        }
    }

    private func term(_ reply: SupervisorReply) -> Term {
        switch reply {
        case .ok: .ok
        case .child(_, let id): .tuple([.ok, count(id)])
        case .childspec(let spec): .tuple([.ok, GoldenTrace.withPlan(spec)])
        case .error(let error): .tuple([.error, term(error)])
        case .children(let children):
            .list(
                children.map { child in
                    let pid: Term
                    switch child.state {
                    case .running(let id), .starting(let id): pid = count(id, isDynamic: isSimple)
                    case .restarting: pid = .atom("restarting")
                    case .undefined: pid = .undefined
                    }
                    return .tuple([child.id, pid])
                })
        case .counts(let counts):
            .list([
                .tuple([.atom("active"), .integer(counts.active)]), .tuple([.atom("specs"), .integer(counts.specs)]),
                .tuple([.atom("supervisors"), .integer(counts.supervisors)]),
                .tuple([.atom("workers"), .integer(counts.workers)]),
            ])
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

    private mutating func note(_ what: String, _ worker: (name: Term, count: Int), _ reason: Term? = nil) {
        events.append(.tuple([.atom(what), worker.name, .integer(worker.count)] + (reason.map { [$0] } ?? [])))
    }

    /// The reports that OTP has too, progress apart.
    private mutating func note(_ report: SupervisorReport) {
        let (kind, child, reason): (Term, ChildAddress, Term)
        switch report {
        case .childTerminated(let address, _, let why): (kind, child, reason) = ("child_terminated", address, why)
        case .startError(let address, let why): (kind, child, reason) = ("start_error", address, why)
        case .shutdownError(let address, let why): (kind, child, reason) = ("shutdown_error", address, why)
        case .shutdown(_, let address, let why): (kind, child, reason) = ("shutdown", address, why)
        case .progress, .requestedStartError, .restart, .restartDelayed, .childEnded, .autoShutdown: return
        }
        events.append(.tuple(["report", kind, isSimple ? .undefined : child.id ?? .undefined, reason]))
    }

    private mutating func feed(_ event: SupervisionTree.Event) throws {
        if isHandedOn { tree = try tree.handedOn() }
        var queue = tree.handle(event, now: 0)
        while !queue.isEmpty {
            guard let answer = try perform(queue.removeFirst()) else { continue }
            if isHandedOn { tree = try tree.handedOn() }
            queue += tree.handle(answer, now: 0)
        }
    }

    private mutating func perform(_ action: SupervisionTree.Action) throws -> SupervisionTree.Event? {
        if isGateArmed, waitsAtGate(action) {
            isGateArmed = false
            gated = action
            return nil
        }
        switch action {
        case .readSupervisor(let id, root, _, _):
            return .supervisorRead(id, SupervisorInit(flags: trace.flags, children: trace.children))
        case .readSupervisor(let id, _, _, let arguments):
            if arguments == ["ignore"] { return .supervisorIgnored(id) }
            return .supervisorRead(id, try GoldenTrace.initial(arguments[0]))
        case .startWorker(let id, let address, let spec):
            return try start(id, address, spec)
        case .stopWorker(let id, _, let shutdown):
            let worker = try running.removeValue(forKey: id).orThrow("stop of one that does not run")
            if shutdown == .brutalKill { return .workerExited(id, reason: .atom("killed")) }
            let reason = stops[id] ?? .shutdown
            note("terminated", worker, reason)
            return .workerExited(id, reason: reason)
        case .reply(let id, let reply):
            replies[id] = reply
        case .rootFailed(_, let reason):
            failed = reason
        case .rootStopped(_, let reason):
            down = reason
        case .report(let report):
            if trace.hasReports { note(report) }
        case .rootStarted, .scheduleTimer, .scheduleRestarts:
            break
        case .cancelStart:
            throw Unreadable("unexpected \(action)")
        }
        return nil
    }

    private func waitsAtGate(_ action: SupervisionTree.Action) -> Bool {
        switch action {
        case .startWorker: true
        case .stopWorker(_, _, let shutdown): shutdown != .brutalKill && !isSimple
        case .readSupervisor, .cancelStart, .scheduleTimer, .scheduleRestarts, .reply, .rootStarted, .rootFailed,
            .rootStopped, .report:
            false
        }
    }

    private mutating func start(
        _ id: StartID, _ address: ChildAddress, _ spec: ChildSpec
    ) throws -> SupervisionTree.Event {
        let name = try (isSimple ? spec.start.arguments.last : spec.id).orThrow("name")
        addresses[name] = address
        let count = (starts[name] ?? 0) + 1
        starts[name] = count
        let arguments = spec.start.arguments
        let plan = try arguments[isSimple && arguments.count > 2 ? 1 : 0].asList.orThrow("plan")
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
        known[id] = (name, count)
        if !isSimple, arguments.count > 1 { stops[id] = arguments[1] }
        return .workerStarted(id)
    }
}
