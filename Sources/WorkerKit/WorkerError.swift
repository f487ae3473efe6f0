public import Terms

/// An error whose reason is a term of the author's choice: what a supervisor, a caller or `releasectl` sees.
public struct WorkerError: Error, Hashable, CustomStringConvertible {
    public let reason: Term

    public init(_ reason: Term) { self.reason = reason }

    /// `{Name, Text}`
    public init(_ name: Atom, _ text: String) {
        self.reason = .tuple([.atom(name), .binary(Array(text.utf8))])
    }

    public var description: String { "\(reason)" }
}

/// Thrown by a server's init: the supervisor carries on without this child. Source: gen_server, `ignore`.
public struct StartIgnored: Error, Hashable {
    public init() {}
}

/// The reason that an error stands for: its own where it has one, else `{error, Text}`.
func reason(of error: any Error) -> Term {
    if let error = error as? WorkerError { return error.reason }
    return .tuple([.atom("error"), text("\(error)")])
}

func text(_ text: String) -> Term { .binary(Array(text.utf8)) }
