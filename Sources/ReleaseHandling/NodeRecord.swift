public import Terms

/// What a node tells the other nodes of its machine of itself: `{node, Name, Pid, RegisteredMs, State}`.
///
/// Times are monotonic milliseconds of the machine. Source: docs/nodes.md.
public struct NodeRecord: Hashable, Sendable {
    public enum State: Hashable, Sendable, Codable {
        /// No upgrade since it was started.
        case idle
        /// `{upgrading, From, To, StartedMs}`
        case upgrading(from: String, to: String, milliseconds: Int)
        /// `{installed, To, EndedMs}`: the last upgrade was done.
        case installed(to: String, milliseconds: Int)
        /// `{failed, To, EndedMs}`: it was refused, undone, or ends the node.
        case failed(to: String, milliseconds: Int)
        /// `{restarting, To, EndedMs}`: its script is done, and restarts the daemon into the new release.
        case restarting(to: String, milliseconds: Int)
    }

    public let node: NodeName
    public let pid: Int32
    /// When its daemon was started.
    public let registeredMilliseconds: Int
    public var state: State

    public init(node: NodeName, pid: Int32, registeredMilliseconds: Int, state: State = .idle) {
        self.node = node
        self.pid = pid
        self.registeredMilliseconds = registeredMilliseconds
        self.state = state
    }

    /// Whether nobody need wait for it whose own upgrade began at `began`: its upgrade has failed since, or it has been
    /// started anew and is in none. What failed before counts no more: its operator may try again.
    public func isDown(forUpgradeBegunAt began: Int) -> Bool {
        switch state {
        case .failed(_, let ended): ended >= began
        case .idle: registeredMilliseconds >= began
        case .upgrading, .installed, .restarting: false
        }
    }

    /// Whether the end of its daemon is a part of its upgrade.
    public var isRestarting: Bool {
        if case .restarting = state { true } else { false }
    }

    // MARK: Term

    public var term: Term {
        .tuple([
            .atom("node"), node.term, .integer(Int(pid)), .integer(registeredMilliseconds), Self.term(state),
        ])
    }

    public init?(_ term: Term) {
        guard let parts = term.asTuple, parts.count == 5, parts[0] == .atom("node"), let node = NodeName(parts[1]),
            let pid = parts[2].asInt.flatMap(Int32.init(exactly:)), let registered = parts[3].asInt,
            let state = Self.state(parts[4])
        else { return nil }
        self.init(node: node, pid: pid, registeredMilliseconds: registered, state: state)
    }

    private static func term(_ state: State) -> Term {
        switch state {
        case .idle: .atom("idle")
        case .upgrading(let from, let to, let milliseconds):
            .tuple([.atom("upgrading"), .string(from), .string(to), .integer(milliseconds)])
        case .installed(let to, let milliseconds): ended("installed", to, milliseconds)
        case .failed(let to, let milliseconds): ended("failed", to, milliseconds)
        case .restarting(let to, let milliseconds): ended("restarting", to, milliseconds)
        }
    }

    private static func ended(_ name: String, _ to: String, _ milliseconds: Int) -> Term {
        .tuple([.atom(name), .string(to), .integer(milliseconds)])
    }

    private static func state(_ term: Term) -> State? {
        if term == .atom("idle") { return .idle }
        guard let parts = term.asTuple, let name = parts.first?.asAtom?.name, let last = parts.last?.asInt,
            parts.count == (name == "upgrading" ? 4 : 3), let to = parts[parts.count - 2].asText
        else { return nil }
        switch name {
        case "upgrading": return parts[1].asText.map { .upgrading(from: $0, to: to, milliseconds: last) }
        case "installed": return .installed(to: to, milliseconds: last)
        case "failed": return .failed(to: to, milliseconds: last)
        case "restarting": return .restarting(to: to, milliseconds: last)
        default: return nil
        }
    }
}
