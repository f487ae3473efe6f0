import Host
import Logging
import Wire

/// What happens on the node, told to the log and to everybody who follows `GET /v1/events`.
///
/// Each follower has a buffer of its own; one that does not read loses events (the sequence shows the gap)
/// and holds up nobody.
@HostActor
final class EventHub {
    /// How many events a follower may be behind before it loses the oldest.
    static let followerBacklog = 1_000

    private let logger: Logger
    private var sequence = 0
    private var followers: [Int: AsyncStream<NodeEvent>.Continuation] = [:]
    private var nextFollower = 0
    /// The release that runs now, put into every event.
    var release: String?

    init(logger: Logger) { self.logger = logger }

    func post(_ event: Event) {
        sequence += 1
        let entry = event.entry
        let kind = entry.kind.rawValue
        let worker = entry.worker?.description
        var metadata: Logger.Metadata = [:]
        for (key, value) in entry.fields { metadata[key.uppercased()] = .string(value) }
        metadata["EVENT"] = .string(kind)
        metadata["RELEASE"] = release.map { .string($0) }
        metadata["WORKER"] = worker.map { .string($0) }
        logger.log(level: entry.level, "\(entry.message)", metadata: metadata)
        guard !followers.isEmpty else { return }
        let told = NodeEvent(
            sequence: sequence, millisecondsSince1970: WallClock.milliseconds(), kind: kind, worker: worker,
            release: release, message: entry.message, fields: entry.fields)
        for follower in followers.values { follower.yield(told) }
    }

    func follow() -> EventSubscription {
        let key = nextFollower
        nextFollower += 1
        let (stream, continuation) = AsyncStream.makeStream(
            of: NodeEvent.self, bufferingPolicy: .bufferingNewest(Self.followerBacklog))
        continuation.onTermination = { [weak self] _ in
            Task { @HostActor [weak self] in self?.followers[key] = nil }
        }
        followers[key] = continuation
        return EventSubscription(stream, continuation)
    }

    func finish() {
        for follower in followers.values { follower.finish() }
        followers = [:]
    }
}
