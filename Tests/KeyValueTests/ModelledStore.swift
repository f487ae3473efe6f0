import KeyValueCore
import Terms

/// The same in each run.
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// What a key holds, and when it expires.
struct Content: Hashable {
    var value: Bytes
    var expiresAt: Int64?
}

/// A store of either version, as the tests of parts need it.
protocol ModelledStore: KeyValueStore {
    static var expires: Bool { get }
    /// All entries, those that have expired and were not found included.
    var contents: [Bytes: Content] { get }
    mutating func expire(_ key: Bytes, at: Int64?)
    mutating func sample(now: Int64, _ random: inout Seeded)
    func image(_ way: StoreChangesTests.Way, now: Int64) throws -> [UInt8]
    mutating func changes(_ way: StoreChangesTests.Way, now: Int64, isLast: Bool) throws -> [UInt8]
    static func read(_ image: [UInt8], _ way: StoreChangesTests.Way) throws -> Self
    mutating func take(_ changes: [UInt8], _ way: StoreChangesTests.Way) throws
}

extension ModelledStore {
    func live(_ now: Int64) -> [Bytes: Content] {
        contents.filter { $0.value.expiresAt.map { $0 > now } ?? true }
    }
}

/// A store and, beside it, what it is to hold.
struct Model<Store: ModelledStore> {
    var store: Store
    private(set) var now: Int64 = 1_000_000
    private var known: [Bytes: Content] = [:]

    init(store: Store) { self.store = store }

    var live: [Bytes: Content] { known.filter { $0.value.expiresAt.map { $0 > now } ?? true } }

    /// What the other store is to hold: down, what expires stays for good.
    func expected(_ way: StoreChangesTests.Way) -> [Bytes: Content] {
        // Same to same, a key that has expired and that nobody has found goes over with its expiry.
        guard way == .down else { return store.contents }
        return live.mapValues { Content(value: $0.value) }
    }

    /// As clients do: up to two hundred keys, expiries from the past to far beyond what the export looks ahead.
    mutating func run(_ operations: Int, _ random: inout Seeded) {
        for _ in 0..<operations {
            let key = Bytes("key \(Int.random(in: 0..<200, using: &random))")
            let value = Bytes(String(repeating: "v", count: Int.random(in: 0..<40, using: &random)))
            known = live
            switch Int.random(in: 0..<100, using: &random) {
            case ..<40:
                store.set(key, to: value)
                known[key] = Content(value: value)
            case ..<50:
                guard store.value(of: key, now: now) != nil else { continue }
                store.update(key, to: value)
                known[key]?.value = value
            case ..<65:
                _ = store.remove(key, now: now)
                known[key] = nil
            case ..<85 where Store.expires:
                guard store.value(of: key, now: now) != nil else { continue }
                let at: Int64? =
                    Int.random(in: 0..<4, using: &random) == 0
                    ? nil : now + Int64.random(in: 1...30_000, using: &random)
                store.expire(key, at: at)
                known[key]?.expiresAt = at
            case ..<90: _ = store.value(of: key, now: now)
            case ..<92: store.sample(now: now, &random)
            case 99:
                // A flush hides what was wrong before it.
                guard Int.random(in: 0..<8, using: &random) == 0 else { continue }
                store.removeAll()
                known = [:]
            default: now += Int64.random(in: 0...1500, using: &random)
            }
        }
    }
}

extension StoreV1: ModelledStore {
    static var expires: Bool { false }
    var contents: [Bytes: Content] { values.mapValues { Content(value: $0) } }
    mutating func expire(_ key: Bytes, at: Int64?) {}
    mutating func sample(now: Int64, _ random: inout Seeded) {}

    func image(_ way: StoreChangesTests.Way, now: Int64) throws -> [UInt8] { exported { export(into: &$0) } }

    mutating func changes(_ way: StoreChangesTests.Way, now: Int64, isLast: Bool) throws -> [UInt8] {
        try exported { writer throws(TooManyChanges) in try exportChanges(isLast: isLast, into: &writer) }
    }

    static func read(_ image: [UInt8], _ way: StoreChangesTests.Way) throws -> StoreV1 {
        try reading(image) { reader throws(ExternalTermError) in try StoreV1(from: &reader) }
    }

    mutating func take(_ changes: [UInt8], _ way: StoreChangesTests.Way) throws {
        try reading(changes) { reader throws(ExternalTermError) in try importChanges(from: &reader) }
    }
}

extension StoreV2: ModelledStore {
    static var expires: Bool { true }
    var contents: [Bytes: Content] {
        entries.mapValues { Content(value: $0.value, expiresAt: expiresAt($0)) }
    }
    mutating func expire(_ key: Bytes, at: Int64?) { setExpiry(of: key, to: at) }
    mutating func sample(now: Int64, _ random: inout Seeded) { expireSample(now: now, random: &random) }

    func image(_ way: StoreChangesTests.Way, now: Int64) throws -> [UInt8] {
        exported { if way == .down { _ = exportDownToV1(into: &$0, now: now) } else { export(into: &$0) } }
    }

    mutating func changes(_ way: StoreChangesTests.Way, now: Int64, isLast: Bool) throws -> [UInt8] {
        try exported { writer throws(TooManyChanges) in
            if way == .down {
                _ = try exportChangesDownToV1(into: &writer, now: now, isLast: isLast)
            } else {
                try exportChanges(isLast: isLast, into: &writer)
            }
        }
    }

    static func read(_ image: [UInt8], _ way: StoreChangesTests.Way) throws -> StoreV2 {
        try reading(image) { reader throws(ExternalTermError) in
            way == .up ? try StoreV2(upFromV1: &reader) : try StoreV2(from: &reader)
        }
    }

    mutating func take(_ changes: [UInt8], _ way: StoreChangesTests.Way) throws {
        try reading(changes) { reader throws(ExternalTermError) in
            if way == .up {
                try importChangesUpFromV1(from: &reader)
            } else {
                try importChanges(from: &reader)
            }
        }
    }
}

/// One term, as it goes from one process to the next.
func exported<E: Error>(_ write: (inout ExternalTermWriter) throws(E) -> Void) throws(E) -> [UInt8] {
    var writer = ExternalTermWriter(reserving: 64)
    writer.version()
    try write(&writer)
    return writer.bytes
}

/// Reads all of it.
func reading<T>(
    _ bytes: [UInt8], _ read: (inout ExternalTermReader) throws(ExternalTermError) -> T
) throws -> T {
    try bytes.withUnsafeBytes { raw in
        var reader = ExternalTermReader(raw)
        try reader.version()
        let value = try read(&reader)
        guard reader.isAtEnd else { throw ExternalTermError(offset: reader.offset, message: "a part is unread") }
        return value
    }
}
