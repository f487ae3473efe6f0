/// Which keys have changed since an image of the store was taken, or since they were asked for the last time.
///
/// Only names are kept: what a key holds is looked up when it is asked for, so a key that is written a thousand times counts once.
public struct ChangedKeys: Sendable {
    /// Set, given or rid of an expiry, or removed.
    public private(set) var keys: Set<Bytes> = []
    /// All keys that there were are gone; `keys` changed after it.
    public private(set) var isFlushed = false
    /// More changed than is kept: what changed is not known.
    public private(set) var isOverfull = false
    /// Clients may set and remove ever new keys while nobody asks: there is a bound.
    private let limit: Int

    init(storeCount: Int, limit: Int? = nil) { self.limit = limit ?? max(1 << 20, 2 * storeCount) }

    mutating func note(_ key: Bytes) {
        guard !isOverfull else { return }
        keys.insert(key)
        guard keys.count > limit else { return }
        isOverfull = true
        keys = []
    }

    mutating func noteFlush() {
        keys = []
        isFlushed = true
        // Whatever changed before it is of no interest any more.
        isOverfull = false
    }

    /// What has changed up to here; nothing has, from here on.
    mutating func take() throws(TooManyChanges) -> TakenKeys {
        guard !isOverfull else { throw TooManyChanges(limit: limit) }
        defer {
            keys = []
            isFlushed = false
        }
        return TakenKeys(keys: keys, isFlushed: isFlushed)
    }
}

/// What changed up to a time.
struct TakenKeys {
    var keys: Set<Bytes> = []
    var isFlushed = false
}

/// Changes can't be named any more: the whole store has to be handed over.
public struct TooManyChanges: Error, Hashable, CustomStringConvertible {
    public let limit: Int

    public var description: String { "more than \(limit) keys have changed since they were asked for" }
}
