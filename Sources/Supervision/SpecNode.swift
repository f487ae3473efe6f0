import Terms

/// A term of a `.sup` file with its place, `{'$env', Key, Default}` already resolved.
///
/// What came from the environment has the place of the `'$env'` tuple.
struct SpecNode {
    let term: Term
    let position: SourcePosition?
    /// A tuple's or list's elements; a map's key, value, key, value.
    let children: [SpecNode]

    init(_ located: LocatedTerm, _ environment: (Atom) -> Term?) throws(SpecError) {
        self = try Self.resolve(located, within: located.position, environment)
    }

    /// A term that came from no file.
    init(_ term: Term, at position: SourcePosition? = nil) {
        let located = LocatedTerm(term)
        self.init(term: term, position: position, children: located.children.map { SpecNode($0.term, at: position) })
    }

    private init(term: Term, position: SourcePosition?, children: [SpecNode]) {
        self.term = term
        self.position = position
        self.children = children
    }

    private static func resolve(
        _ located: LocatedTerm, within outer: SourcePosition?, _ environment: (Atom) -> Term?
    ) throws(SpecError) -> SpecNode {
        let position = located.position ?? outer
        let parts = located.children
        if case .tuple(let elements) = located.term, elements.first == .atom("$env") {
            guard elements.count == 3, case .atom(let key) = elements[1] else {
                throw SpecError(
                    position: position, reason: .tuple([.atom("invalid_env"), located.term]),
                    message: "invalid_env: expected {'$env', Key, Default}, found \(SpecError.shortened(located.term))")
            }
            if let value = environment(key) { return SpecNode(value, at: position) }
            return try resolve(parts[2], within: position, environment)
        }
        var children: [SpecNode] = []
        children.reserveCapacity(parts.count)
        for part in parts { children.append(try resolve(part, within: position, environment)) }
        let term = located.term.rebuilt(of: children.map(\.term))
        return SpecNode(term: term, position: position, children: children)
    }
}

extension Term {
    /// The same kind of term with these parts, in the order of `LocatedTerm.children`.
    fileprivate func rebuilt(of parts: [Term]) -> Term {
        switch self {
        case .tuple:
            return .tuple(parts)
        case .list:
            return .list(parts)
        case .improperList:
            guard let tail = parts.last else { return self }
            return Term(elements: Array(parts.dropLast()), tail: tail)
        case .map:
            var map: [Term: Term] = [:]
            for index in stride(from: 0, to: parts.count - 1, by: 2) { map[parts[index]] = parts[index + 1] }
            return .map(map)
        case .atom, .integer, .bigInteger, .float, .binary, .bitstring, .opaque:
            return self
        }
    }
}

/// Why a term is no supervisor's init or no child spec.
struct SpecError: Error {
    let position: SourcePosition?
    /// What OTP's `check_childspecs` answers: `{invalid_shutdown, X}` and so on.
    let reason: Term
    /// One sentence, which begins with the name of OTP's reason.
    let message: String

    /// Characters of a term that an error shows.
    static let foundCharactersLimit = 60

    init(position: SourcePosition?, reason: Term, message: String) {
        self.position = position
        self.reason = reason
        self.message = message
    }

    /// `NAME: expected ..., found ...`, with the reason `{NAME, Found}`.
    init(_ name: String, _ node: SpecNode, expected: String) {
        self.init(
            position: node.position, reason: .tuple([.atom(name), node.term]),
            message: "\(name): expected \(expected), found \(Self.shortened(node.term))")
    }

    static func shortened(_ term: Term) -> String {
        let text = term.description
        return text.count <= foundCharactersLimit ? text : text.prefix(foundCharactersLimit) + "…"
    }
}
