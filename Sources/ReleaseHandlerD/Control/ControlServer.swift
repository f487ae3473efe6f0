import Host
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ReleaseHandling
import ServiceLifecycle
import Synchronization
import Wire

/// What became of the bound socket: its inode, once everybody may connect.
private final class OpenedSocket: Sendable {
    let result = Mutex<Result<UInt64, ControlSocketError>?>(nil)
}

/// The control interface: HTTP/1.1 with JSON on a unix socket, on one event loop thread.
///
/// Ends with a graceful shutdown: event streams are ended, requests under way are answered first.
struct ControlServer: Service, CustomStringConvertible {
    /// The service group wants each service as text, which else is made of all that it refers to.
    var description: String { "control server" }

    /// Lives as long as the process: the HTTP server's last task, which nobody can await, still tells the loop things
    /// after the server has ended.
    private static let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    /// Makes the event loop's thread, which else is made with the first server. The library ends the process where it can't.
    static func startThread() throws(SystemError) {
        try WorkThreads.probe()
        _ = group
    }

    private let configuration: ControlConfiguration
    let authorization: ControlAuthorization
    private let handlers: ControlHandlers
    let audit: AuditLog
    private let rates: ControlRates
    private let traffic: ControlTraffic
    private let logger: Logger
    private let onListening: @Sendable () async -> Void
    private let onHeartbeat: @Sendable () -> Void
    /// Those of the daemon before, where this one goes on in its place.
    private let inherited: ControlConnections.State?
    /// The service manager's socket, where it has made one: its file stays when the server ends.
    private let given: OwnedDescriptor?
    let connections: ControlConnections

    /// - Parameters:
    ///   - onListening: called once, when a client that connects is served.
    ///   - onHeartbeat: called by the event loop every half second, for as long as it turns.
    init(
        configuration: ControlConfiguration, handlers: ControlHandlers, audit: @escaping ControlAudit, logger: Logger,
        inherited: ControlConnections.State? = nil, given: OwnedDescriptor? = nil, rates: ControlRates = ControlRates(),
        traffic: ControlTraffic = ControlTraffic(), onListening: @escaping @Sendable () async -> Void = {},
        onHeartbeat: @escaping @Sendable () -> Void = {}
    ) {
        self.configuration = configuration
        authorization = ControlAuthorization(configuration: configuration)
        self.handlers = handlers
        self.audit = AuditLog(audit)
        self.rates = rates
        self.traffic = traffic
        self.logger = logger
        self.onListening = onListening
        self.onHeartbeat = onHeartbeat
        self.inherited = inherited
        self.given = given
        connections = ControlConnections(
            eventLoop: Self.group.next(), limit: configuration.maxConnections, rates: rates, traffic: traffic
        ) { [authorization] in authorization.mayWellChange($0) }
    }

    /// Who may look and how many are served, from now on.
    func use(_ options: DaemonOptions) {
        authorization.set(options.readers ?? configuration.readers)
        connections.set(limit: options.connections ?? configuration.maxConnections)
    }

    /// - Throws: ``ControlSocketError`` where the socket can't be made.
    func run() async throws {
        let socket = ControlSocket(path: configuration.socketPath)
        // Closed with the server's channel; `given` itself outlives that.
        let bound = try inherited?.listener ?? given.map { try socket.copy(of: $0) }
        if bound == nil { try socket.prepare() }
        let beat = onHeartbeat
        let beating = Self.group.next().scheduleRepeatedTask(
            initialDelay: .zero, delay: .milliseconds(Int64(Heartbeat.intervalMilliseconds))
        ) { [audit] _ in
            beat()
            audit.tellWhatIsDue()
        }
        defer {
            beating.cancel()
            audit.tellAll()
        }
        let opened = OpenedSocket()
        let outcome: Result<Void, any Error>
        do {
            try await listener().run(
                bindingTo: try SocketAddress(unixDomainSocketPath: configuration.socketPath), unlessAt: bound,
                adopting: inherited?.connections ?? []
            ) { channel in
                await listens(channel, socket, opened)
            }
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        if case .success(let inode) = opened.result.withLock({ $0 }) { socket.remove(ifInode: inode) }
        if case .failure(let error) = opened.result.withLock({ $0 }) { throw error }
        try outcome.get()
    }

    /// Everybody may connect now.
    private func listens(_ channel: any Channel, _ socket: ControlSocket, _ opened: OpenedSocket) async {
        do throws(ControlSocketError) {
            let inode: UInt64
            if let inherited {
                inode = inherited.inode
            } else if given != nil {
                inode = ControlConnections.State.notOurs
            } else {
                inode = try socket.open()
            }
            opened.result.withLock { $0 = .success(inode) }
            await connections.listens(channel, inode: inode, awaiting: inherited?.connections.count ?? 0)
            await onListening()
        } catch {
            opened.result.withLock { $0 = .failure(error) }
            try? await channel.close()
        }
    }

    private func listener() -> ControlListener {
        authorization.group.prepare()
        let responder = ControlResponder(
            handlers: handlers, authorization: authorization, rates: rates, maxBodyBytes: configuration.maxBodyBytes,
            audit: audit, traffic: traffic)
        let http = HTTP1Channel(
            responder: { request, writer, channel in
                let response = await responder.respond(to: request, on: channel)
                try await writer.write(response: response.head, body: response.body)
                try await channel.eventLoop.submit {
                    // Behind the writes, which are in its queue.
                    try channel.pipeline.syncOperations.handler(type: ControlBytesHandler.self).isAnswered()
                }.get()
            },
            configuration: HTTP1Channel.Configuration(idleTimeout: .seconds(Int64(configuration.idleSeconds))))
        return ControlListener(http: http, connections: connections, group: Self.group, logger: logger)
    }
}
