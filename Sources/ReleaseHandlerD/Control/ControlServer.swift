import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
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
struct ControlServer: Service {
    /// Lives as long as the process: the HTTP server's last task, which nobody can await, still tells the loop things
    /// after the server has ended.
    private static let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    private let configuration: ControlConfiguration
    private let handlers: ControlHandlers
    private let audit: ControlAudit
    private let logger: Logger
    private let onListening: @Sendable () async -> Void
    private let onHeartbeat: @Sendable () -> Void

    /// - Parameters:
    ///   - onListening: called once, when a client that connects is served.
    ///   - onHeartbeat: called by the event loop every half second, for as long as it turns.
    init(
        configuration: ControlConfiguration, handlers: ControlHandlers, audit: @escaping ControlAudit, logger: Logger,
        onListening: @escaping @Sendable () async -> Void = {}, onHeartbeat: @escaping @Sendable () -> Void = {}
    ) {
        self.configuration = configuration
        self.handlers = handlers
        self.audit = audit
        self.logger = logger
        self.onListening = onListening
        self.onHeartbeat = onHeartbeat
    }

    /// - Throws: ``ControlSocketError`` where the socket can't be made.
    func run() async throws {
        let socket = ControlSocket(path: configuration.socketPath)
        try socket.prepare()
        let beat = onHeartbeat
        let beating = Self.group.next().scheduleRepeatedTask(
            initialDelay: .zero, delay: .milliseconds(Int64(Heartbeat.intervalMilliseconds))
        ) { _ in beat() }
        defer { beating.cancel() }
        let opened = OpenedSocket()
        let outcome: Result<Void, any Error>
        do {
            try await application(socket: socket, opened: opened).run()
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        if case .success(let inode) = opened.result.withLock({ $0 }) { socket.remove(ifInode: inode) }
        if case .failure(let error) = opened.result.withLock({ $0 }) { throw error }
        try outcome.get()
    }

    private func application(socket: ControlSocket, opened: OpenedSocket) -> Application<ControlResponder> {
        var quiet = logger
        // The framework's notices about its own start are for its developers.
        if quiet.logLevel < .notice { quiet.logLevel = max(quiet.logLevel, .notice) }
        let authorization = ControlAuthorization(configuration: configuration)
        authorization.group.prepare()
        let responder = ControlResponder(
            handlers: handlers, authorization: authorization, maxBodyBytes: configuration.maxBodyBytes, audit: audit)
        return Application(
            responder: responder,
            server: .http1(
                configuration: HTTP1Channel.Configuration(idleTimeout: .seconds(Int64(configuration.idleSeconds)))),
            configuration: ApplicationConfiguration(
                address: .unixDomainSocket(path: configuration.socketPath), serverName: nil,
                availableConnectionsDelegate: MaximumAvailableConnections(configuration.maxConnections, logger: quiet)),
            onServerRunning: { channel in
                do throws(ControlSocketError) {
                    let inode = try socket.open()
                    opened.result.withLock { $0 = .success(inode) }
                    await onListening()
                } catch {
                    opened.result.withLock { $0 = .failure(error) }
                    try? await channel.close()
                }
            },
            eventLoopGroupProvider: .shared(Self.group),
            logger: quiet)
    }
}
