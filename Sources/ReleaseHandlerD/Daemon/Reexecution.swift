import Glibc
import Host
import Instructions
import Logging
import Supervision
import Terms
import Wire

/// The daemon's own re-execution: another program, or the same anew, goes on where this one stands, in the same process.
///
/// ```
///        asked for            it can read the state         nothing is under way        executed
/// idle ────────────> checking ─────────────────────> settling ─────────────────────> (the next program: idle)
///   ▲                   │ it can't, it is none           │ something does not end        │
///   └───────────────────┴────────────────────────────────┴───────────────────────────────┘ it could not be executed
/// ```
///
/// Up to the execve(2) nothing has changed. Irreversible: the execve(2). A program that dies or hangs behind it takes its workers along,
/// and the service manager boots the permanent release, as after a crash.
@HostActor
final class Reexecution: Reexecuting {
    private enum State {
        case idle
        case checking
        case settling
    }

    /// How long what is under way may take to come to its end.
    nonisolated static let settleMilliseconds = 10_000
    /// For so long clients that do not read what is written to them are waited for.
    nonisolated static let writeMilliseconds = 1_000
    /// How long the other program may take to say that it can read the state.
    private static let checkMilliseconds = 10_000

    private let node: Node
    private let flush: @Sendable () -> Void
    private let logger: Logger
    /// Made after this one, which it serves.
    private var connections: ControlConnections?
    private var audit: AuditLog?
    /// Of the page.
    private var page: ControlConnections?
    private var state = State.idle
    /// What this program has done as the next of another one: the answer to who asked that one.
    private var takenOver: Reexecuted?

    init(node: Node, logger: Logger, flush: @escaping @Sendable () -> Void) {
        self.node = node
        self.logger = logger
        self.flush = flush
        node.onEmulator = { [unowned self] in await becomes($0, continuing: $1) }
    }

    /// It was asked for through these.
    func serves(_ connections: ControlConnections, _ audit: AuditLog, page: ControlConnections? = nil) {
        self.page = page
        self.connections = connections
        self.audit = audit
    }

    // MARK: The program before

    /// This one has taken over.
    func tookOver(_ handover: Handover) {
        let workers = node.processes.generations.count
        let pause = (Reactor.nowNanoseconds() - handover.beganNanoseconds) / 1000
        takenOver = Reexecuted(
            pid: getpid(), erts: Emulator.vsn, previousErts: handover.erts, workers: workers, pauseMicroseconds: pause)
        let claimed = Set(handover.control.connections.compactMap(\.claim))
        node.tree.launcher.keep { claimed.contains(.call(ref: $0)) }
        defer { if let install = handover.continued { node.goOn(with: install) } }
        node.events.post(
            .daemon(
                .reexecuted(
                    erts: Emulator.vsn, previous: handover.erts, workers: workers, pauseMicroseconds: pause)))
    }

    // MARK: The next program

    func reexecute(_ program: String?, on connection: ControlConnection) async throws(ControlError) -> Reexecuted {
        if connection.takeClaim() == .reexecution, let takenOver { return takenOver }
        return try await node.changing(ChangesByHand.reexecution) { () async throws(ControlError) in
            guard case .idle = state else {
                throw ControlError(
                    .busy, "the daemon is being executed anew already; wait for the end of that",
                    details: ["change": ChangesByHand.reexecution])
            }
            defer { state = .idle }
            do throws(ReexecutionFailure) {
                let path: String
                if let program { path = program } else { path = try Self.ownProgram() }
                try await execute(path) { connection.works(.reexecution) }
            } catch {
                node.events.post(.daemon(.reexecutionFailed(reason: error.description)))
                throw error.controlError
            }
        }
    }

    /// As another version in the middle of an upgrade, or back; returns only by a failure.
    func becomes(_ emulator: EmulatorProgram, continuing install: ContinuedInstall?) async -> EmulatorFailure {
        guard case .idle = state else { return .other("the daemon is being executed anew already") }
        defer { state = .idle }
        do throws(ReexecutionFailure) {
            try await execute(emulator.path, vsn: emulator.vsn, continuing: install) {}
        } catch {
            if case .refused = error { return .refused(error.description) }
            return .other(error.description)
        }
    }

