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
    /// How many of these, the first ones, are the node's own.
    private var ownWaiting = 0
    /// How many turns have begun.
    private var turns = 0
    private var looking: [CheckedContinuation<Void, Never>] = []

    nonisolated init() {}

    var waitingCount: Int { waiting.count }
    /// Of those who only look.
    var lookingCount: Int { looking.count }

    /// - Parameters:
    ///   - what: as `releasectl` names it, with its subject.
    ///   - isOwn: the node's own doing, which is never turned away and comes before all others that wait, in its order.
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
            await withCheckedContinuation { continuation in
                guard isOwn else { return waiting.append(continuation) }
                waiting.insert(continuation, at: ownWaiting)
                ownWaiting += 1
            }
        }
        current = what
        turns += 1
        defer { end() }
        return try await body()
    }

    /// How often what looks begins anew.
    private static let maxLooks = 8

    /// What reads and changes nothing has no turn, so that no change waits for it: it waits until nobody has one, and begins anew where one came
    /// in between, since what it read may be of both.
    func look<Value: Sendable>(
        _ body: @HostActor () async throws(ControlError) -> Value
    ) async throws(ControlError) -> Value {
        for _ in 0..<Self.maxLooks {
            while current != nil { await withCheckedContinuation { looking.append($0) } }
            let before = turns
            let result: Result<Value, ControlError>
            do {
                result = .success(try await body())
            } catch {
                result = .failure(error)
            }
            if turns == before { return try result.get() }
        }
        throw ControlError(
            .busy, "one change of the releases comes after the other; try again later",
            details: ["change": "a change of the releases"])
    }

    private func end() {
        if waiting.isEmpty {
            current = nil
            for one in looking { one.resume() }
            looking = []
        } else {
            ownWaiting = max(ownWaiting - 1, 0)
            waiting.removeFirst().resume()
        }
    }
}
