import Host
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization

/// Serves the page, where the command line says so (`--http`): beside the control interface, with a thread and connections of its own, so that
/// nothing that happens here holds up who may change things.
///
/// Where it can't listen, the node goes on without it, and the log says so: workers do not depend on who looks.
struct PageServer: Service, CustomStringConvertible {
    var description: String { "page server" }

    /// Lives as long as the process, as of `ControlServer`.
    private static let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    /// Makes the event loop's thread, which else is made with the first server.
    static func startThread() throws(SystemError) {
        try WorkThreads.probe()
        _ = group
    }

    /// Further ones wait until one is closed.
    static let maxConnections = 32

    /// Of all who come by TCP together: nobody knows who they are. A page asks three times a second at the most.
    static var rates: ControlRates {
        let requests = TokenBucket.Rate(atOnce: 400, perSecond: 100)
        let connections = UserRates.Allowance(
            each: TokenBucket.Rate(atOnce: 200, perSecond: 40), together: TokenBucket.Rate(atOnce: 400, perSecond: 100))
        return ControlRates(
            requests: UserRates.Allowance(each: requests, together: requests), connections: connections)
    }

    private let address: PageAddress
    private let handlers: ControlHandlers
    private let authorization: ControlAuthorization
    private let audit: AuditLog
    private let traffic: ControlTraffic
    private let rates: ControlRates
    private let logger: Logger
    private let inherited: ControlConnections.State?
    private let onListening: @Sendable (String) -> Void
    let connections: ControlConnections

    /// - Parameters:
    ///   - inherited: the socket of the daemon before, where this one goes on in its place.
    ///   - onListening: called once, with where it listens.
    init(
        _ address: PageAddress, handlers: ControlHandlers, authorization: ControlAuthorization, audit: AuditLog,
        traffic: ControlTraffic = ControlTraffic("http"), logger: Logger, inherited: ControlConnections.State? = nil,
        rates: ControlRates = Self.rates, onListening: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.address = address
        self.handlers = handlers
        self.authorization = authorization
        self.audit = audit
        self.traffic = traffic
        self.rates = rates
        self.logger = logger
        self.inherited = inherited
        self.onListening = onListening
        connections = ControlConnections(
            eventLoop: Self.group.next(), limit: Self.maxConnections, rates: rates, traffic: traffic
        ) { _ in false }
    }

    func run() async throws {
        do {
            try await serve()
        } catch {
            logger.error(
                "the page is not served at \(address): \(error); name another address with --http, and restart")
        }
    }

    private func serve() async throws {
        let target: NIOCore.SocketAddress
        switch address {
        case .loopback(let host, let port): target = try NIOCore.SocketAddress(ipAddress: host, port: Int(port))
        case .path(let path):
            target = try NIOCore.SocketAddress(unixDomainSocketPath: path)
            if inherited == nil { try ControlSocket(path: path).prepare() }
        }
        let inode = Mutex(inherited?.inode ?? 0)
        defer { if case .path(let path) = address { ControlSocket(path: path).remove(ifInode: inode.withLock { $0 }) } }
        try await listener().run(
            bindingTo: target, unlessAt: inherited?.listener, adopting: inherited?.connections ?? []
        ) { channel in
            if case .path(let path) = address, inherited == nil {
                do throws(ControlSocketError) {
                    let opened = try ControlSocket(path: path).open()
                    inode.withLock { $0 = opened }
                } catch {
                    logger.error("the page is for this daemon's user alone: \(error)")
                }
            }
            await connections.listens(channel, inode: inode.withLock { $0 }, awaiting: 0)
            let place = place(of: channel)
            logger.notice("whoever is on this machine may look at \(place)")
            onListening(place)
        }
    }

    /// With the port that the kernel has chosen.
    private func place(of channel: any Channel) -> String {
        guard case .loopback(let host, _) = address, let port = channel.localAddress?.port else { return "\(address)" }
        return "\(PageAddress.loopback(host: host, port: UInt16(clamping: port)))"
    }

    private func listener() -> ControlListener {
        let responder = PageResponder(
            control: ControlResponder(
                handlers: handlers, authorization: authorization, rates: rates, maxBodyBytes: 0, audit: audit,
                traffic: traffic),
            connections: connections)
        let http = HTTP1Channel(
            responder: { request, writer, channel in
                let response = await responder.respond(to: request, on: channel)
                try await writer.write(response: response.head, body: response.body)
                try await channel.eventLoop.submit {
                    try channel.pipeline.syncOperations.handler(type: ControlBytesHandler.self).isAnswered()
                }.get()
            },
            configuration: HTTP1Channel.Configuration(
                idleTimeout: .seconds(30),
                httpDecoderConfiguration: HTTP1Channel.Configuration.DecoderConfiguration(
                    maxHeaderFieldSize: 16 * 1024, maxHeaderListSize: 16 * 1024, maxHeaderFieldCount: 100)))
        return ControlListener(http: http, connections: connections, group: Self.group, logger: logger)
    }
}