    /// Returns only by an error.
    ///
    /// - Parameters:
    ///   - vsn: the version that the program has to have; any where it is nil.
    ///   - willExecute: called once it is known to be able to go on.
    private func execute(
        _ program: String, vsn: String? = nil, continuing install: ContinuedInstall? = nil,
        willExecute: () -> Void
    ) async throws(ReexecutionFailure) -> Never {
        state = .checking
        let identity = try? FileStatus(of: program).identity
        let none = ControlConnections.State(listener: -1, inode: 0, connections: [])
        let (memory, checked) = try await settled { [self] _ in
            let state = try node.state(awaitsHistory: vsn == nil)
            return (try handover(state, none, install).memory(), state)
        }
        try await check(program, vsn, memory)
        try Self.require(program, identity)
        state = .settling
        logger.notice("executing \(program) in this one's place")
        willExecute()
        defer { connections?.release() }
        // What is written now need not be written while everybody waits.
        let ahead = try await settled { [self] _ in try node.state(like: checked, awaitsHistory: vsn == nil) }
        throw try await settled { [self] isLast in
            try execute(program, identity, install, like: ahead, isLast: isLast, awaitsHistory: vsn == nil)
        }
    }

    /// What was checked is what is executed: an update may put another file there, or half of one.
    private static func require(_ program: String, _ identity: FileIdentity?) throws(ReexecutionFailure) {
        guard identity == (try? FileStatus(of: program).identity) else {
            throw .refused("\(program) was changed since it was checked")
        }
    }

    private func handover(
        _ state: NodeState, _ control: ControlConnections.State, _ install: ContinuedInstall?,
        page: ControlConnections.State? = nil
    ) -> Handover {
        Handover(
            erts: Emulator.vsn, beganNanoseconds: Reactor.nowNanoseconds(), node: state, control: control,
            continued: install, page: page)
    }

    /// From the freeze on nothing happens any more: neither is a request begun, nor an event handled.
    private func execute(
        _ program: String, _ identity: FileIdentity?, _ install: ContinuedInstall?, like ahead: NodeState, isLast: Bool,
        awaitsHistory: Bool
    ) throws -> ReexecutionFailure {
        guard let connections else { throw HandoverObstacle("the control interface does not listen") }
        // What can't be handed on is found before anybody has to wait for that.
        let before: NodeState
        let frozen: ControlConnections.Frozen
        do {
            before = try node.state(like: ahead, awaitsHistory: awaitsHistory)
            frozen = try connections.freeze(isLast: isLast, continuing: install?.vsn)
        } catch {
            if error.isBrief { connections.hold() } else { connections.release() }
            throw error
        }
        defer { frozen.letGo() }
        let page = page?.freezeListener()
        defer { page?.letGo() }
        if frozen.cut > 0 { logger.warning("\(frozen.cut) control connections whose clients do not read are closed") }
        node.probation.rest()
        defer { node.probation.goOn(before.probation) }
        let handover = handover(before, frozen.state, install, page: page?.state)
        let memory = try handover.memory()
        SystemdNotify.watchdog()
        SystemdNotify.flush()
        audit?.tellAll()
        flush()
        // Settling may have taken its time since the check.
        do throws(ReexecutionFailure) { try Self.require(program, identity) } catch { return error }
        let error = Successor.execute(
            program, [program] + Daemon.arguments(root: node.root.path), keeping: handover.descriptors + [memory.raw],
            variables: Emulator.startedVariables.merging([Handover.variable: "\(memory.raw)"]) { $1 })
        return .notExecuted("\(error)")
    }

    // MARK: Checking

