/// How often something took how long. Source: OpenMetrics 1.0, "Histogram".
public struct MetricHistogram: Hashable, Sendable, Codable {
    /// Upper bounds in seconds: from a pause that nobody notices to one at which clients give up.
    public static let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    /// By bound, and above the last; each counted once.
    private var counts: [Int]
    private var sumMicroseconds: Int

    public init() {
        counts = [Int](repeating: 0, count: Self.bounds.count + 1)
        sumMicroseconds = 0
    }

    /// What a daemon with other bounds has counted can't be counted on.
    public init(from decoder: any Decoder) throws {
        self.init()
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let counts = try container.decode([Int].self, forKey: .counts)
        guard counts.count == self.counts.count else { return }
        self.counts = counts
        sumMicroseconds = try container.decode(Int.self, forKey: .sumMicroseconds)
    }

    private enum CodingKeys: String, CodingKey { case counts, sumMicroseconds }

    public mutating func observe(microseconds: Int) {
        let seconds = Double(microseconds) / 1e6
        counts[Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count] += 1
        sumMicroseconds += microseconds
    }

    public var count: Int { counts.reduce(0, +) }
    public var sumSeconds: Double { Double(sumMicroseconds) / 1e6 }

    /// How many took no longer than each bound; the last, infinity, is all.
    public var cumulative: [(bound: Double, count: Int)] {
        var sum = 0
        return zip(Self.bounds + [.infinity], counts).map { bound, count in
            sum += count
            return (bound, sum)
        }
    }
}
