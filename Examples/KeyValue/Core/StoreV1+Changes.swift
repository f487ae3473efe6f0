public import Terms

/// What has changed as a term of 1.0.0: `{IsFlushed, [Removed], #{Key => Value}}`, keys and values binaries. After a flush no key that
/// there was before it is named.
extension StoreV1 {
    /// Writes what was recorded, a part of it where that is much and not the last; recording goes on.
    public mutating func exportChanges(isLast: Bool, into writer: inout ExternalTermWriter) throws(TooManyChanges) {
        let changes = try recorded?.take(all: isLast) ?? TakenKeys()
        ChangesV1(changes, value: { values[$0] }).write(into: &writer)
    }

    public mutating func importChanges(from reader: inout ExternalTermReader) throws(ExternalTermError) {
        try reader.changesOfV1(
            flush: { removeAll() }, remove: { values[$0] = nil }, set: { values[$0] = $1 })
    }
}

/// Changes by what is left of each key.
struct ChangesV1 {
    private let isFlushed: Bool
    private var removed: [Bytes] = []
    private var set: [(key: Bytes, value: Bytes)] = []

    init(_ changes: TakenKeys, value: (Bytes) -> Bytes?) {
        isFlushed = changes.isFlushed
        for key in changes.keys {
            if let value = value(key) {
                set.append((key, value))
            } else if !isFlushed {
                removed.append(key)
            }
        }
    }

    func write(into writer: inout ExternalTermWriter) {
        writer.tupleHeader(3)
        writer.changes(isFlushed: isFlushed, removed: removed)
        writer.mapHeader(set.count)
        for (key, value) in set {
            key.withUnsafeBytes { writer.binary($0) }
            value.withUnsafeBytes { writer.binary($0) }
        }
    }
}

extension ExternalTermWriter {
    /// What all versions' changes begin with.
    mutating func changes(isFlushed: Bool, removed: [Bytes]) {
        atom(isFlushed ? "true" : "false")
        if !removed.isEmpty { listHeader(removed.count) }
        for key in removed { key.withUnsafeBytes { binary($0) } }
        self.nil()
    }
}

extension ExternalTermReader {
    /// Reads changes of 1.0.0, each with what becomes of it.
    mutating func changesOfV1(
        flush: () -> Void, remove: (Bytes) -> Void, set: (Bytes, Bytes) -> Void
    ) throws(ExternalTermError) {
        let start = offset
        guard try tupleHeader() == 3 else {
            throw ExternalTermError(offset: start, message: "expected {IsFlushed, Removed, Values}, changes of 1.0.0")
        }
        try changes(flush: flush, remove: remove, set: set)
    }

    /// The elements that changes of all versions have.
    mutating func changes(
        flush: () -> Void, remove: (Bytes) -> Void, set: (Bytes, Bytes) -> Void
    ) throws(ExternalTermError) {
        if try atom() == "true" { flush() }
        for _ in 0..<(try listHeader()) { remove(Bytes(try binary())) }
        try nilTail()
        for _ in 0..<(try mapHeader()) {
            let key = Bytes(try binary())
            set(key, Bytes(try binary()))
        }
    }
}
