public import Terms

/// A `GenServer` whose state is a `Term`: it converts terms and knows of no streams.
///
/// Its state is copied ahead of its handoff (`copiesStateAhead`), and converted then: `init(state:context:)` may run twice.
public protocol TermServer: GenServer {
    /// Goes on with a state of this version.
    init(state: Term, context: WorkerContext) throws
    var state: Term { get }

    /// The state of this version for `state` as another wrote it. Not called for `.same`.
    static func codeChange(from vsn: FromVsn, state: Term, extra: Term) throws -> Term
    /// This state as the older version `vsn` has it.
    func codeChange(downTo vsn: Term, extra: Term) throws -> Term
}

extension TermServer {
    /// Conversions of terms change nothing else, and nothing else changes a term.
    public static var copiesStateAhead: Bool { true }

    public static func codeChange(from vsn: FromVsn, state: Term, extra: Term) throws -> Term { state }
    public func codeChange(downTo vsn: Term, extra: Term) throws -> Term { state }

    public func exportState(into writer: inout ExternalTermWriter) throws {
        writer.term(state)
    }

    public func codeChange(downTo vsn: Term, extra: Term, into writer: inout ExternalTermWriter) throws {
        let older: Term = try codeChange(downTo: vsn, extra: extra)
        writer.term(older)
    }

    public static func codeChange(
        from vsn: FromVsn, state: inout ExternalTermReader, extra: Term, context: WorkerContext
    ) throws -> Self {
        // Another process of this release wrote it: its size is bounded by the state, not by a message.
        let term = try state.term(limits: TermLimits(maxBytes: .max, maxElements: .max))
        switch vsn {
        case .same:
            return try Self(state: term, context: context)
        case .up, .down:
            let converted: Term = try codeChange(from: vsn, state: term, extra: extra)
            return try Self(state: converted, context: context)
        }
    }

    public func getState() throws -> Term { state }

    public mutating func replaceState(_ state: Term, context: WorkerContext) throws {
        self = try Self(state: state, context: context)
    }
}
