public import Terms

/// Messages as terms: `here`, `{failing, Reason}`, `{decided, ok | {error, Reason}}`.
extension BarrierMachine.Message {
    public var term: Term {
        switch self {
        case .here: .atom("here")
        case .failing(let reason): .tuple([.atom("failing"), reason])
        case .decided(.passed): .tuple([.atom("decided"), .ok])
        case .decided(.failed(let reason)): .tuple([.atom("decided"), .tuple([.error, reason])])
        }
    }

    public init?(_ term: Term) {
        if term == .atom("here") {
            self = .here
            return
        }
        guard let parts = term.asTuple, parts.count == 2 else { return nil }
        switch (parts[0].asAtom?.name, parts[1]) {
        case ("failing", let reason): self = .failing(reason)
        case ("decided", .ok): self = .decided(.passed)
        case ("decided", .tuple(let error)) where error.count == 2 && error[0] == .error:
            self = .decided(.failed(error[1]))
        default: return nil
        }
    }
}
