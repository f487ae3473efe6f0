import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Wire

/// Serves HTTP on the control socket: accepts while there is room, and goes on with the connections of the daemon before.
struct ControlListener: Sendable {
    let http: HTTP1Channel
    let connections: ControlConnections
    let group: MultiThreadedEventLoopGroup
    let logger: Logger

    private typealias Child = HTTP1Channel.Value

    /// Until a graceful shutdown has ended.
    ///
    /// - Parameters:
    ///   - bound: a socket that listens already, by the daemon before or the service manager; it is this one's to close from now on.
    ///   - onListening: with the server's channel, before the first connection is served.
    func run(
        bindingTo address: SocketAddress, unlessAt bound: Int32?,
        adopting adopted: [ControlConnections.State.Connection],
        onListening: @Sendable (any Channel) async -> Void
    ) async throws {
        let (children, accepted) = AsyncStream.makeStream(of: Child.self)
        var bootstrap = bootstrap(accepted)
        // What an earlier run had listened at is not to wait for the last of its connections.
        if case .unixDomainSocket = address {
        } else {
            bootstrap = bootstrap.serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        }
        let server: any Channel
        if let bound {
            server = try await bootstrap.withBoundSocket(bound).get()
        } else {
            server = try await bootstrap.bind(to: address).get()
        }
        server.closeFuture.whenComplete { _ in accepted.finish() }
        let served = ServedConnections()
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                await onListening(server)
                for connection in adopted {
                    served.add { await goOn(with: connection) }
                }
                for await child in children {
                    served.add { await http.handle(value: child, logger: logger) }
                }
                await served.ended()
            } onGracefulShutdown: {
                server.close(promise: nil)
                connections.quiesce()
                group.next().scheduleTask(in: .seconds(Self.endSeconds)) {
                    let left = served.abandon()
                    if left > 0 {
                        logger.error("\(left) connections did not end in \(Self.endSeconds) s: they are cut")
                    }
                }
            }
        } onCancel: {
            server.close(promise: nil)
            served.cancel()
        }
    }

    /// How long requests under way may take to come to their end.
    private static let endSeconds: Int64 = 30

    private func bootstrap(_ accepted: AsyncStream<Child>.Continuation) -> ServerBootstrap {
        ServerBootstrap(group: group)
            .serverChannelOption(ChannelOptions.backlog, value: 256)
            .childChannelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptHandler(connections))
                }
            }
            .childChannelInitializer { channel in
                setUp(channel).map { child in
                    guard case .terminated = accepted.yield(child) else { return }
                    // It came as the server closed: nobody serves it any more, and a channel wants to be closed by its own means.
                    Task { try? await child.executeThenClose { _, _ in } }
                }
            }
    }

    private func setUp(_ channel: any Channel) -> EventLoopFuture<Child> {
        setUp(channel, ControlConnection(), skipsHead: false, isAdopted: false)
    }

    private func setUp(
        _ channel: any Channel, _ connection: ControlConnection, skipsHead: Bool, isAdopted: Bool
    ) -> EventLoopFuture<Child> {
        channel.eventLoop.makeCompletedFuture {
            let bytes = ControlBytesHandler(connection, skipsHead: skipsHead) { [connections] in connections.isHeld }
            try channel.pipeline.syncOperations.addHandler(bytes)
            try connections.add(channel, bytes, isAdopted: isAdopted)
        }.flatMap { http.setup(channel: channel, logger: logger) }
    }

    /// What was read of its request by the daemon before is read again.
    private func goOn(with state: ControlConnections.State.Connection) async {
        let child: Child
        do {
            child = try await ClientBootstrap(group: group)
                .channelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
                .withConnectedSocket(state.descriptor) { channel in
                    setUp(
                        channel, ControlConnection(claim: state.claim, standing: state.standing ?? .free),
                        skipsHead: state.isHeadWritten, isAdopted: true)
                }
        } catch {
            connections.adopted()
            return logger.error("a connection to the control interface is lost: \(error)")
        }
        let channel = child.channel
        channel.eventLoop.execute {
            if !state.request.isEmpty {
                channel.pipeline.fireChannelRead(ByteBuffer(bytes: state.request))
                channel.pipeline.fireChannelReadComplete()
            }
            connections.adopted()
        }
        await http.handle(value: child, logger: logger)
    }
}

/// Further connections wait in the backlog until there is room.
private final class AcceptHandler: ChannelDuplexHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel
    typealias OutboundIn = Never
    typealias OutboundOut = Never

    private let connections: ControlConnections

    init(_ connections: ControlConnections) { self.connections = connections }

    func read(context: ChannelHandlerContext) {
        if connections.hasRoom { return context.read() }
        let context = NIOLoopBound(context, eventLoop: context.eventLoop)
        connections.whenThereIsRoom { context.value.read() }
    }
}
