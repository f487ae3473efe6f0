/// The state of 2.0.0: keys whose values may expire.
///
/// A key that has expired is found in two ways: whoever asks for it (lazily), and `expireSample`, which looks at
/// some of those that will expire, so that keys nobody asks for don't stay for ever.
public struct StoreV2: KeyValueStore {
    /// What a key holds. Small on purpose: a handoff fills 100,000 of them.
    public struct Entry: Sendable {
        public fileprivate(set) var value: Bytes
        /// Its expiry's place in `expiring`, -1: it has none.
        fileprivate var place: Int32 = -1
    }

    /// A key that will expire, at the wall clock's milliseconds from which it is gone.
    private struct Expiry {
        let key: Bytes
        var at: Int64
    }

    public private(set) var entries: [Bytes: Entry] = [:]
    /// In any order: what is sampled. An entry knows its place here, so that no search takes it out.
    private var expiring: [Expiry] = []
    public var recorded: ChangedKeys?
    /// For the way down, while something is recorded.
    var soon = ExpiringSoon()

    public init() {}

    public var count: Int { entries.count }
    public var expiringCount: Int { expiring.count }

    public mutating func reserveCapacity(_ keys: Int) { entries.reserveCapacity(keys) }

    public mutating func value(of key: Bytes, now: Int64) -> Bytes? { liveEntry(key, now)?.value }

    public mutating func set(_ key: Bytes, to value: Bytes) {
        recorded?.note(key)
        if let old = entries.updateValue(Entry(value: value), forKey: key) { forgetExpiry(old) }
    }

    public mutating func update(_ key: Bytes, to value: Bytes) {
        recorded?.note(key)
        entries[key, default: Entry(value: value)].value = value
    }

    public mutating func remove(_ key: Bytes, now: Int64) -> Bool {
        guard liveEntry(key, now) != nil else { return false }
        drop(key)
        return true
    }

    public mutating func removeAll() {
        let recorded = recorded
        self = StoreV2()
        self.recorded = recorded
        self.recorded?.noteFlush()
    }

    public func keys(matching pattern: Bytes, now: Int64) -> [Bytes] {
        pattern.withUnsafeBytes { pattern in
            entries.compactMap { key, entry in
                guard !hasExpired(entry, now), key.withUnsafeBytes({ Glob.matches(pattern, $0) }) else { return nil }
                return key
            }
        }
    }

    // MARK: Expiry

    /// When the entry's key is gone; nil: it stays.
    public func expiresAt(_ entry: Entry) -> Int64? {
        entry.place < 0 ? nil : expiring[Int(entry.place)].at
    }

    /// When the key is gone: nil when there is no such key, `.some(nil)` when it stays.
    public mutating func expiry(of key: Bytes, now: Int64) -> Int64?? {
        guard let entry = liveEntry(key, now) else { return nil }
        return .some(expiresAt(entry))
    }

    /// Sets or, with nil, takes away the expiry of a key that is there; without the key it does nothing.
    public mutating func setExpiry(of key: Bytes, to expiresAt: Int64?) {
        guard let entry = entries[key] else { return }
        recorded?.note(key)
        guard let expiresAt else {
            entries[key]?.place = -1
            forgetExpiry(entry)
            return
        }
        if entry.place >= 0 {
            expiring[Int(entry.place)].at = expiresAt
        } else {
            entries[key]?.place = Int32(expiring.count)
            expiring.append(Expiry(key: key, at: expiresAt))
        }
    }

    /// Looks at up to `samples` of the keys that will expire and drops those that have; more rounds follow, up to
    /// `rounds`, while more than a quarter of a round had (the rule of Redis' active expiry).
    ///
    /// Returns how many keys were dropped.
    @discardableResult
    public mutating func expireSample(
        now: Int64, samples: Int = 20, rounds: Int = 16, random: inout some RandomNumberGenerator
    ) -> Int {
        var dropped = 0
        for _ in 0..<rounds {
            var droppedNow = 0
            for _ in 0..<min(samples, expiring.count) {
                guard !expiring.isEmpty else { break }
                let picked = expiring[Int.random(in: 0..<expiring.count, using: &random)]
                guard picked.at <= now else { continue }
                drop(picked.key)
                droppedNow += 1
            }
            dropped += droppedNow
            guard droppedNow * 4 > samples else { break }
        }
        return dropped
    }

    func hasExpired(_ entry: Entry, _ now: Int64) -> Bool {
        guard let expiresAt = expiresAt(entry) else { return false }
        return expiresAt <= now
    }

    private mutating func liveEntry(_ key: Bytes, _ now: Int64) -> Entry? {
        guard let entry = entries[key] else { return nil }
        guard hasExpired(entry, now) else { return entry }
        drop(key)
        return nil
    }

    mutating func drop(_ key: Bytes) {
        guard let entry = entries.removeValue(forKey: key) else { return }
        recorded?.note(key)
        forgetExpiry(entry)
    }

    /// Takes out the expiry of an entry that is gone or has lost it; the last one moves into its place.
    private mutating func forgetExpiry(_ entry: Entry) {
        guard entry.place >= 0 else { return }
        let last = expiring.removeLast()
        let place = Int(entry.place)
        guard place < expiring.count else { return }
        expiring[place] = last
        entries[last.key]?.place = entry.place
    }

    // MARK: What conversions need

    /// Each expiry, in any order.
    func forEachExpiry(_ body: (Bytes, Int64) -> Void) {
        for expiry in expiring { body(expiry.key, expiry.at) }
    }
}
