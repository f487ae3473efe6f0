public import Terms

/// The state of 1.0.0 as a term: `#{Key => Value}`, all binaries.
extension StoreV1 {
    public func export(into writer: inout ExternalTermWriter) {
        writer.mapHeader(values.count)
        for (key, value) in values {
            key.withUnsafeBytes { writer.binary($0) }
            value.withUnsafeBytes { writer.binary($0) }
        }
    }

    public init(from reader: inout ExternalTermReader) throws(ExternalTermError) {
        let count = try reader.mapHeader()
        values.reserveCapacity(count)
        for _ in 0..<count {
            let key = Bytes(try reader.binary())
            values[key] = Bytes(try reader.binary())
        }
    }

    /// Close for short keys: reserved once, the bytes are not copied while they grow.
    public var exportedBytes: Int { 64 + values.count * 48 }
}
