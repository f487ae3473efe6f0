public import Terms

/// The barrier of `sync_nodes` as one of its nodes sees it: all who live to tell come to the same end.
///
/// ```
///            all joined: say `here`         all are here             the lower ones have decided or left
/// gathering ───────────────────────▶ ... ───────────────▶ proposing ─────────────────────────────────▶ decided
///     │  somebody is down, has left, says that it failed; time is up       ▲
///     └────────────────────────────────────────────────────────────────────┘
/// ```
///
/// Every two nodes have one connection, and its end is the end of who was at the other side: nobody is suspected by the clock.
///
/// 1. A node says `here` when it is joined with all others. So when one is told so by all, all are joined with each other.
/// 2. Who is told so by all proposes to pass; whoever learns before that nothing can come of it proposes to fail, and says so.
/// 3. A node decides when each of those before it, in the order of names, has decided or left: as the last of them did that said
///    so, else as it proposed itself. It tells all, and then its own daemon.
///
/// Why it agrees: the first, by name, of those that live on decides, and tells all; each later one waits for it and follows it, or
/// somebody between who has followed it. One that is not joined with all need wait for nobody: by 1 nobody can have passed.
/// It is the hierarchical consensus of Guerraoui and Rodrigues, Introduction to Reliable Distributed Programming, 5.1.3.
public struct BarrierMachine: Hashable, Sendable {
    public enum Verdict: Hashable, Sendable {
        case passed
        case failed(Term)
    }

    /// What two nodes say to each other once they know who they are.
    public enum Message: Hashable, Sendable {
        case here
        /// Nothing comes of it, as far as this one knows: a hint, no decision.
        case failing(Term)
        case decided(Verdict)
    }

    public enum Event: Hashable, Sendable {
        /// Each of the two knows who the other is.
        case joined(NodeName)
        case received(Message, from: NodeName)
        /// Its connection has ended.
        case left(NodeName)
        /// Its daemon is gone, or its upgrade has failed.
        case down(NodeName)
        /// The time for the others to come is up.
        case overdue
        /// The end of this node's upgrade.
        case inputEnded
    }

    public enum Action: Hashable, Sendable {
        case send(Message, to: [NodeName])
        case answer(BarrierAnswer)
        case end
    }

    private enum Peer: Hashable {
        case away
        case joined
        case here
        case decided(Verdict)
        /// As it decided, if it did.
        case left(Verdict?)

        var isConnected: Bool {
            switch self {
            case .joined, .here, .decided: true
            case .away, .left: false
            }
        }

        var verdict: Verdict? {
            switch self {
            case .decided(let verdict): verdict
            case .left(let verdict): verdict
            case .away, .joined, .here: nil
            }
        }
    }

    private enum Phase: Hashable {
        case gathering(saidHere: Bool)
        case proposing(Verdict)
        case decided(Verdict)
    }

    private let own: NodeName
    /// In the order of their names.
    private let names: [NodeName]
    private var peers: [NodeName: Peer]
    private var phase = Phase.gathering(saidHere: false)
    /// In the order in which it was learnt.
    private var down: [NodeName] = []

    public init(own: NodeName, others: [NodeName]) {
        self.own = own
        names = others.sorted()
        peers = Dictionary(uniqueKeysWithValues: others.map { ($0, .away) })
    }

    /// With no others it passes at once.
    public mutating func start() -> [Action] { advance() }

    public mutating func handle(_ event: Event) -> [Action] {
        switch event {
        case .joined(let node):
            guard peers[node] == .away else { return [] }
            peers[node] = .joined
            return advance()
        case .received(let message, let node):
            guard let peer = peers[node], peer.isConnected else { return [] }
            return received(message, from: node)
        case .left(let node):
            guard let peer = peers[node], peer.isConnected else { return [] }
            peers[node] = .left(peer.verdict)
            return failing(Self.nodedown(node)) + advance()
        case .down(let node):
            guard peers[node] != nil, !down.contains(node) else { return [] }
            down.append(node)
            return failing(Self.nodedown(node)) + advance()
        case .overdue:
            return failing(
                .tuple([.atom("timeout"), .list(missing.prefix(BarrierAnswer.nodesOfALine).map(\.term))])) + advance()
        case .inputEnded:
            guard case .decided(.passed) = phase, !down.isEmpty else { return [.end] }
            let parts = stride(from: 0, to: down.count, by: BarrierAnswer.nodesOfALine).map {
                Action.answer(.nodesDown(Array(down[$0...].prefix(BarrierAnswer.nodesOfALine))))
            }
            return parts + [.end]
        }
    }

    private mutating func received(_ message: Message, from node: NodeName) -> [Action] {
        switch message {
        case .here:
            if peers[node] == .joined { peers[node] = .here }
            return advance()
        case .failing(let reason): return failing(reason) + advance()
        case .decided(let verdict):
            peers[node] = .decided(verdict)
            switch verdict {
            case .failed(let reason): return failing(reason) + advance()
            case .passed:
                if case .gathering = phase { phase = .proposing(.passed) }
                return advance()
            }
        }
    }

    /// Who has a proposal keeps it: others may have gone by it.
    private mutating func failing(_ reason: Term) -> [Action] {
        guard case .gathering = phase else { return [] }
        phase = .proposing(.failed(reason))
        return send(.failing(reason))
    }

    /// Whatever follows from what is known.
    private mutating func advance() -> [Action] {
        switch phase {
        case .gathering(false) where isJoinedWithAll:
            phase = .gathering(saidHere: true)
            return send(.here) + advance()
        case .gathering(true) where peers.values.allSatisfy({ $0 == .here }):
            phase = .proposing(.passed)
            return advance()
        case .proposing(let proposal):
            guard let verdict = verdict(for: proposal) else { return [] }
            phase = .decided(verdict)
            let told = send(.decided(verdict))
            switch verdict {
            case .passed: return told + [.answer(.passed)]
            case .failed(let reason): return told + [.answer(.failed(reason)), .end]
            }
        case .gathering, .decided: return []
        }
    }

    /// Whether it was joined with each of them, whatever became of that.
    private var isJoinedWithAll: Bool { !peers.values.contains(.away) }

    /// Those who have not come; where all have, those who are not known to be with all.
    private var missing: [NodeName] {
        let away = names.filter { peers[$0] == .away }
        return away.isEmpty ? names.filter { peers[$0] == .joined } : away
    }

    /// Nil while somebody before it has to decide.
    private func verdict(for proposal: Verdict) -> Verdict? {
        guard isJoinedWithAll else { return proposal }
        var verdict = proposal
        for name in names where name < own {
            switch peers[name] {
            case .decided(let theirs)?, .left(.some(let theirs))?: verdict = theirs
            case .left(nil)?: continue
            case .away?, .joined?, .here?, nil: return nil
            }
        }
        return verdict
    }

    private func send(_ message: Message) -> [Action] {
        let connected = names.filter { peers[$0]?.isConnected == true }
        return connected.isEmpty ? [] : [.send(message, to: connected)]
    }

    private static func nodedown(_ node: NodeName) -> Term { .tuple([.atom("nodedown"), node.term]) }
}