    /// Has the program read the state, as it is now, and say whether it can go on from it.
    private func check(
        _ program: String, _ vsn: String?, _ memory: OwnedDescriptor
    ) async throws(ReexecutionFailure) {
        let input: OwnedDescriptor
        do {
            input = try StateDescriptor.reading(memory)
        } catch {
            throw .notExecuted("\(error)")
        }
        let said: [String]
        do throws(UnansweredQuestion) {
            // With the arguments that it would be executed with: one that does not know an option of theirs is refused.
            said = try await ProgramRun.ask(
                program, "--check-state", further: Daemon.arguments(root: node.root.path), standardInput: input,
                among: node.processes, timeoutMilliseconds: Self.checkMilliseconds)
        } catch {
            throw .refused("\(error)")
        }
        // Whatever ends with success is none yet.
        let name = "\(EmulatorFiles.program)\(vsn.map { " \($0)" } ?? "")"
        guard let first = said.first, first.hasPrefix("\(name) "), first.contains(" \(Daemon.canGoOn) ") else {
            throw .refused("\(program) is not \(name): \(said.first ?? "it says nothing")")
        }
    }

    /// What lies now where this program was executed from.
    private static func ownProgram() throws(ReexecutionFailure) -> String {
        guard let own = Emulator.own else { throw .refused("/proc does not say which program this is") }
        return own.path
    }

    // MARK: Settling

    /// What `take` comes to, once it comes to something: it is tried between two turns in which nothing waits for its own.
    private func settled<Value: Sendable>(
        _ take: @escaping @HostActor (_ isLast: Bool) throws -> Value
    ) async throws(ReexecutionFailure) -> Value {
        let result: Result<Value, ReexecutionFailure> = await withCheckedContinuation { continuation in
            Settling(take) { continuation.resume(returning: $0) }.begin()
        }
        return try result.get()
    }
}

/// Tries something until nothing is in its way, or the time is over.
@HostActor
private final class Settling<Value: Sendable> {
    private let take: @HostActor (Bool) throws -> Value
    private var then: ((Result<Value, ReexecutionFailure>) -> Void)?
    private let began = Reactor.nowMilliseconds()
    /// Before the next try where nothing happens on this thread: what is waited for may be another's.
    private var pauseMilliseconds = 1
    private var timer: ScheduledTimer?
    private var obstacle = "events come without end"

    init(
        _ take: @escaping @HostActor (Bool) throws -> Value,
        then: @escaping (Result<Value, ReexecutionFailure>) -> Void
    ) {
        self.take = take
        self.then = then
    }

    func begin() {
        Reactor.shared.whenIdle { [self] in attempt() }
        schedule()
    }

    private func schedule() {
        timer?.cancel()
        timer = Reactor.shared.schedule(afterMilliseconds: pauseMilliseconds) { [self] in
            guard Reactor.nowMilliseconds() - began < Reexecution.settleMilliseconds else {
                return end(.failure(.busy(obstacle)))
            }
            pauseMilliseconds = min(pauseMilliseconds * 2, 50)
            schedule()
        }
    }

    private func attempt() {
        do {
            end(.success(try take(Reactor.nowMilliseconds() - began > Reexecution.writeMilliseconds)))
        } catch let error as HandoverObstacle {
            guard !error.isLasting else { return end(.failure(.overtaken(error.description))) }
            obstacle = error.description
        } catch {
            end(.failure(.notExecuted("\(error)")))
        }
    }

    private func end(_ result: Result<Value, ReexecutionFailure>) {
        guard let then else { return }
        self.then = nil
        Reactor.shared.whenIdle(nil)
        timer?.cancel()
        then(result)
    }
}

/// Why the daemon goes on as it is.
enum ReexecutionFailure: Error, CustomStringConvertible {
    /// The other program is none, or can't take the state.
    case refused(String)
    /// Something is under way that does not come to its end.
    case busy(String)
    case notExecuted(String)
    /// Something else came first.
    case overtaken(String)

    var description: String {
        switch self {
        case .refused(let reason), .notExecuted(let reason), .overtaken(let reason): reason
        case .busy(let obstacle): "\(obstacle), and did not end within \(Reexecution.settleMilliseconds / 1000) s"
        }
    }

    var controlError: ControlError {
        switch self {
        case .refused: ControlError(.reexecRefused, "the daemon goes on as it is: \(self)")
        case .busy, .overtaken: ControlError(.busy, "the daemon goes on as it is: \(self)")
        case .notExecuted: ControlError(.systemError, "the daemon goes on as it is: \(self)")
        }
    }
}
