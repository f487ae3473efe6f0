import KeyValueCore
import Terms
import Testing

/// The state as it goes from one generation to the next.
@Suite struct StoreTermsTests {
    private func exported(_ write: (inout ExternalTermWriter) -> Void) -> [UInt8] {
        var writer = ExternalTermWriter(reserving: 64)
        writer.version()
        write(&writer)
        return writer.bytes
    }

    private func reading<T>(
        _ bytes: [UInt8], _ read: (inout ExternalTermReader) throws(ExternalTermError) -> T
    ) throws -> T {
        try bytes.withUnsafeBytes { raw in
            var reader = ExternalTermReader(raw)
            try reader.version()
            let value = try read(&reader)
            #expect(reader.isAtEnd)
            return value
        }
    }

    private var some: StoreV2 {
        var store = StoreV2()
        for number in 0..<100 { store.set(Bytes("k\(number)"), to: Bytes(String(repeating: "v", count: number))) }
        for number in 0..<10 { store.setExpiry(of: Bytes("k\(number)"), to: Int64(number) * 10_000_000_000) }
        return store
    }

    @Test func a1StateComesBack() throws {
        var store = StoreV1()
        for number in 0..<100 { store.set(Bytes("k\(number)"), to: Bytes(String(repeating: "v", count: number))) }
        let back = try reading(exported { store.export(into: &$0) }) { r throws(ExternalTermError) in
            try StoreV1(from: &r)
        }
        #expect(back.values == store.values)
    }

    @Test func a2StateComesBack() throws {
        let store = some
        let back = try reading(exported { store.export(into: &$0) }) { r throws(ExternalTermError) in
            try StoreV2(from: &r)
        }
        #expect(back.count == 100)
        #expect(back.expiringCount == 10)
        for (key, entry) in store.entries {
            let other = try #require(back.entries[key])
            #expect(other.value == entry.value)
            #expect(back.expiresAt(other) == store.expiresAt(entry))
        }
    }

    @Test func upNothingExpires() throws {
        var store = StoreV1()
        store.set(Bytes("a"), to: Bytes("1"))
        let up = try reading(exported { store.export(into: &$0) }) { r throws(ExternalTermError) in
            try StoreV2(upFromV1: &r)
        }
        #expect(up.entries[Bytes("a")]?.value == Bytes("1"))
        #expect(up.expiringCount == 0)
    }

    @Test func downKeepsValuesAndDropsWhatHasExpired() throws {
        var downgrade = StoreV2.Downgrade()
        let bytes = exported { downgrade = some.exportDownToV1(into: &$0, now: 40_000_000_000) }
        #expect(downgrade == StoreV2.Downgrade(nowKept: 5, dropped: 5))
        let down = try reading(bytes) { r throws(ExternalTermError) in try StoreV1(from: &r) }
        #expect(down.count == 95)
        #expect(down.values[Bytes("k4")] == nil)
        #expect(down.values[Bytes("k5")] == Bytes("vvvvv"))
    }

    /// A state that was never ours is refused by what stands where, and is no crash.
    @Test(arguments: [
        (Term.atom("undefined"), "expected a map"), (.tuple([1, 2, 3]), "expected a map"),
        (.map([.integer(1): .integer(2)]), "expected a binary"),
    ])
    func otherTermsAreRefused(_ term: Term, _ message: String) {
        let error = #expect(throws: ExternalTermError.self) {
            try reading(exported { $0.term(term) }) { r throws(ExternalTermError) in try StoreV1(from: &r) }
        }
        #expect(error?.message.hasPrefix(message) == true)
    }

    @Test func another2StateIsRefused() {
        let error = #expect(throws: ExternalTermError.self) {
            try reading(exported { $0.term(.tuple([1])) }) { r throws(ExternalTermError) in try StoreV2(from: &r) }
        }
        #expect(error?.message == "expected {Values, Expiries}, the state of 2.0.0")
    }
}
