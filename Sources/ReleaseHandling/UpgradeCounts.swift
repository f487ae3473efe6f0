public import Wire

/// What installs came to since the node booted, for who watches it by numbers. A daemon that goes on in another's place counts on.
public struct UpgradeCounts: Hashable, Sendable, Codable {
    /// What an install comes to, as it is counted.
    public enum Outcome: String, Hashable, Sendable, CaseIterable {
        case done, refused, aborted
        /// The node restarts because the script says so, or since it was stopped.
        case restarting
        /// The node restarts since it can't be undone otherwise.
        case failed
    }

    private var outcomes: [String: Int] = [:]
    /// From the first suspend to the last resume, of those that suspended and resumed.
    public private(set) var pauses = MetricHistogram()

    public init() {}

    public mutating func ended(_ outcome: Outcome, pauseMicroseconds: Int? = nil) {
        outcomes[outcome.rawValue, default: 0] += 1
        if let pauseMicroseconds { pauses.observe(microseconds: pauseMicroseconds) }
    }

    public mutating func ended(_ result: InstallResult) {
        let outcome: Outcome =
            switch result.outcome {
            case .done: .done
            case .refused: .refused
            case .aborted: .aborted
            case .restarting: result.failedInstruction == nil ? .restarting : .failed
            }
        ended(outcome, pauseMicroseconds: result.suspendToResumeMicroseconds)
    }

    public func count(_ outcome: Outcome) -> Int { outcomes[outcome.rawValue] ?? 0 }
}
