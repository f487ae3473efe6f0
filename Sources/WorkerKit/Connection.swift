public import Terms

/// One client. Its descriptor, its half-read request and its unsent answers survive a handoff, and so does `state`.
public final class Connection {
    /// Unique within its server, also over handoffs.
    public let id: Int
    /// What the handler wants to remember about this client; travels with it.
    public var state: Term = .undefined

    let descriptor: Int32
    unowned let server: TCPServer
    var token: UInt64 = 0
    /// Received, and not taken by the handler yet.
    var input: [UInt8] = []
    var output: [UInt8] = []
    /// How much of `output` is sent.
    var sent = 0
    /// The client has sent its last byte.
    var readIsClosed = false
    /// Closed by this side as soon as everything is sent.
    var isClosing = false
    var isClosed = false
    /// Too many answers are unsent: neither read nor processed until half of them are gone.
    var isStalled = false
    /// In the loop's list of connections to flush.
    var isQueued = false
    var registered: Readiness = [.readable, .peerClosed]

    init(id: Int, descriptor: Int32, server: TCPServer) {
        self.id = id
        self.descriptor = descriptor
        self.server = server
    }

    public var unsentByteCount: Int { output.count - sent }

    /// Sends bytes, once the method in hand has returned. Inside of `receive` its own connection's bytes go into
    /// `output` instead.
    public func write(_ bytes: [UInt8]) {
        guard !isClosed, !isClosing else { return }
        output.append(contentsOf: bytes)
        flushLater()
    }

    /// Closes once everything is sent. Nothing more is read.
    public func close() {
        guard !isClosed else { return }
        isClosing = true
        flushLater()
    }

    private func flushLater() {
        guard !isQueued else { return }
        isQueued = true
        server.core.unflushed.append(self)
    }
}
