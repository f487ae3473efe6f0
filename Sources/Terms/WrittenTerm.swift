/// A value with the term that it is written as, in a binary of its own: it can be written ahead of the whole that it is part of, and read
/// beside other parts of that.
public struct WrittenTerm<Value: Codable & Equatable>: Codable {
    public let value: Value
    /// The term in the external format.
    public let bytes: [UInt8]

    /// What was written earlier of the same value, `before`, is not written again.
    public init(_ value: Value, like before: Self? = nil) throws {
        self.value = value
        if let before, before.value == value {
            bytes = before.bytes
        } else {
            var writer = ExternalTermWriter(reserving: 512)
            writer.version()
            try TermEncoder(leavesOutZero: true).append(value, to: &writer)
            bytes = writer.finish()
        }
    }

    /// - Throws: `DecodingError`, where it is no such value's term.
    public init(reading bytes: [UInt8]) throws {
        guard bytes.first == ExternalTag.version else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: [], debugDescription: "a binary that is no term in the external format"))
        }
        value = try TermDecoder().decode(Value.self, from: bytes, at: 1)
        self.bytes = bytes
    }

    public init(from decoder: any Decoder) throws {
        try self.init(reading: try decoder.singleValueContainer().decode([UInt8].self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(bytes)
    }
}

extension WrittenTerm: Sendable where Value: Sendable {}

extension TermEncoder {
    /// What `WrittenTerm` reads of a term that stands for its value.
    public static func written(_ term: Term) -> [UInt8] {
        var writer = ExternalTermWriter()
        writer.hasStrings = false
        writer.version()
        writer.term(term)
        return writer.finish()
    }
}
