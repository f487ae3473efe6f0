import CWorkerKit
import Glibc
import Terms

/// A listening socket and the connections accepted from it (any stream socket: TCP or unix).
///
/// Made by `WorkerContext.serve`. In a handoff its connections go over with their unread and unsent bytes; only the
/// running process of the two reads, accepts or writes.
public final class TCPServer: EventSource {
    public let name: String
    public let limits: ConnectionLimits
    public private(set) var connectionCount = 0

    let core: WorkerCore
    private(set) var handler: any ConnectionHandler
    let listening: Int32
    var connections: [Int: Connection] = [:]
    /// What one `receive` reads into. Shared, so that an idle connection holds no buffer.
    let readBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 16)
    /// What a handler's answers are collected in, for the same reason.
    var answers: [UInt8] = []
    private var nextID = 0
    private var token: UInt64 = 0
    private var isAccepting = true
    /// A server at its limit pauses with every client that it accepts: it tells so now and then.
    private var nextTelling = 0
    private var retryTimer: Int?

    init(
        name: String, listening: Int32, handler: any ConnectionHandler, limits: ConnectionLimits, core: WorkerCore
    ) throws(SystemError) {
        self.name = name
        self.listening = listening
        self.handler = handler
        self.limits = limits
        self.core = core
        try SystemError.check("fcntl", cwk_set_nonblocking(listening))
        token = core.sources.insert(self)
        try core.all.add(listening, .readable, token: token)
    }

    deinit { readBuffer.deallocate() }

    /// How many a single readiness accepts: the others are to have their turn.
    private static let maxAcceptsAtOnce = 64
    private static let retryMilliseconds = 1000
    private static let tellMilliseconds = 10_000

    func handle(_ readiness: Readiness) {
        for _ in 0..<Self.maxAcceptsAtOnce {
            guard connections.count < limits.maxConnections else {
                pauseAccepting(
                    "\(name): \(connections.count) connections are the most that are allowed; accepting is paused")
                return
            }
            let descriptor = cwk_accept(listening)
            switch -descriptor {
            case ...0:
                open(descriptor)
            case EAGAIN:
                return
            case EMFILE, ENFILE, ENOBUFS, ENOMEM:
                pauseAccepting(
                    "\(name): \(SystemError(call: "accept4", code: -descriptor)); accepting is paused: "
                        + "raise nofile in the child spec's rlimits, or serve fewer clients")
                return
            case ECONNABORTED, EPROTO, EPERM, ENETDOWN, EHOSTDOWN, ENONET, EHOSTUNREACH, ENETUNREACH:
                // The client went away before it was accepted: accept(2) says to go on.
                continue
            default:
                pauseAccepting("\(name): \(SystemError(call: "accept4", code: -descriptor)); accepting is paused")
                return
            }
        }
    }

    private func open(_ descriptor: Int32) {
        let connection = Connection(id: nextID, descriptor: descriptor, server: self)
        nextID += 1
        guard register(connection) else { return }
        handler.connectionOpened(connection)
    }

    /// Puts a connection into the loop: a new one, or one that came over.
    @discardableResult
    func register(_ connection: Connection) -> Bool {
        connection.token = core.sources.insert(connection)
        do {
            try core.all.add(connection.descriptor, connection.interest, token: connection.token)
        } catch {
            core.log(.error, "\(name): \(error); the connection is closed", [:])
            core.sources.remove(connection.token)
            _ = close(connection.descriptor)
            return false
        }
        nextID = max(nextID, connection.id + 1)
        connections[connection.id] = connection
        connectionCount = connections.count
        return true
    }

    func remove(_ connection: Connection) {
        guard connections.removeValue(forKey: connection.id) != nil else { return }
        connectionCount = connections.count
        core.sources.remove(connection.token)
        core.all.remove(connection.descriptor)
        _ = close(connection.descriptor)
        handler.connectionClosed(connection)
        if !isAccepting { resumeAccepting() }
    }

    private func pauseAccepting(_ message: String) {
        isAccepting = false
        core.all.remove(listening)
        if core.now() >= nextTelling {
            core.log(.error, message, [:])
            nextTelling = core.now() + Self.tellMilliseconds
        }
        retryLater()
    }

    private func retryLater() {
        retryTimer = core.timers.add(deadline: core.now() + Self.retryMilliseconds, .accept(self))
    }

    /// The time of a pause is over: there may be room again.
    func retryAccepting() {
        retryTimer = nil
        guard !isAccepting else { return }
        resumeAccepting()
    }

    private func resumeAccepting() {
        if let retryTimer { core.timers.cancel(retryTimer) }
        retryTimer = nil
        do {
            try core.all.add(listening, .readable, token: token)
            isAccepting = true
        } catch {
            retryLater()
        }
    }

    /// After a resume: what came over as bytes goes before what is in the sockets.
    func processBuffered() {
        for connection in connections.values.sorted(by: { $0.id < $1.id }) { connection.processBuffered() }
    }

    /// Before a normal end: sends what the sockets take without waiting.
    func flushAll() {
        for connection in connections.values { connection.flush() }
    }

    /// Lets go of everything after a failed import. The connections live on in the process that they came from.
    func abandon() {
        for connection in connections.values {
            core.sources.remove(connection.token)
            core.all.remove(connection.descriptor)
            _ = close(connection.descriptor)
        }
        connections.removeAll()
        connectionCount = 0
        core.sources.remove(token)
        core.all.remove(listening)
        // A handler that holds its server would keep both, and a state that is dropped.
        handler = NoHandler()
    }
}

/// Stands where a server has been let go of.
private final class NoHandler: ConnectionHandler {
    func receive(_ input: UnsafeRawBufferPointer, from connection: Connection, output: inout [UInt8]) -> Int { 0 }
}
