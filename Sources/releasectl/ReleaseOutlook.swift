import Wire

/// What becomes of a release after its install, as the node's events tell it.
struct ReleaseOutlook {
    enum Verdict: Hashable {
        case permanent
        /// It has passed, and waits for somebody to make it permanent.
        case waitsForMakePermanent
        /// It has passed; the daemon says why it is not, or may not be, permanent.
        case makePermanentFailed(String)
        case takenBack(to: String?, reason: String)
        /// Somebody installed another one.
        case replaced(by: String)
        /// Its probation is over, and the event that says how is missing.
        case unknown
        /// The daemon ended the events.
        case nodeEnded(End)
    }

    /// What was known when the events ended.
    struct End: Hashable {
        /// Why the release had failed its probation, if it had.
        var failure: String?
        /// The daemon's own sentence.
        var stopping: String?
    }

    enum Heard {
        case noted
        case verdict(Verdict)
    }

    let vsn: String
    private(set) var end = End()
    /// nil until it is known.
    private var isManual: Bool?
    private(set) var probationSeconds: Double?
    /// What taking it back has cost.
    private(set) var lost: [InstallResult.Loss] = []

    /// What it looks at.
    static let kinds = Set(
        [
            NodeEventKind.installRelease, .probationStarted, .probationPassed, .probationFailed, .madePermanent,
            .makePermanentFailed, .releaseInstalled, .stopping, .workerLost,
        ].map(\.rawValue))

    init(vsn: String) { self.vsn = vsn }

    /// Nil for an event that says nothing of the release.
    mutating func hear(_ event: NodeEvent) -> Heard? {
        guard let kind = NodeEventKind(rawValue: event.kind) else { return nil }
        switch kind {
        case .installRelease:
            // Whatever was said of it before is of an earlier install of it.
            if event.fields["to"] == vsn { self = ReleaseOutlook(vsn: vsn) }
            return nil
        case .stopping:
            end.stopping = event.message
            return nil
        case .workerLost:
            guard end.failure != nil, let worker = event.worker else { return nil }
            lost.append(.init(worker: worker, what: event.fields["what"] ?? "", why: event.fields["why"] ?? ""))
            return .noted
        case .releaseInstalled:
            guard let other = event.fields["to"], other != vsn else { return nil }
            return .verdict(end.failure.map { .takenBack(to: other, reason: $0) } ?? .replaced(by: other))
        case .probationStarted, .probationPassed, .probationFailed, .madePermanent, .makePermanentFailed:
            guard event.fields["vsn"] == vsn else { return nil }
            return hearOfIt(kind, event)
        default: return nil
        }
    }

    private mutating func hearOfIt(_ kind: NodeEventKind, _ event: NodeEvent) -> Heard? {
        switch kind {
        case .probationStarted:
            isManual = event.fields["make_permanent"] == "manual"
            probationSeconds = event.fields["ms"].flatMap(Double.init).map { $0 / 1000 }
            return .noted
        case .probationFailed:
            end.failure = event.fields["reason"] ?? event.message
            return .noted
        case .probationPassed: return isManual == true ? .verdict(.waitsForMakePermanent) : .noted
        case .madePermanent: return .verdict(.permanent)
        case .makePermanentFailed: return .verdict(.makePermanentFailed(event.message))
        default: return nil
        }
    }

    /// What the node says of itself, where events are missing.
    ///
    /// - Parameter status: the release's own.
    func lookUp(_ probation: ProbationStatus, _ status: ReleaseSummary.Status?) -> Verdict? {
        if status == .permanent { return .permanent }
        switch probation.state {
        case .onProbation, .proving, .interrupted, .goingBack: if probation.release == vsn { return nil }
        case .none: break
        }
        guard status == .current else {
            return .takenBack(to: nil, reason: end.failure ?? "the event that says why is missing")
        }
        return isManual == true ? .waitsForMakePermanent : .unknown
    }
}
