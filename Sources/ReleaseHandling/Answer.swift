public import Terms

/// How a request to a worker ended. Exactly one comes for each request.
public enum Answer: Hashable, Sendable {
    case ok
    case acknowledged(vsn: Term)
    case ignored
    case value(Term)
    case exported(size: Int, descriptors: Int, left: Int = 0)
    /// The worker said `{error, Ref, Reason}`.
    case failed(Term)
    /// The process ended before it answered.
    case died(Term)
    case timedOut(milliseconds: Int)
}

/// How a step of a handoff went for one worker.
public enum StepResult: Hashable, Sendable {
    case done
    /// Done, and the whole state was handed over: its last changes did not come or did not fit, for this reason.
    case doneWhole(insteadOfChanges: Term)
    case hung
    case died(Term)
    case failed(Term)
}
