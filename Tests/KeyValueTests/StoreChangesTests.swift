import KeyValueCore
import Terms
import Testing

/// A store that is handed over in parts is the one that it was made of, whatever clients do meanwhile.
@Suite struct StoreChangesTests {
    /// From, to: which store each is.
    enum Way: String, CaseIterable, CustomTestStringConvertible, Sendable {
        case v1, v2, up, down
        var testDescription: String { rawValue }
    }

    /// Twenty handoffs each, of two hundred operations between any two exports.
    @Test(arguments: Way.allCases, 0..<20) func partsMakeTheWhole(way: Way, seed: Int) throws {
        var random = Seeded(state: UInt64(seed))
        switch way {
        case .v1: try handOff(StoreV1(), to: StoreV1.self, .v1, &random)
        case .v2: try handOff(StoreV2(), to: StoreV2.self, .v2, &random)
        case .up: try handOff(StoreV1(), to: StoreV2.self, .up, &random)
        case .down: try handOff(StoreV2(), to: StoreV1.self, .down, &random)
        }
    }

    private func handOff<Old: ModelledStore, New: ModelledStore>(
        _ store: Old, to type: New.Type, _ way: Way, _ random: inout Seeded
    ) throws {
        var model = Model(store: store)
        model.run(200, &random)
        let image = try model.store.image(way, now: model.now)
        // In parts of all, of some and of one key at a time.
        model.store.beginRecording(partLimit: [1, 20, 4096].randomElement(using: &random) ?? 1)
        var new = try New.read(image, way)
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            model.run(Int.random(in: 0...200, using: &random), &random)
            let changes = try model.store.changes(way, now: model.now, isLast: false)
            try new.take(changes, way)
        }
        model.run(Int.random(in: 0...200, using: &random), &random)
        let before = model.store
        let changes = try model.store.changes(way, now: model.now, isLast: true)
        try new.take(changes, way)

        #expect(before.live(model.now) == model.live)
        #expect(new.contents == model.expected(way))
        // The change may yet be called off: the old store is as it was.
        #expect(model.store.contents == before.contents)
        model.store.endRecording()
        model.run(200, &random)
        #expect(model.store.recorded == nil)
        #expect(model.store.live(model.now) == model.live)
    }

    /// What the last export costs is what has changed since the one before.
    @Test func theLastChangesAreThoseSinceTheOnesBefore() throws {
        var store = StoreV2()
        for number in 0..<10_000 { store.set(Bytes("k\(number)"), to: Bytes("v")) }
        store.beginRecording()
        for number in 0..<5000 { store.set(Bytes("k\(number)"), to: Bytes("w")) }
        var parts = 0
        repeat {
            #expect(try store.changes(.v2, now: 0, isLast: false).count > 5000)
            parts += 1
        } while store.leftChangeBytes > 0
        #expect(parts == 2)
        store.set(Bytes("k1"), to: Bytes("x"))
        #expect(try store.changes(.v2, now: 0, isLast: true).count < 100)
    }

    @Test func aFlushNamesNoKey() throws {
        var store = StoreV1()
        for number in 0..<1000 { store.set(Bytes("k\(number)"), to: Bytes("v")) }
        store.beginRecording()
        for number in 0..<1000 { store.set(Bytes("k\(number)"), to: Bytes("w")) }
        store.removeAll()
        store.set(Bytes("a"), to: Bytes("1"))
        #expect(
            try ExternalTermFormat.decode(try store.changes(.v1, now: 0, isLast: true))
                == .tuple([.true, .nil, .map([.binary([97]): .binary([49])])]))
    }

    /// 1.0.0 would keep it for ever.
    @Test(arguments: [5, 20_000]) func downAKeyOfTheImageThatExpiresLaterIsRemoved(_ milliseconds: Int64) throws {
        var store = StoreV2()
        store.set(Bytes("stays"), to: Bytes("1"))
        for number in 0..<3 {
            store.set(Bytes("k\(number)"), to: Bytes("v"))
            store.setExpiry(of: Bytes("k\(number)"), to: 100 + Int64(number) * 1_000_000)
        }
        var new = try StoreV1.read(try store.image(.down, now: 99), .down)
        #expect(new.count == 4)
        store.beginRecording()
        try new.take(try store.changes(.down, now: 99, isLast: false), .down)
        var downgrade = StoreV2.Downgrade()
        let changes = try exported { writer throws(TooManyChanges) in
            downgrade = try store.exportChangesDownToV1(into: &writer, now: 99 + milliseconds, isLast: true)
        }
        #expect(downgrade == StoreV2.Downgrade(nowKept: 2, dropped: 1))
        try new.take(changes, .down)
        #expect(new.values.keys.sorted { $0.text < $1.text } == ["k1", "k2", "stays"].map { Bytes($0) })
    }

    @Test func moreChangesThanAreKeptAreAnError() throws {
        var store = StoreV1()
        store.beginRecording()
        let limit = 1 << 20
        for number in 0...limit { store.set(Bytes(Int64(number)), to: Bytes("")) }
        let error = #expect(throws: TooManyChanges.self) { try store.changes(.v1, now: 0, isLast: false) }
        #expect(error?.limit == limit)
        // After a flush all is known again.
        store.removeAll()
        store.set(Bytes("a"), to: Bytes("1"))
        #expect(try store.changes(.v1, now: 0, isLast: false).count < 100)
    }

    @Test(arguments: StoreChangesTests.Way.allCases) func otherTermsAreRefused(way: Way) throws {
        let other = ExternalTermFormat.encode(.tuple([.true, .nil]))
        #expect(throws: ExternalTermError.self) {
            if way == .v1 || way == .down {
                var store = StoreV1()
                try store.take(other, way)
            } else {
                var store = StoreV2()
                try store.take(other, way)
            }
        }
    }
}
