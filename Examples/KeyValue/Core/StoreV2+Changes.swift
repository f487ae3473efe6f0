public import Terms

/// What has changed as a term of 2.0.0: `{IsFlushed, [Removed], #{Key => Value}, #{Key => ExpiresAt}}`, keys and values binaries, times in
/// milliseconds since 1970. A key without an expiry is in the first map only. After a flush no key that there was before it is named.
extension StoreV2 {
    /// Writes what was recorded, a part of it where that is much and not the last; recording goes on.
    public mutating func exportChanges(isLast: Bool, into writer: inout ExternalTermWriter) throws(TooManyChanges) {
        let changes = try recorded?.take(all: isLast) ?? TakenKeys()
        var removed: [Bytes] = []
        var set: [(key: Bytes, entry: Entry)] = []
        var expiries: [(key: Bytes, at: Int64)] = []
        for key in changes.keys {
            if let entry = entries[key] {
                set.append((key, entry))
                if let at = expiresAt(entry) { expiries.append((key, at)) }
            } else if !changes.isFlushed {
                removed.append(key)
            }
        }
        writer.tupleHeader(4)
        writer.changes(isFlushed: changes.isFlushed, removed: removed)
        writer.mapHeader(set.count)
        for (key, entry) in set {
            key.withUnsafeBytes { writer.binary($0) }
            entry.value.withUnsafeBytes { writer.binary($0) }
        }
        writer.mapHeader(expiries.count)
        for (key, at) in expiries {
            key.withUnsafeBytes { writer.binary($0) }
            writer.integer(Int(at))
        }
    }

    public mutating func importChanges(from reader: inout ExternalTermReader) throws(ExternalTermError) {
        let start = reader.offset
        guard try reader.tupleHeader() == 4 else {
            throw ExternalTermError(
                offset: start, message: "expected {IsFlushed, Removed, Values, Expiries}, changes of 2.0.0")
        }
        try reader.changes(flush: { removeAll() }, remove: { drop($0) }, set: { set($0, to: $1) })
        for _ in 0..<(try reader.mapHeader()) {
            let key = Bytes(try reader.binary())
            setExpiry(of: key, to: Int64(try reader.integer()))
        }
    }

    // MARK: Conversions

    /// Up: changes of 1.0.0, in which nothing expires.
    public mutating func importChangesUpFromV1(from reader: inout ExternalTermReader) throws(ExternalTermError) {
        try reader.changesOfV1(flush: { removeAll() }, remove: { drop($0) }, set: { set($0, to: $1) })
    }

    /// Down: writes what was recorded as changes of 1.0.0, by the rule of `exportDownToV1` as it is when they are the last: a key that has
    /// expired by then is gone, whether it is one of these, or one of the image that nobody has written to since.
    ///
    /// Where they are not the last, the store still serves: what has expired is dropped from it, and what will expire next is found, so that
    /// the last export, for which clients wait, need not look at all keys. How many keys that one keeps and drops is the answer.
    public mutating func exportChangesDownToV1(
        into writer: inout ExternalTermWriter, now: Int64, isLast: Bool
    ) throws(TooManyChanges) -> Downgrade {
        if !isLast, recorded?.isInRound != true { dropExpired(now) }
        var changes = try recorded?.take(all: isLast) ?? TakenKeys()
        var expired = 0
        if isLast {
            // A key that is in both is dropped once.
            for key in soonExpired(now) { changes.keys.insert(key) }
            for key in changes.keys where entries[key].map({ hasExpired($0, now) }) == true { expired += 1 }
        }
        ChangesV1(changes) { key in
            guard let entry = entries[key], !hasExpired(entry, now) else { return nil }
            return entry.value
        }.write(into: &writer)
        return Downgrade(nowKept: expiringCount - expired, dropped: expired)
    }

    /// How far ahead is looked: the last export comes soon after the one before it.
    private static let horizonMilliseconds: Int64 = 10_000

    private mutating func dropExpired(_ now: Int64) {
        var expired: [Bytes] = []
        soon = ExpiringSoon(until: now + Self.horizonMilliseconds)
        forEachExpiry { key, at in
            if at <= now {
                expired.append(key)
            } else if at <= soon.until {
                soon.keys.append(key)
            }
        }
        for key in expired { drop(key) }
    }

    /// Keys that may have expired since an export before; all that have are among them and those that changed.
    private func soonExpired(_ now: Int64) -> [Bytes] {
        if now <= soon.until { return soon.keys }
        var expired: [Bytes] = []
        forEachExpiry { key, at in if at <= now { expired.append(key) } }
        return expired
    }
}

/// Keys that would expire up to a time, as they were when they were looked for.
struct ExpiringSoon: Sendable {
    var keys: [Bytes] = []
    var until = Int64.min
}
