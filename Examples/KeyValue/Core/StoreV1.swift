/// The state of 1.0.0: keys and their values.
public struct StoreV1: KeyValueStore {
    public internal(set) var values: [Bytes: Bytes] = [:]
    public var recorded: ChangedKeys?

    public init() {}

    public var count: Int { values.count }
    public var expiringCount: Int { 0 }

    public func value(of key: Bytes, now: Int64) -> Bytes? { values[key] }

    public mutating func set(_ key: Bytes, to value: Bytes) {
        values[key] = value
        recorded?.note(key)
    }

    public mutating func update(_ key: Bytes, to value: Bytes) { set(key, to: value) }

    public mutating func remove(_ key: Bytes, now: Int64) -> Bool {
        guard values.removeValue(forKey: key) != nil else { return false }
        recorded?.note(key)
        return true
    }

    public mutating func removeAll() {
        values = [:]
        recorded?.noteFlush()
    }

    public func keys(matching pattern: Bytes, now: Int64) -> [Bytes] {
        pattern.withUnsafeBytes { pattern in
            values.keys.filter { $0.withUnsafeBytes { Glob.matches(pattern, $0) } }
        }
    }
}
