import NIOCore

/// Between the socket and HTTP: gives it one request at a time and keeps its bytes until it is answered.
final class ControlBytesHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let connection: ControlConnection
    /// Of the request in hand.
    private var request = ByteBuffer()
    /// What came behind it.
    private var further = ByteBuffer()
    private var boundary = RequestBoundary()
    private var isWhole = false
    /// Whether where the next request begins can't be told any more.
    private(set) var isLost = false
    /// Whether the channel has ever been open.
    private(set) var wasActive = false
    /// Writes that the socket has not taken.
    private(set) var unwritten = 0
    /// Whether some of the answer to the request in hand is written, by the daemon before perhaps.
    private(set) var isAnswerBegun: Bool
    /// Whether the head of the answer was written by the daemon before.
    private var skipsHead: Bool
    private var skipped: [UInt8] = []
    private var context: ChannelHandlerContext?
    /// On the event loop: whether no further request is to be begun.
    private let isHeld: () -> Bool
    /// Whether it was to be read while enough of what comes behind the request in hand was there.
    private var awaitsReading = false

    /// Of what comes behind the request in hand. More stays with the client until that is answered, as long as it likes to send it.
    static let furtherLimit = 64 * 1024

    init(_ connection: ControlConnection, skipsHead: Bool = false, isHeld: @escaping () -> Bool = { false }) {
        self.connection = connection
        self.isHeld = isHeld
        self.skipsHead = skipsHead
        isAnswerBegun = skipsHead
    }

    /// What was read and is not answered.
    var bytes: [UInt8] { Array(request.readableBytesView) + Array(further.readableBytesView) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        further.writeImmutableBuffer(unwrapInboundIn(data))
        deliver(context)
    }

    func read(context: ChannelHandlerContext) {
        guard further.readableBytes < Self.furtherLimit else { return awaitsReading = true }
        context.read()
    }

    private func readOn(_ context: ChannelHandlerContext) {
        guard awaitsReading, further.readableBytes < Self.furtherLimit else { return }
        awaitsReading = false
        context.read()
    }

    /// From then on one that is not active is closed.
    func channelActive(context: ChannelHandlerContext) {
        wasActive = true
        context.fireChannelActive()
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    /// The request in hand is answered: all of that has been written.
    func isAnswered() {
        connection.isAnswered()
        // Answered before it had come whole: what comes of it still looks like anything.
        if !isWhole { isLost = true }
        isAnswerBegun = false
        request.clear()
        boundary = RequestBoundary()
        isWhole = false
        goOn()
    }

    /// With what came meanwhile.
    func goOn() {
        guard further.readableBytes > 0, let context else { return }
        deliver(context)
        context.fireChannelReadComplete()
        readOn(context)
    }

    private func deliver(_ context: ChannelHandlerContext) {
        guard !isWhole, further.readableBytes > 0, !isHeld() || request.readableBytes > 0 else { return }
        guard !isLost, let (count, isWhole) = boundary.take(further.readableBytesView),
            let part = further.readSlice(length: count)
        else {
            isLost = true
            let rest = further
            further.clear()
            return context.fireChannelRead(wrapInboundOut(rest))
        }
        self.isWhole = isWhole
        further.discardReadBytes()
        request.writeImmutableBuffer(part)
        if isWhole { connection.isRead() }
        context.fireChannelRead(wrapInboundOut(part))
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        var buffer = unwrapOutboundIn(data)
        isAnswerBegun = true
        if skipsHead { skipHead(&buffer) }
        let written = promise ?? context.eventLoop.makePromise(of: Void.self)
        unwritten += 1
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        written.futureResult.whenComplete { _ in handler.value.unwritten -= 1 }
        context.write(wrapOutboundOut(buffer), promise: written)
    }

    private func skipHead(_ buffer: inout ByteBuffer) {
        while skipsHead, let byte = buffer.readInteger(as: UInt8.self) {
            skipped.append(byte)
            skipsHead = !skipped.suffix(4).elementsEqual("\r\n\r\n".utf8)
        }
    }
}
