import Terms

/// What of a connection travels as bytes; its descriptor travels beside it, at the same index.
///
/// `{connection, Server, ID, Input, Output, State, Flags}` in the list `descriptors` of the state.
struct ConnectionRecord {
    let server: String
    let id: Int
    let input: [UInt8]
    let output: [UInt8]
    let state: Term
    let readIsClosed: Bool
    let isClosing: Bool

    static func write(_ connection: Connection, into writer: inout ExternalTermWriter) {
        writer.tupleHeader(7)
        writer.atom("connection")
        writer.binary(Array(connection.server.name.utf8))
        writer.integer(connection.id)
        writer.binary(connection.input)
        connection.output.withUnsafeBytes { bytes in
            writer.binary(UnsafeRawBufferPointer(rebasing: bytes[connection.sent...]))
        }
        writer.term(connection.state)
        var flags: [Term] = []
        if connection.readIsClosed { flags.append(.atom("read_closed")) }
        if connection.isClosing { flags.append(.atom("closing")) }
        writer.term(.list(flags))
    }

    init(reading reader: inout ExternalTermReader) throws {
        let fields = try reader.tupleHeader()
        let kind = try reader.atom()
        guard fields == 7, kind == "connection" else {
            throw WorkerError(
                "bad_state", "a descriptor's record is no {connection, ...} of 7 elements, but \(kind.name)")
        }
        server = String(decoding: try reader.binary(), as: UTF8.self)
        id = try reader.integer()
        input = Array(try reader.binary())
        output = Array(try reader.binary())
        state = try reader.term()
        let flags = try reader.term().asList ?? []
        readIsClosed = flags.contains(.atom("read_closed"))
        isClosing = flags.contains(.atom("closing"))
    }
}

extension Connection {
    /// A connection that comes over: in the loop, but nothing is read before the worker runs.
    convenience init(_ record: ConnectionRecord, descriptor: Int32, server: TCPServer) {
        self.init(id: record.id, descriptor: descriptor, server: server)
        state = record.state
        input = record.input
        output = record.output
        readIsClosed = record.readIsClosed
        isClosing = record.isClosing
        registered = interest
    }
}
