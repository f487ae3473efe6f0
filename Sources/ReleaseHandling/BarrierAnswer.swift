public import Terms

/// A line that a barrier program says: one term with a full stop behind it. Source: docs/nodes.md.
public enum BarrierAnswer: Hashable, Sendable {
    /// `ok.`: all are there.
    case passed
    /// `{error, Reason}.`, as `{error, {nodedown, Node}}.`
    case failed(Term)
    /// `{nodedown, [Node]}.`: they died, or their upgrades failed, after all were there.
    case nodesDown([NodeName])

    /// As many names as always have room in a line that the daemon reads, of 8 KiB.
    static let nodesOfALine = 8_000 / (NodeName.maximumBytes + 8)

    public struct BadAnswer: Error, Hashable, CustomStringConvertible { public let description: String }

    public init(line: String) throws(BadAnswer) {
        let text = line.hasSuffix(".") ? String(line.dropLast()) : line
        let term: Term
        do {
            term = try TermText.parseTerm(text)
        } catch {
            throw BadAnswer(description: "\(Self.shown(line)) is no term: \(error)")
        }
        if term == .ok {
            self = .passed
        } else if let parts = term.asTuple, parts.count == 2, parts[0] == .error {
            self = .failed(parts[1])
        } else if let parts = term.asTuple, parts.count == 2, parts[0] == .atom("nodedown"),
            let nodes = parts[1].asList,
            case let names = nodes.compactMap({ NodeName($0) }), names.count == nodes.count
        {
            self = .nodesDown(names)
        } else {
            throw BadAnswer(
                description: "expected ok, {error, Reason} or {nodedown, [Node]}, found \(Self.shown(line))")
        }
    }

    public var line: String { "\(term).\n" }

    public var term: Term {
        switch self {
        case .passed: .ok
        case .failed(let reason): .tuple([.error, reason])
        case .nodesDown(let nodes): .tuple([.atom("nodedown"), .list(nodes.map(\.term))])
        }
    }

    private static func shown(_ line: String) -> String { String(line.prefix(60)) }
}
