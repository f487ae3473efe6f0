import Synchronization

/// How much of what was posted for a follower of the events has been given to its connection.
final class FollowerProgress: Sendable {
    private let posted = Atomic(0)
    private let written = Atomic(0)

    func post() { posted.add(1, ordering: .relaxed) }
    func write() { written.add(1, ordering: .relaxed) }
    var isDrained: Bool { posted.load(ordering: .relaxed) == written.load(ordering: .relaxed) }
}
