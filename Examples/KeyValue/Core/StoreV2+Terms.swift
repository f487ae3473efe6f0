public import Terms

/// The state of 2.0.0 as a term: `{#{Key => Value}, #{Key => ExpiresAt}}`, keys and values binaries, times in
/// milliseconds since 1970. A key without an expiry is in the first map only.
extension StoreV2 {
    public func export(into writer: inout ExternalTermWriter) {
        writer.tupleHeader(2)
        writer.mapHeader(entries.count)
        for (key, entry) in entries {
            key.withUnsafeBytes { writer.binary($0) }
            entry.value.withUnsafeBytes { writer.binary($0) }
        }
        writer.mapHeader(expiringCount)
        forEachExpiry { key, expiresAt in
            key.withUnsafeBytes { writer.binary($0) }
            writer.integer(Int(expiresAt))
        }
    }

    public init(from reader: inout ExternalTermReader) throws(ExternalTermError) {
        let start = reader.offset
        guard try reader.tupleHeader() == 2 else {
            throw ExternalTermError(offset: start, message: "expected {Values, Expiries}, the state of 2.0.0")
        }
        try readValues(from: &reader)
        for _ in 0..<(try reader.mapHeader()) {
            let key = Bytes(try reader.binary())
            setExpiry(of: key, to: Int64(try reader.integer()))
        }
    }

    // MARK: Conversions

    /// Up: reads a state of 1.0.0, in which nothing expires.
    public init(upFromV1 reader: inout ExternalTermReader) throws(ExternalTermError) {
        try readValues(from: &reader)
    }

    /// What the way down took from the keys.
    public struct Downgrade: Hashable, Sendable {
        /// Keys that had an expiry; 1.0.0 keeps them until they are deleted.
        public var nowKept: Int
        /// Keys that had expired already.
        public var dropped: Int

        public init(nowKept: Int = 0, dropped: Int = 0) {
            self.nowKept = nowKept
            self.dropped = dropped
        }
    }

    /// Down: writes the state that 1.0.0 reads. A key that has expired is left out; one that would expire later
    /// stays for good, since 1.0.0 can't expire it, and to keep a value is the smaller harm.
    public func exportDownToV1(into writer: inout ExternalTermWriter, now: Int64) -> Downgrade {
        var result = Downgrade()
        forEachExpiry { _, expiresAt in
            if expiresAt <= now { result.dropped += 1 } else { result.nowKept += 1 }
        }
        writer.mapHeader(entries.count - result.dropped)
        for (key, entry) in entries {
            guard !hasExpired(entry, now) else { continue }
            key.withUnsafeBytes { writer.binary($0) }
            entry.value.withUnsafeBytes { writer.binary($0) }
        }
        return result
    }

    /// Close for short keys: reserved once, the bytes are not copied while they grow.
    public var exportedBytes: Int { 64 + entries.count * 48 + expiringCount * 32 }

    private mutating func readValues(from reader: inout ExternalTermReader) throws(ExternalTermError) {
        let count = try reader.mapHeader()
        reserveCapacity(count)
        for _ in 0..<count {
            let key = Bytes(try reader.binary())
            set(key, to: Bytes(try reader.binary()))
        }
    }
}
