import Testing

@testable import ReleaseHandlerD

/// How often who may look only is served, by a clock of the test's own.
@Suite struct UserRatesTests {
    private static let rate = TokenBucket.Rate(atOnce: 3, perSecond: 20)

    @Test func aBucketHasSoManyAtOnceAndFillsAgain() {
        var bucket = TokenBucket(Self.rate, now: 1_000)
        let first = (0..<5).map { _ in bucket.take(now: 1_000) }
        #expect(first == [true, true, true, false, false])
        #expect(bucket.millisecondsLeft(now: 1_000) == 50)
        #expect(bucket.millisecondsLeft(now: 1_020) == 30)
        let tooEarly = bucket.take(now: 1_049)
        let inTime = bucket.take(now: 1_050)
        #expect(!tooEarly && inTime)
        #expect(!bucket.isFull(now: 1_199))
        #expect(bucket.isFull(now: 1_200))
        // However long it was quiet, and though a clock should go back.
        let later = (0..<5).map { _ in bucket.take(now: Int.max / 4) }
        #expect(later == [true, true, true, false, false])
        let before = bucket.take(now: 0)
        #expect(!before)
    }

    @Test func whoAsksInTheRateIsAlwaysServed() {
        var bucket = TokenBucket(Self.rate, now: 0)
        let served = (0..<1000).map { bucket.take(now: $0 * 50) }
        #expect(!served.contains(false))
    }

    @Test func eachHasItsOwnAndAllTogetherTheirs() {
        let together = TokenBucket.Rate(atOnce: 7, perSecond: 10)
        var rates = UserRates(UserRates.Allowance(each: Self.rate, together: together), now: 0)
        func take(_ user: UInt32, _ count: Int, now: Int) -> [UserRates.Refusal?] {
            (0..<count).map { _ in rates.take(user, now: now) }
        }
        let (first, second, third) = (take(1, 4, now: 0), take(2, 4, now: 0), take(3, 2, now: 0))
        #expect(first == [nil, nil, nil, .own(milliseconds: 50)])
        #expect(second == [nil, nil, nil, .own(milliseconds: 50)])
        #expect(third == [nil, .together(milliseconds: 100)])
        // What was refused cost nothing: the third one's own is as it was.
        let later = take(3, 3, now: 300)
        #expect(later == [nil, nil, nil])
    }

    @Test func whoIsQuietIsForgotten() {
        let together = TokenBucket.Rate(atOnce: 10_000, perSecond: 10_000)
        var rates = UserRates(UserRates.Allowance(each: Self.rate, together: together), now: 0)
        let refused = (0..<10_000).filter { rates.take(UInt32($0), now: $0) != nil }
        #expect(refused == [])
        #expect(rates.userCount <= 300)
    }
}
