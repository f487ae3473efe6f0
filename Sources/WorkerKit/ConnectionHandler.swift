/// Turns a connection's bytes into answers. One object serves all connections of a `TCPServer`.
public protocol ConnectionHandler: AnyObject {
    /// A client was accepted. Not called for connections that come over in a handoff.
    func connectionOpened(_ connection: Connection)

    /// Takes requests from the front of `input`, appends their answers to `output`, and returns how many bytes of
    /// `input` it took: 0 where the request is not whole yet; it is then asked again, with more.
    ///
    /// It may take one request or many: it is called again at once while it takes something. A client that does not
    /// read its answers is noticed between two calls. What is thrown closes this connection, after `output` is sent.
    func receive(
        _ input: UnsafeRawBufferPointer, from connection: Connection, output: inout [UInt8]
    ) throws -> Int

    /// The connection is gone, by whichever side. Not called when it is handed off.
    func connectionClosed(_ connection: Connection)
}

extension ConnectionHandler {
    public func connectionOpened(_ connection: Connection) {}
    public func connectionClosed(_ connection: Connection) {}
}

/// The bounds of one server and of each of its connections.
public struct ConnectionLimits: Hashable, Sendable {
    /// Connections at a time; while there are as many, none is accepted.
    public var maxConnections: Int
    /// Bytes of a request that is not whole; a longer one closes its connection.
    public var maxInputBytes: Int
    /// Unsent bytes from which on a connection is not read any more, until half of them are sent.
    public var maxUnsentBytesToRead: Int
    /// Unsent bytes over which a connection is closed.
    public var maxUnsentBytes: Int

    public init(
        maxConnections: Int = 20_000, maxInputBytes: Int = 64 << 20, maxUnsentBytesToRead: Int = 1 << 20,
        maxUnsentBytes: Int = 256 << 20
    ) {
        self.maxConnections = maxConnections
        self.maxInputBytes = maxInputBytes
        self.maxUnsentBytesToRead = maxUnsentBytesToRead
        self.maxUnsentBytes = maxUnsentBytes
    }

    public static let `default` = ConnectionLimits()
}
