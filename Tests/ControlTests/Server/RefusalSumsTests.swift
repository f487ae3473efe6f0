import Testing
import Wire

@testable import ReleaseHandlerD

/// What users were refused, in few lines, of which none is lost; by a clock of the test's own.
@Suite struct RefusalSumsTests {
    /// A reference: an expectation can't change a value.
    private final class Sums {
        private var sums = RefusalSums()

        func add(_ record: ControlAuditRecord, now: Int) -> Bool { sums.add(record, now: now) }
        func due(now: Int) -> [ControlAuditRecord] { sums.due(now: now) }
        func all(now: Int) -> [ControlAuditRecord] { sums.all(now: now) }
    }

    private static func refused(
        _ user: UInt32, _ operation: String = "call", target: String = "kv/kv_sup/store", pid: Int32 = 7
    ) -> ControlAuditRecord {
        ControlAuditRecord(
            peer: Peer(pid: pid, uid: user, gid: user), operation: operation, target: target,
            outcome: .failed(ControlError(.forbidden, "user \(user) may not change things here")))
    }

    @Test func theFirstIsToldAtOnceAndTheOthersAreCounted() {
        let sums = Sums()
        #expect(sums.add(Self.refused(1_000), now: 5_000))
        for _ in 0..<5_411 { #expect(!sums.add(Self.refused(1_000), now: 30_000)) }
        #expect(!sums.add(Self.refused(1_000, target: "kv/kv_sup/last", pid: 8), now: 64_999))
        #expect(sums.due(now: 64_999) == [])
        let lines = sums.due(now: 65_000)
        #expect(
            lines.map(\.description) == [
                """
                user 1000 was refused 5412 more changes in the last 60 s, the last one call kv/kv_sup/last by uid=1000 gid=1000 pid=8: \
                forbidden: user 1000 may not change things here
                """
            ])
        #expect(lines.map(\.operation) == ["call"] && lines.map(\.peer.uid) == [1_000])
    }

    @Test func anotherUserAndAnotherOperationHaveLinesOfTheirOwn() {
        let sums = Sums()
        #expect(sums.add(Self.refused(1_000), now: 0))
        #expect(sums.add(Self.refused(1_001), now: 0))
        #expect(sums.add(Self.refused(1_000, "make-permanent"), now: 0))
        #expect(!sums.add(Self.refused(1_000, "make-permanent"), now: 0))
        #expect(sums.due(now: 60_000).map(\.operation) == ["make-permanent"])
    }

    @Test func aLoopIsALineAnIntervalAndWhoIsQuietIsForgotten() {
        let sums = Sums()
        var lines = 0
        for millisecond in 0..<600_000 {
            if sums.add(Self.refused(1_000), now: millisecond) { lines += 1 }
            lines += sums.due(now: millisecond).count
        }
        #expect(lines == 10)
        #expect(sums.due(now: 660_000).count == 1)
        #expect(sums.due(now: 720_000) == [])
        #expect(sums.add(Self.refused(1_000), now: 720_001), "the first of a new one")
    }

    @Test func noneIsLostAtTheEndHoweverManyUsersThereAre() {
        let sums = Sums()
        var told = 0
        for user in 0..<1_000 {
            for _ in 0..<3 where sums.add(Self.refused(UInt32(user)), now: 0) { told += 1 }
        }
        #expect(told == RefusalSums.maxKept)
        let last = sums.all(now: 1_500)
        let counted = last.map { record in
            guard case .refused(let refusals) = record.outcome else { return 0 }
            return refusals.count
        }
        #expect(told + counted.reduce(0, +) == 3_000)
        #expect(
            last.contains { $0.description.hasPrefix("further users were refused 2232 more changes in the last 1 s") })
        #expect(sums.all(now: 2_000) == [])
    }
}
