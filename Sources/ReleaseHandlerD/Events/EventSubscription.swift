public import Wire

/// What one follower of the events is told, up to the node's end or to `finish`, whichever is first.
///
/// Bounded by whoever makes it, so that a slow reader loses events and costs no memory.
public struct EventSubscription: Sendable {
    public let events: AsyncStream<NodeEvent>
    let progress: FollowerProgress
    private let continuation: AsyncStream<NodeEvent>.Continuation

    public init(_ events: AsyncStream<NodeEvent>, _ continuation: AsyncStream<NodeEvent>.Continuation) {
        self.events = events
        progress = FollowerProgress()
        self.continuation = continuation
    }

    /// Takes no more events; those that have come are still read.
    func finish() { continuation.finish() }
}
