/// How often a state that changes while it is copied is copied on, part after part, before its worker is suspended.
///
/// Each round takes what was written during the one before. More of them help as long as they become smaller. A worker may send a
/// round in several parts, so that none of them keeps its clients waiting.
/// Source: DESIGN section 5; live migration of virtual machines calls it pre-copy.
public struct CopyRounds: Hashable, Sendable {
    public enum Next: Hashable, Sendable {
        case another
        /// What is left goes over while the worker is suspended.
        case enough
    }

    /// Rounds of changes at most.
    public static let limit = 8
    /// Parts of changes at most, of all rounds together.
    public static let partLimit = 256
    /// Bytes that go over in about a millisecond.
    static let smallBytes = 64 * 1024
    /// What one round may have beyond the size of the state itself: of a small state everything changes.
    static let allowedBytes = 1024 * 1024

    private let snapshotBytes: Int
    private var rounds = 0
    private var lastBytes: Int
    /// Of the parts of the round in hand.
    private var bytes = 0

    public init(snapshotBytes: Int) {
        self.snapshotBytes = snapshotBytes
        lastBytes = snapshotBytes
    }

    /// After the image. Of a small one all that can have changed since is small, too.
    public var first: Next { snapshotBytes <= Self.smallBytes ? .enough : .another }

    /// After a part of changes of so many bytes; so many were `left` for the next as it was written.
    public mutating func next(after part: Int, left: Int = 0) -> Next {
        bytes += part
        if left > Self.smallBytes { return .another }
        defer {
            lastBytes = bytes
            bytes = 0
        }
        rounds += 1
        // A quarter less is not worth another round, which costs what all of them cost.
        if bytes <= Self.smallBytes || rounds >= Self.limit || rounds > 1 && bytes > lastBytes / 4 * 3 {
            return .enough
        }
        return .another
    }

    /// Whether a part of so many bytes more leaves the round less work than the whole would be. Where it does not, the state
    /// changes as fast as it is sent, and nothing is to be gained by sending it twice.
    public func isBearable(_ part: Int) -> Bool { bytes + part <= snapshotBytes + Self.allowedBytes }
}
