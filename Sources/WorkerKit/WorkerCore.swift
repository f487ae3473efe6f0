import CWorkerKit
import Glibc
import Terms
import Wire

/// What the loop, the context and the servers share: pollers, channel, timers.
///
/// There are two pollers. `control` has the channel only; `all` has every socket, and `control` inside it. A running
/// worker waits on `all`, a suspended one on `control`: suspending ten thousand connections is waiting elsewhere,
/// and nothing of them is read because nothing looks.
final class WorkerCore {
    /// Tokens of the channel's poller, above those of all sources: the poller itself, and the child that writes an image.
    static let controlToken = UInt64.max - 1
    static let childToken = UInt64.max - 2
    static let firstControlToken = childToken

    let control: Poller
    let all: Poller
    let channel: Channel
    let transfer: Int32
    private let earlyPackets = EarlyPackets()
    var sources = SourceTable()
    var timers = TimerQueue()
    var servers: [TCPServer] = []
    /// Made when a functional module is first spoken of.
    private(set) lazy var modules = ModuleServer()
    /// Made when a driver is first spoken of.
    private(set) lazy var drivers = DriverStore()
    /// Connections that were written to by the method in hand.
    var unflushed: [Connection] = []
    /// Sockets and timers are served.
    var isRunning = false
    /// Set by `WorkerContext.stop`.
    var stopReason: Term?
    private var droppedLogs = 0
    /// In the child that writes an image: the frames that its parent is to pass on. Nil in a worker.
    var report: [UInt8]?
    private static let maxReportBytes = 1 << 20

    init(channel: Int32, transfer: Int32) throws(SystemError) {
        control = try Poller()
        all = try Poller()
        self.transfer = transfer
        self.channel = try Channel(descriptor: channel, poller: control)
        try all.add(control.descriptor, .readable, token: Self.controlToken)
    }

    /// Of functional modules and drivers.
    var versions: [ModuleVersion] { modules.versions() + drivers.versions() }

    var transferSocket: Transfer {
        Transfer(descriptor: transfer, lifeline: channel.descriptor, early: earlyPackets)
    }

    func now() -> Int { Int(cwk_now_milliseconds()) }

    /// Sends a message; one that is over the frame's limit becomes an error where it answers a request.
    func send(_ answer: WorkerAnswer) {
        guard report == nil else { return addToReport(answer) }
        do {
            try channel.send(frame: try answer.frame())
        } catch let error as WireError {
            if let ref = answer.ref {
                let reason = Term.tuple([.atom("answer_too_large"), text(error.message)])
                if let frame = try? Frame.encode(WorkerAnswer.error(ref: ref, reason: reason).term) {
                    try? channel.send(frame: frame)
                }
            }
        } catch {
            // The daemon does not take what it is sent; nobody can be told.
            _exit(1)
        }
    }

    /// Sends what was held back for the answer behind it.
    func release() {
        // The daemon does not take what it is sent; nobody can be told.
        do { try channel.release() } catch { _exit(1) }
    }

    /// What an export may say: the rest is not the child's to send.
    private func addToReport(_ answer: WorkerAnswer) {
        guard case .log = answer, let count = report?.count, count < Self.maxReportBytes else { return }
        if let frame = try? Frame.encode(answer.term) { report?.append(contentsOf: frame) }
    }

    /// Why the child could not write its image.
    func reportFailure(_ reason: Term) {
        let short = Term.tuple([.atom("answer_too_large"), text("the reason of a failed export")])
        let limit = WireLimits.maxFrameBytes - 2 * Self.maxReportBytes
        let frame =
            (try? Frame.encode(WorkerAnswer.error(ref: 0, reason: reason).term, maxFrameBytes: limit))
            ?? (try? Frame.encode(WorkerAnswer.error(ref: 0, reason: short).term))
        report?.append(contentsOf: frame ?? [])
    }

    func log(_ level: WorkerContext.LogLevel, _ message: String, _ metadata: [Atom: Term]) {
        guard channel.backlogBytes <= Channel.maxLogBacklogBytes else {
            droppedLogs += 1
            return
        }
        if droppedLogs > 0 {
            let lost = "\(droppedLogs) log messages were dropped: the daemon was behind"
            droppedLogs = 0
            send(.log(level: .warning, text: lost, metadata: [:]))
        }
        var fields: [Term: Term] = [:]
        for (key, value) in metadata { fields[.atom(key)] = value }
        send(.log(level: Wire.LogLevel(level), text: cut(message), metadata: fields))
    }

    func addServer(
        name: String, listening: Int32, handler: any ConnectionHandler, limits: ConnectionLimits
    ) throws -> TCPServer {
        guard !servers.contains(where: { $0.name == name }) else {
            throw WorkerError("already_served", "the socket \(name) is served already")
        }
        let server = try TCPServer(name: name, listening: listening, handler: handler, limits: limits, core: self)
        servers.append(server)
        return server
    }

    func flushConnections() {
        while !unflushed.isEmpty {
            let connections = unflushed
            unflushed.removeAll()
            for connection in connections {
                connection.isQueued = false
                if !connection.isClosed { connection.flush() }
            }
        }
    }

    /// Undoes a failed import: what it registered goes, so that another may be tried.
    func removeServersAndTimers() {
        for server in servers { server.abandon() }
        servers.removeAll()
        timers.removeAll()
        unflushed.removeAll()
        stopReason = nil
    }

    /// Last words, then the end.
    func end(abnormally reason: Term) -> Never {
        send(.exit(reason: reason))
        channel.drain()
        fflush(nil)
        _exit(1)
    }

    func endNormally() -> Never {
        channel.drain()
        fflush(nil)
        _exit(0)
    }

    private func cut(_ message: String) -> String {
        guard message.utf8.count > WireLimits.maxLogTextBytes else { return message }
        return String(decoding: message.utf8.prefix(WireLimits.maxLogTextBytes - 16), as: UTF8.self) + "..."
    }
}

extension Wire.LogLevel {
    init(_ level: WorkerContext.LogLevel) {
        switch level {
        case .emergency: self = .emergency
        case .alert: self = .alert
        case .critical: self = .critical
        case .error: self = .error
        case .warning: self = .warning
        case .notice: self = .notice
        case .info: self = .info
        case .debug: self = .debug
        }
    }
}
