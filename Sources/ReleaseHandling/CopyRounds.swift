/// How often a state that changes while it is copied is copied on, part after part, before its worker is suspended.
///
/// Each round takes what was written during the one before. More of them help as long as the parts become smaller.
/// Source: DESIGN section 5; live migration of virtual machines calls it pre-copy.
public struct CopyRounds: Hashable, Sendable {
    public enum Next: Hashable, Sendable {
        case another
        /// What is left goes over while the worker is suspended.
        case enough
    }

    /// Rounds of changes at most.
    public static let limit = 8
    /// Bytes that go over in about a millisecond.
    static let smallBytes = 64 * 1024
    /// What one round may have beyond the size of the state itself: of a small state everything changes.
    static let allowedBytes = 1024 * 1024

    private let snapshotBytes: Int
    private var rounds = 0
    private var lastBytes: Int

    public init(snapshotBytes: Int) {
        self.snapshotBytes = snapshotBytes
        lastBytes = snapshotBytes
    }

    /// After a round of changes of so many bytes.
    public mutating func next(after bytes: Int) -> Next {
        defer { lastBytes = bytes }
        rounds += 1
        // A quarter less is not worth another round, which costs what all of them cost.
        if bytes <= Self.smallBytes || rounds >= Self.limit || rounds > 1 && bytes > lastBytes / 4 * 3 {
            return .enough
        }
        return .another
    }

    /// Whether changes of so many bytes are less work than the whole would be. Where they are not, the state changes as fast as
    /// it is sent, and nothing is to be gained by sending it twice.
    public func isBearable(_ bytes: Int) -> Bool { bytes <= snapshotBytes + Self.allowedBytes }
}
