/// A place in a text: line and column (in characters), both from 1.
public struct SourcePosition: Hashable, Sendable, CustomStringConvertible {
    public let line: Int
    public let column: Int

    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    public var description: String { "\(line):\(column)" }
}

/// A term with the places in the text where it and its parts began.
public struct LocatedTerm: Sendable {
    public let term: Term
    /// `nil` where the term came from no text.
    public let position: SourcePosition?
    /// `nil` for what the text did not write part by part, as a string.
    private let writtenChildren: [LocatedTerm]?

    /// A term that came from no text.
    public init(_ term: Term) {
        self.term = term
        position = nil
        writtenChildren = nil
    }

    private init(_ term: Term, _ position: SourcePosition?, _ children: [LocatedTerm]?) {
        self.term = term
        self.position = position
        writtenChildren = children
    }

    /// The same without the places below its children: what is kept of a large file.
    public var shallow: LocatedTerm {
        LocatedTerm(term, position, writtenChildren?.map { LocatedTerm($0.term, $0.position, nil) })
    }

    init(_ term: Term, at position: SourcePosition, children: [LocatedTerm]? = nil) {
        self.term = term
        self.position = position
        writtenChildren = children
    }

    /// A tuple's elements; a list's elements (then its tail, if that is not `[]`); a map's keys and
    /// values as they were written: key, value, key, value.
    ///
    /// The characters of a string have the string's position.
    public var children: [LocatedTerm] {
        if let writtenChildren { return writtenChildren }
        return switch term {
        case .tuple(let elements), .list(let elements): elements.map(part)
        case .improperList(let elements, let tail): elements.map(part) + [part(tail)]
        case .map(let pairs): pairs.inKeyOrder.flatMap { [part($0.key), part($0.value)] }
        case .atom, .integer, .bigInteger, .float, .binary, .bitstring, .opaque: []
        }
    }

    private func part(_ term: Term) -> LocatedTerm {
        guard let position else { return LocatedTerm(term) }
        return LocatedTerm(term, at: position)
    }
}
