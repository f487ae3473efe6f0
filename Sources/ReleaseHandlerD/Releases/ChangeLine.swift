import Host
import Wire

/// One after the other, in the order in which they were asked for: what reads or changes the disk's releases.
///
/// A turn lasts from the first look at the table to the last effect of it, waits for the disk included, so that what was
/// found is true until it is acted upon.
@HostActor
final class ChangeLine {
    /// How many may wait behind the one whose turn it is.
    nonisolated static let maxWaiting = 16

    private(set) var current: String?
    private var waiting: [CheckedContinuation<Void, Never>] = []

    nonisolated init() {}

    var waitingCount: Int { waiting.count }

    /// - Parameters:
    ///   - what: as `releasectl` names it, with its subject.
    ///   - isOwn: the node's own doing, which is never turned away and comes before all others that wait; there is one at a
    ///     time.
    func turn<Value: Sendable>(
        _ what: String, isOwn: Bool = false, _ body: @HostActor () async throws(ControlError) -> Value
    ) async throws(ControlError) -> Value {
        if let current {
            guard isOwn || waiting.count < Self.maxWaiting else {
                throw ControlError(
                    .busy, "\(current) is under way and \(waiting.count) others wait for it; try again later",
                    details: ["change": current])
            }
            // Whoever ends a turn with others behind it hands the line on: nobody slips in between.
            // The node's own comes next: a release that failed waits for nobody's wish.
            await withCheckedContinuation { isOwn ? waiting.insert($0, at: 0) : waiting.append($0) }
        }
        current = what
        defer { end() }
        return try await body()
    }

    private func end() {
        if waiting.isEmpty {
            current = nil
        } else {
            waiting.removeFirst().resume()
        }
    }
}
