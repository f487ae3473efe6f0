/// Answers in RESP2, gathered for one write.
public struct RESPReply: Sendable {
    public var bytes: [UInt8] = []

    public init() {}

    /// "+TEXT": a word of ours, never a client's bytes.
    public mutating func simple(_ text: StaticString) {
        bytes.append(UInt8(ascii: "+"))
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
        endLine()
    }

    /// "-TEXT": line ends within would break the framing and become spaces.
    public mutating func error(_ text: String) {
        bytes.append(UInt8(ascii: "-"))
        for byte in text.utf8 {
            bytes.append(byte == 0x0D || byte == 0x0A ? 0x20 : byte)
        }
        endLine()
    }

    public mutating func integer(_ value: Int64) {
        header(UInt8(ascii: ":"), value)
    }

    public mutating func bulk(_ value: Bytes) {
        value.withUnsafeBytes { raw in
            header(UInt8(ascii: "$"), Int64(raw.count))
            bytes.append(contentsOf: raw)
        }
        endLine()
    }

    public mutating func bulk(_ text: String) {
        bulk(Bytes(text))
    }

    /// The bulk string, or RESP2's null in its place.
    public mutating func bulkOrNull(_ value: Bytes?) {
        if let value { bulk(value) } else { null() }
    }

    public mutating func null() {
        header(UInt8(ascii: "$"), -1)
    }

    /// Announces so many answers, which the caller then writes.
    public mutating func array(_ count: Int) {
        header(UInt8(ascii: "*"), Int64(count))
    }

    private mutating func header(_ kind: UInt8, _ value: Int64) {
        bytes.append(kind)
        var digits = DecimalDigits(value)
        digits.withUnsafeBytes { bytes.append(contentsOf: $0) }
        endLine()
    }

    private mutating func endLine() {
        bytes.append(0x0D)
        bytes.append(0x0A)
    }
}
