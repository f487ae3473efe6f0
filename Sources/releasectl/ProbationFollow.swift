import Wire

/// The node's events, followed from before an install on: what becomes of the release that it installs.
///
/// Events are kept from the moment on at which the daemon has taken the follower on, so nothing that happens between the
/// result and the wait is missed.
///
/// It reads until the events or the program end.
struct ProbationFollow {
    private enum Told: Sendable {
        case opened
        case event(NodeEvent, line: [UInt8])
        /// Events are missing: the daemon drops some for a reader that is slow.
        case gap
        /// With what the daemon said in place of the events, or why the connection broke.
        case ended(Failure?)
    }

    private let session: Session
    private var outlook: ReleaseOutlook
    private var told: AsyncStream<Told>.Iterator
    /// What taking the release back has cost.
    var lost: [InstallResult.Loss] { outlook.lost }

    /// Returns once the daemon has taken the follower on.
    init(of vsn: String, in session: Session) async throws {
        let (stream, continuation) = AsyncStream.makeStream(of: Told.self)
        self.session = session
        outlook = ReleaseOutlook(vsn: vsn)
        told = stream.makeAsyncIterator()
        Task { await Self.read(session, continuation) }
        switch await told.next() {
        case .opened: break
        case .ended(let failure?): throw failure
        case .ended(nil), .event, .gap, nil: throw session.client.lost("it gave no events")
        }
    }

    /// Only what an outlook looks at is kept, so that waiting for a long install costs no memory.
    private static func read(_ session: Session, _ continuation: AsyncStream<Told>.Continuation) async {
        let events = Operations.node.events
        var last: Int?
        do {
            let refusal = try await session.client.stream(
                events.row.method, events.path(NoParameters()), onOpen: { continuation.yield(.opened) }
            ) { line in
                let event = try session.decode(NodeEvent.self, from: line)
                if let last, event.sequence != last + 1 { continuation.yield(.gap) }
                last = event.sequence
                if ReleaseOutlook.kinds.contains(event.kind) { continuation.yield(.event(event, line: line)) }
                return true
            }
            continuation.yield(.ended(refusal.map { Failure($0.error, subject: session.client.subject) }))
        } catch {
            continuation.yield(.ended(error as? Failure ?? session.client.lost("\(error)")))
        }
        continuation.finish()
    }

    /// What became of the release, which an install has ended well with.
    ///
    /// - Parameter onProbation: called with the length in seconds when it begins.
    mutating func verdict(onProbation: (Double) -> Void) async -> ReleaseOutlook.Verdict {
        // One that is permanent already has no probation, and nothing more is told of it.
        if let verdict = await lookedUp(eventsAreMissing: false) { return verdict }
        while let next = await told.next() {
            switch next {
            case .opened: break
            case .event(let event, let line):
                guard let heard = outlook.hear(event) else { break }
                if session.json { session.write(json: line) }
                switch heard {
                case .noted: if let seconds = outlook.probationSeconds { onProbation(seconds) }
                case .verdict(let verdict): return verdict
                }
            case .gap: if let verdict = await lookedUp(eventsAreMissing: true) { return verdict }
            case .ended: return .nodeEnded(outlook.end)
            }
        }
        return .nodeEnded(outlook.end)
    }

    private func lookedUp(eventsAreMissing: Bool) async -> ReleaseOutlook.Verdict? {
        // The probation first: once it is over, the releases say how. A node that ends does not answer: then its events end.
        guard let probation = try? await session.answer(Operations.node.probation),
            let releases = try? await session.answer(Operations.releases.which).releases
        else { return nil }
        let status = releases.first { $0.vsn == outlook.vsn }?.status
        if status == .permanent { return .permanent }
        return eventsAreMissing ? outlook.lookUp(probation, status) : nil
    }
}
