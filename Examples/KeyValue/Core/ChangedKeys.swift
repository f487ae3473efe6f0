/// Which keys have changed since an image of the store was taken, or since they were asked for the last time.
///
/// Only names are kept: what a key holds is looked up when it is asked for, so a key that is written a thousand times counts once.
public struct ChangedKeys: Sendable {
    /// Set, given or rid of an expiry, or removed.
    private var keys: Set<Bytes> = []
    /// Those that were left by a `take`. One that has changed again since is among `keys`, too.
    private var left: [Bytes] = []
    /// All keys that there were are gone; `keys` changed after it.
    public private(set) var isFlushed = false
    /// More changed than is kept: what changed is not known.
    public private(set) var isOverfull = false
    /// Clients may set and remove ever new keys while nobody asks: there is a bound.
    private let limit: Int
    /// Keys of one part: about two milliseconds in which no client is answered.
    public static let partLimit = 4096

    private let partLimit: Int

    /// How many keys are still to be asked for.
    public var count: Int { keys.count + left.count }
    /// How many the part before has left of its round.
    public var leftCount: Int { left.count }
    /// Whether the next part is of nothing else.
    var isInRound: Bool { !left.isEmpty && count > partLimit }

    init(storeCount: Int, limit: Int? = nil, partLimit: Int = ChangedKeys.partLimit) {
        self.limit = limit ?? max(1 << 20, 2 * storeCount)
        self.partLimit = partLimit
    }

    mutating func note(_ key: Bytes) {
        guard !isOverfull else { return }
        keys.insert(key)
        guard count > limit else { return }
        isOverfull = true
        keys = []
        left = []
    }

    mutating func noteFlush() {
        keys = []
        left = []
        isFlushed = true
        // Whatever changed before it is of no interest any more.
        isOverfull = false
    }

    /// What has changed up to here, or a part of it where that is not the last; what is left is for the next time.
    mutating func take(all isLast: Bool) throws(TooManyChanges) -> TakenKeys {
        guard !isOverfull else { throw TooManyChanges(limit: limit) }
        defer { isFlushed = false }
        if isLast || count <= partLimit {
            defer {
                keys = []
                left = []
            }
            return TakenKeys(keys: keys.union(left), isFlushed: isFlushed)
        }
        if left.isEmpty {
            left = Array(keys)
            keys = []
        }
        let part = left.suffix(partLimit)
        defer { left.removeLast(part.count) }
        return TakenKeys(keys: Set(part), isFlushed: isFlushed)
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
