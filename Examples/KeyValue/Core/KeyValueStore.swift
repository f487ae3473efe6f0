/// What the commands of every version need of the keys. Times are milliseconds of the wall clock since 1970.
public protocol KeyValueStore: Sendable {
    init()

    /// Keys held; one that has expired counts until it is found, as in Redis.
    var count: Int { get }
    /// Keys that will expire.
    var expiringCount: Int { get }

    /// The value, nil when there is no such key or it has expired.
    mutating func value(of key: Bytes, now: Int64) -> Bytes?
    /// Sets the value; an expiry that the key had is gone.
    mutating func set(_ key: Bytes, to value: Bytes)
    /// Sets the value; an expiry that the key had stays.
    mutating func update(_ key: Bytes, to value: Bytes)
    /// Whether there was such a key.
    mutating func remove(_ key: Bytes, now: Int64) -> Bool
    mutating func removeAll()
    /// The keys that match a glob pattern, in no order.
    func keys(matching pattern: Bytes, now: Int64) -> [Bytes]

    /// Which keys have changed since they were last asked for; nil: nobody will ask.
    var recorded: ChangedKeys? { get set }
}

extension KeyValueStore {
    public mutating func beginRecording(partLimit: Int = ChangedKeys.partLimit) {
        recorded = ChangedKeys(storeCount: count, partLimit: partLimit)
    }

    public mutating func endRecording() { recorded = nil }

    /// Close for short keys, of what `exportChanges` writes.
    public var exportedChangeBytes: Int { 64 + min(recorded?.count ?? 0, ChangedKeys.partLimit) * 64 }

    /// As close, of what the export before has left.
    public var leftChangeBytes: Int { (recorded?.leftCount ?? 0) * 64 }
}
