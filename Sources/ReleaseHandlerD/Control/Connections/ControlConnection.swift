import Host
import NIOCore
import Synchronization
import Wire

/// One client's connection: what of its request has been read, and how far that is.
///
/// ```
///           its first byte          read whole           begun                    answered
/// idle ────────────────> reading ──────────────> read ─────────> working ────────────────────> idle
/// ```
///
/// What has not been answered the daemon that goes on in this one's place is asked anew, on the same connection, where asking anew does no
/// harm: so a client notices nothing of it. A call that a worker has goes on by its reference (`Claim`).
final class ControlConnection: Sendable {
    /// What a request does.
    enum Work {
        /// Asked twice it answers twice.
        case look
        /// Done by then, or under way: it can't be asked twice.
        case change(String)
        case call(ref: Int)
        /// What it comes to is on its way to the client.
        case answering
        /// Its progress is.
        case installing(String)
        /// For as long as the client listens.
        case events(FollowerProgress)
        /// The re-execution itself: who goes on answers it.
        case reexecution
    }

    private enum Phase {
        /// The beginning of a request may be there.
        case reading
        case read
        case working(Work)
    }

    private struct State {
        var refusal: ControlError?
        var standing = Peer.Standing.free
        var phase = Phase.reading
        var claim: ControlClaim?
    }

    private let state: Mutex<State>

    /// - Parameter standing: where it was let in by the daemon before.
    init(claim: ControlClaim? = nil, standing: Peer.Standing = .free) {
        state = Mutex(State(standing: standing, claim: claim))
    }

    /// What the request in hand goes on with; taken once.
    func takeClaim() -> ControlClaim? {
        state.withLock { state in
            defer { state.claim = nil }
            return state.claim
        }
    }

    /// Whatever is asked on it is answered by that: its user has as many connections as it may.
    var refusal: ControlError? { state.withLock { $0.refusal } }
    func refuse(_ error: ControlError) { state.withLock { $0.refusal = error } }

    /// Of the process that connected, as it was let in.
    var standing: Peer.Standing { state.withLock { $0.standing } }
    func lets(in standing: Peer.Standing) { state.withLock { $0.standing = standing } }

    var isFollowing: Bool {
        state.withLock { if case .working(.events) = $0.phase { true } else { false } }
    }

    func isRead() { state.withLock { $0.phase = .read } }
    func works(_ work: Work) { state.withLock { $0.phase = .working(work) } }
    func isAnswered() { state.withLock { $0.phase = .reading } }

    static let notBack = HandoverObstacle(
        "clients of the daemon before have not come back to it", isBrief: true)

    /// What it is handed on with; throws what keeps it from that.
    ///
    /// - Parameters:
    ///   - install: the release whose install the next program goes on with.
    ///   - isBegun: whether some of its answer is written.
    func claim(continuing install: String?, isBegun: Bool) throws(HandoverObstacle) -> ControlClaim? {
        let (phase, claim) = state.withLock { ($0.phase, $0.claim) }
        // Its own thread has not come to it since the last re-execution.
        guard claim == nil else { throw Self.notBack }
        switch phase {
        case .reading, .read, .working(.look), .working(.call), .working(.reexecution):
            guard !isBegun else { throw HandoverObstacle.answer }
        case .working(.change), .working(.answering), .working(.installing), .working(.events): break
        }
        switch phase {
        case .reading, .read, .working(.look): return nil
        case .working(.change(let what)): throw HandoverObstacle("\(what) is under way")
        case .working(.answering): throw HandoverObstacle.answer
        case .working(.installing(let vsn)):
            guard vsn == install else { throw HandoverObstacle("the end of the install of \(vsn) is being told") }
            return .install(vsn)
        case .working(.call(let ref)): return .call(ref: ref)
        case .working(.reexecution): return .reexecution
        case .working(.events(let progress)):
            guard progress.isDrained else { throw HandoverObstacle("events are on their way") }
            return .events
        }
    }
}

/// What a request that is asked anew goes on with, in place of beginning.
enum ControlClaim: Codable, Hashable {
    /// The worker has it already.
    case call(ref: Int)
    case reexecution
    /// That which goes on.
    case install(String)
    /// What is posted from the very beginning on.
    case events
}
