public import Terms

/// What a barrier program is asked: `{sync_nodes, Id, Node, [Node], [{Key, Value}]}.` in one line.
///
/// `from` and `to` are the versions of the upgrade, `began` when it did (monotonic milliseconds of the machine), `timeout` how many
/// milliseconds the program has for its answer, some less than it is given. Source: docs/nodes.md.
public struct BarrierRequest: Hashable, Sendable {
    public let id: Term
    public let node: NodeName
    /// Without `node`, each once.
    public let others: [NodeName]
    public let from: String
    public let to: String
    public let beganMilliseconds: Int
    public let timeoutMilliseconds: Int

    /// Of the nodes of one barrier.
    public static let maximumNodes = 100

    public init(
        id: Term, node: NodeName, others: [NodeName], from: String, to: String, beganMilliseconds: Int,
        timeoutMilliseconds: Int
    ) {
        self.id = id
        self.node = node
        self.others = others
        self.from = from
        self.to = to
        self.beganMilliseconds = beganMilliseconds
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    /// So that the program can still say who is missing before it is killed for its time.
    public static func ownTimeout(ofLimit milliseconds: Int) -> Int { max(milliseconds - milliseconds / 10, 1) }

    public var line: String { "\(term).\n" }

    public var term: Term {
        let options: [(String, Term)] = [
            ("from", .string(from)), ("to", .string(to)), ("began", .integer(beganMilliseconds)),
            ("timeout", .integer(timeoutMilliseconds)),
        ]
        return .tuple([
            .atom("sync_nodes"), id, node.term, .list(others.map(\.term)),
            .list(options.map { .tuple([.atom($0.0), $0.1]) }),
        ])
    }

    /// Nil where it is none; further options are passed over.
    public init?(_ term: Term) {
        guard let parts = term.asTuple, parts.count == 5, parts[0] == .atom("sync_nodes"),
            let node = NodeName(parts[2]), let others = parts[3].asList, let options = parts[4].asList
        else { return nil }
        let names = others.compactMap { NodeName($0) }
        var values: [String: Term] = [:]
        for option in options {
            guard let pair = option.asTuple, pair.count == 2, let key = pair[0].asAtom else { return nil }
            values[key.name] = pair[1]
        }
        guard names.count == others.count, names.count <= Self.maximumNodes, Set(names).count == names.count,
            !names.contains(node), let from = values["from"]?.asText, let to = values["to"]?.asText,
            let began = values["began"]?.asInt, let timeout = values["timeout"]?.asInt
        else { return nil }
        self.init(
            id: parts[1], node: node, others: names, from: from, to: to, beganMilliseconds: began,
            timeoutMilliseconds: timeout)
    }
}
