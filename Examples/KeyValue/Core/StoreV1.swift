/// The state of 1.0.0: keys and their values.
public struct StoreV1: KeyValueStore {
    public var values: [Bytes: Bytes] = [:]

    public init() {}

    public var count: Int { values.count }
    public var expiringCount: Int { 0 }

    public func value(of key: Bytes, now: Int64) -> Bytes? { values[key] }

    public mutating func set(_ key: Bytes, to value: Bytes) { values[key] = value }

    public mutating func update(_ key: Bytes, to value: Bytes) { values[key] = value }

    public mutating func remove(_ key: Bytes, now: Int64) -> Bool { values.removeValue(forKey: key) != nil }

    public mutating func removeAll() { values = [:] }

    public func keys(matching pattern: Bytes, now: Int64) -> [Bytes] {
        pattern.withUnsafeBytes { pattern in
            values.keys.filter { $0.withUnsafeBytes { Glob.matches(pattern, $0) } }
        }
    }
}
