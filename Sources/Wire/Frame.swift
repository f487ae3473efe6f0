public import Terms

/// One message on the channel: four length bytes, most significant first, then a term in the external format.
///
/// It is what an Erlang port program with `{packet, 4}` speaks. Source: erlang:open_port/2, "Distribution
/// Protocol", "External Term Format".
public enum Frame {
    /// The bytes of the frame that carries `term`, length first. Throws where it is over the limit.
    public static func encode(_ term: Term, maxFrameBytes: Int = WireLimits.maxFrameBytes) throws(WireError) -> [UInt8]
    {
        let payload = ExternalTermFormat.encode(term)
        guard payload.count <= maxFrameBytes else {
            throw .frameTooLarge(bytes: payload.count, limit: maxFrameBytes)
        }
        var frame: [UInt8] = []
        frame.reserveCapacity(payload.count + 4)
        for shift in [24, 16, 8, 0] { frame.append(UInt8(truncatingIfNeeded: payload.count >> shift)) }
        frame.append(contentsOf: payload)
        return frame
    }

    /// The term of a frame's payload (what `FrameDecoder.next()` returned).
    public static func decode(_ payload: [UInt8]) throws(WireError) -> Term {
        try payload.withUnsafeBufferPointer { (bytes) throws(WireError) in try decode(UnsafeRawBufferPointer(bytes)) }
    }

    /// The same, out of memory that lasts until this returns.
    public static func decode(_ payload: UnsafeRawBufferPointer) throws(WireError) -> Term {
        do {
            return try ExternalTermFormat.decode(
                payload,
                limits: TermLimits(maxDepth: WireLimits.maxTermDepth, maxBytes: WireLimits.maxFrameBytes))
        } catch {
            throw WireError(.notATerm, "frame holds no term in the external term format: \(error)")
        }
    }
}

/// Cuts a stream of bytes into frames. Holds what is not yet a whole frame, one frame at the most.
public struct FrameDecoder: Sendable {
    public let maxFrameBytes: Int
    private var buffer: [UInt8] = []
    /// How many bytes of `buffer` were handed out already.
    private var consumed = 0

    public init(maxFrameBytes: Int = WireLimits.maxFrameBytes) {
        self.maxFrameBytes = maxFrameBytes
    }

    /// Goes on where another one had these bytes of a frame.
    public init(pending: [UInt8]) {
        self.init()
        buffer = pending
    }

    public mutating func append(_ bytes: [UInt8]) {
        compact()
        buffer.append(contentsOf: bytes)
    }

    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        compact()
        buffer.append(contentsOf: bytes)
    }

    /// Bytes that wait for the rest of their frame.
    public var pendingByteCount: Int { buffer.count - consumed }

    /// The same bytes: given to another decoder, it goes on in this one's place.
    public var pendingBytes: [UInt8] { Array(buffer[consumed...]) }

    /// The next whole frame's payload, or nil where more bytes are needed.
    ///
    /// A length over the limit throws as soon as its four bytes are there; the stream can't be read on then.
    public mutating func next() throws(WireError) -> [UInt8]? {
        try nextRange().map { Array(buffer[$0]) }
    }

    /// As `next`, without a copy: `body` reads the payload in place.
    public mutating func readNext<Message>(
        _ body: (UnsafeRawBufferPointer) throws(WireError) -> Message
    ) throws(WireError) -> Message? {
        guard let payload = try nextRange() else { return nil }
        return try buffer.withUnsafeBufferPointer { (bytes) throws(WireError) in
            try body(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[payload])))
        }
    }

    /// Where the next whole frame's payload lies; it is handed out then.
    private mutating func nextRange() throws(WireError) -> Range<Int>? {
        guard pendingByteCount >= 4 else { return nil }
        var length = 0
        for index in consumed..<(consumed + 4) { length = length << 8 | Int(buffer[index]) }
        guard length <= maxFrameBytes else { throw .frameTooLarge(bytes: length, limit: maxFrameBytes) }
        guard pendingByteCount >= 4 + length else { return nil }
        defer { consumed += 4 + length }
        return (consumed + 4)..<(consumed + 4 + length)
    }

    private mutating func compact() {
        guard consumed > 0 else { return }
        if consumed == buffer.count {
            // A large frame's buffer is not kept: an idle worker's memory counts.
            buffer.removeAll(keepingCapacity: buffer.capacity <= 64 * 1024)
        } else {
            buffer.removeSubrange(..<consumed)
        }
        consumed = 0
    }
}
