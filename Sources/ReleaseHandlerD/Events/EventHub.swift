import DequeModule
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

    private struct Posted {
        let event: Event
        let sequence: Int
        /// Milliseconds since 1970.
        let time: Int
        let release: String?
    }

    /// What is told of what was held, in one turn.
    private static let toldInATurn = 64

    private let logger: Logger
    private var isHeld = false
    /// Posted and not told yet, in order.
    private var untold: Deque<Posted> = []
    private var sequence = 0
    private struct Follower {
        let continuation: AsyncStream<NodeEvent>.Continuation
        let progress: FollowerProgress
        /// Whether it may know what workers say.
        let hearsWorkers: Bool
    }

    private var followers: [Int: Follower] = [:]
    /// Followers of the daemon before that have not come back yet, and what was told meanwhile.
    private var awaited: (count: Int, told: [NodeEvent])?
    private static let awaitFollowersMilliseconds = 30_000
    private var nextFollower = 0
    /// That workers speak, as who may look only is told it: not what they say, so that a few a second are as good as all, and a flood beside
    /// many followers costs no more than a trickle.
    private var wordless = (second: 0, count: 0)
    private static let wordlessPerSecond = 10

    /// Told of what is kept (`NodeEventKind.historic`).
    var onHistoric: @HostActor (HistoryRecord) -> Void = { _ in }
    /// The release that runs now, put into every event.
    var release: String?

    init(logger: Logger) { self.logger = logger }

    /// How many there were, those of the daemon before included.
    var posted: Int { sequence }

    /// For another daemon that goes on in this one's place; nil while something is posted and not told.
    struct State: Codable {
        let sequence: Int
        let release: String?
    }

    var state: State? { isHeld || !untold.isEmpty ? nil : State(sequence: sequence, release: release) }

    /// - Parameter followers: how many of the daemon before will go on following.
    func goOn(_ state: State, followers: Int) {
        sequence = state.sequence
        release = state.release
        guard followers > 0 else { return }
        awaited = (followers, [])
        Reactor.shared.schedule(afterMilliseconds: Self.awaitFollowersMilliseconds) { [weak self] in
            self?.awaited = nil
        }
    }

    /// For one that was told all up to that by the daemon before.
    func goOnFollowing(hearingWorkers: Bool = true) -> EventSubscription {
        let subscription = follow(hearingWorkers: hearingWorkers)
        guard var awaited, let follower = followers[nextFollower - 1] else { return subscription }
        for event in awaited.told { give(event, to: follower) }
        awaited.count -= 1
        self.awaited = awaited.count > 0 ? awaited : nil
        return subscription
    }

    func post(_ event: Event) {
        sequence += 1
        let posted = Posted(event: event, sequence: sequence, time: WallClock.milliseconds(), release: release)
        guard !isHeld, untold.isEmpty else { return untold.append(posted) }
        tell(posted)
    }

    /// What is posted from now on is told after `letGo`: while workers are not served nobody waits for a line in the log.
    func hold() { isHeld = true }

    func letGo() {
        guard isHeld else { return }
        isHeld = false
        tellSome()
    }

    private func tellSome() {
        for _ in 0..<Self.toldInATurn {
            guard !isHeld, let posted = untold.popFirst() else { return }
            tell(posted)
        }
        if !untold.isEmpty { Reactor.shared.schedule(afterMilliseconds: 0) { [weak self] in self?.tellSome() } }
    }

    private func tell(_ posted: Posted) {
        let entry = posted.event.entry
        let kind = entry.kind.rawValue
        let worker = entry.worker?.description
        var metadata: Logger.Metadata = [:]
        for (key, value) in entry.fields { metadata[key.uppercased()] = .string(value) }
        metadata["EVENT"] = .string(kind)
        metadata["RELEASE"] = posted.release.map { .string($0) }
        metadata["WORKER"] = worker.map { .string($0) }
        logger.log(level: entry.level, "\(entry.message)", metadata: metadata)
        if NodeEventKind.historic.contains(entry.kind) {
            onHistoric(
                HistoryRecord(
                    time: ControlTime.rfc3339(millisecondsSince1970: posted.time), kind: kind, release: posted.release,
                    message: entry.message, fields: entry.fields))
        }
        guard !followers.isEmpty || awaited != nil else { return }
        let told = NodeEvent(
            sequence: posted.sequence, millisecondsSince1970: posted.time, kind: kind, worker: worker,
            release: posted.release, message: entry.message, fields: entry.fields)
        if let kept = awaited?.told.count, kept < Self.followerBacklog { awaited?.told.append(told) }
        let isForAll = !NodeEventKind.spoken.contains(entry.kind) || takeWordless(posted.time)
        for follower in followers.values where isForAll || follower.hearsWorkers { give(told, to: follower) }
    }

    private func takeWordless(_ milliseconds: Int) -> Bool {
        if wordless.second != milliseconds / 1000 { wordless = (milliseconds / 1000, 0) }
        wordless.count += 1
        return wordless.count <= Self.wordlessPerSecond
    }

    private func give(_ event: NodeEvent, to follower: Follower) {
        // In the place of one that was dropped nothing more is to be written.
        let event = follower.hearsWorkers ? event : event.withoutWords
        if case .enqueued = follower.continuation.yield(event) { follower.progress.post() }
    }

    /// - Parameter hearingWorkers: whether it may know what workers say.
    func follow(hearingWorkers: Bool = true) -> EventSubscription {
        let key = nextFollower
        nextFollower += 1
        let (stream, continuation) = AsyncStream.makeStream(
            of: NodeEvent.self, bufferingPolicy: .bufferingNewest(Self.followerBacklog))
        continuation.onTermination = { [weak self] _ in
            Task { @HostActor [weak self] in self?.followers[key] = nil }
        }
        let subscription = EventSubscription(stream, continuation)
        followers[key] = Follower(
            continuation: continuation, progress: subscription.progress, hearsWorkers: hearingWorkers)
        return subscription
    }

    func finish() {
        isHeld = false
        while let posted = untold.popFirst() { tell(posted) }
        for follower in followers.values { follower.continuation.finish() }
        followers = [:]
    }
}
