/// How long requests took, in microseconds: exact below 2048, within 1.6 % above, the longest exact.
struct Histogram {
    private static let exact = 2048
    private static let exactBits = 11
    /// Parts of each doubling above the exact range.
    private static let parts = 64

    private var counts = [Int](repeating: 0, count: exact + (48 - exactBits) * parts)
    private(set) var count = 0
    private(set) var longest = 0

    mutating func record(_ microseconds: Int) {
        counts[Histogram.bucket(microseconds)] += 1
        count += 1
        longest = max(longest, microseconds)
    }

    mutating func add(_ other: Histogram) {
        for index in counts.indices { counts[index] += other.counts[index] }
        count += other.count
        longest = max(longest, other.longest)
    }

    /// The least time that `share` of the requests did not exceed; 0 when there was none.
    func percentile(_ share: Double) -> Int {
        guard count > 0 else { return 0 }
        let wanted = max(1, Int((Double(count) * share).rounded(.up)))
        var seen = 0
        for (index, part) in counts.enumerated() {
            seen += part
            if seen >= wanted { return min(longest, Histogram.upperBound(index)) }
        }
        return longest
    }

    private static func bucket(_ microseconds: Int) -> Int {
        let value = min(max(0, microseconds), 1 << 48 - 1)
        guard value >= exact else { return value }
        let doubling = Int.bitWidth - 1 - value.leadingZeroBitCount
        let part = (value - 1 << doubling) * parts >> doubling
        return exact + (doubling - exactBits) * parts + part
    }

    private static func upperBound(_ bucket: Int) -> Int {
        guard bucket >= exact else { return bucket }
        let doubling = (bucket - exact) / parts + exactBits
        let part = (bucket - exact) % parts
        return 1 << doubling + ((part + 1) << doubling) / parts - 1
    }
}
