extension TermParser {
    /// The term at the cursor, with `depth` containers around it.
    ///
    /// What is not recursive is kept out of this and the containers' functions: their frames are on the stack as
    /// often as terms are nested.
    mutating func term(depth: Int) throws(TermTextError) -> LocatedTerm {
        try enter(depth)
        switch peek() {
        case UInt8(ascii: "["): return try list(depth: depth)
        case UInt8(ascii: "{"): return try tuple(depth: depth)
        case UInt8(ascii: "#"): return try map(depth: depth)
        case UInt8(ascii: "<"): return try bitStringTerm(depth: depth)
        case UInt8(ascii: "("): return try parenthesized(depth: depth)
        default: return try scalar()
        }
    }

    /// Goes to the next term and counts it.
    mutating func enter(_ depth: Int) throws(TermTextError) {
        skipBlanks()
        guard depth <= limits.maxDepth else {
            throw failure("the term is nested more than \(limits.maxDepth) levels deep")
        }
        try takeElements(1, at: position)
    }

    /// A term in parentheses is that term.
    private mutating func parenthesized(depth: Int) throws(TermTextError) -> LocatedTerm {
        let start = position
        let parentheses = try openParentheses()
        guard try !isAtEnd() else { throw expected("a term", in: "parenthesis", from: start) }
        let term = try term(depth: depth + 1)
        try closeParentheses(parentheses)
        return term
    }

    /// Passes over opening parentheses and says how many there were.
    mutating func openParentheses() throws(TermTextError) -> Int {
        var count = 0
        while peek() == UInt8(ascii: "(") {
            try takeElements(1, at: position)
            advance()
            skipBlanks()
            count += 1
        }
        return count
    }

    mutating func closeParentheses(_ count: Int) throws(TermTextError) {
        for _ in 0..<count {
            guard accept(")") else { throw expected("')'") }
        }
    }

    private mutating func bitStringTerm(depth: Int) throws(TermTextError) -> LocatedTerm {
        let start = position
        return LocatedTerm(try bitString(depth: depth), at: start)
    }

    private mutating func scalar() throws(TermTextError) -> LocatedTerm {
        let start = position
        guard let (code, _) = peekCharacter() else { throw expected("a term") }
        switch code {
        case 0x22: return LocatedTerm(try stringList(), at: start)
        case 0x27: return LocatedTerm(.atom(try atom()), at: start)
        case 0x24, 0x2B, 0x2D, 0x30...0x39: return LocatedTerm(try signedNumber(), at: start)
        case _ where CharacterClass.startsAtom(code):
            return LocatedTerm(stands("fun") ? try atomOrFun() : .atom(try atom()), at: start)
        default: throw expected("a term")
        }
    }

    /// Passes over blanks and then `symbol`, if it stands there.
    mutating func accept(_ symbol: StaticString) -> Bool {
        skipBlanks()
        guard stands(symbol) else { return false }
        advance(symbol.utf8CodeUnitCount)
        return true
    }

    private mutating func list(depth: Int) throws(TermTextError) -> LocatedTerm {
        let start = position
        advance()
        if accept("]") { return LocatedTerm(.nil, at: start) }
        var children: [LocatedTerm] = []
        repeat {
            try element(of: "list", from: start, depth: depth, into: &children)
        } while accept(",")
        let hasTail = accept("|")
        if hasTail { try element(of: "list", from: start, depth: depth, into: &children) }
        guard accept("]") else { throw expected(hasTail ? "']'" : "',', '|' or ']'", in: "list", from: start) }
        return Self.list(children, hasTail: hasTail, at: start)
    }

    /// The list of the children, of which the last may be the tail.
    private static func list(_ children: [LocatedTerm], hasTail: Bool, at start: SourcePosition) -> LocatedTerm {
        guard hasTail, let tail = children.last else {
            return LocatedTerm(.list(children.map(\.term)), at: start, children: children)
        }
        let elements = children.dropLast()
        let term = Term(elements: elements.map(\.term), tail: tail.term)
        switch tail.term {
        case .list, .improperList: return LocatedTerm(term, at: start, children: elements + tail.children)
        case .atom, .integer, .bigInteger, .float, .binary, .bitstring, .tuple, .map, .opaque:
            return LocatedTerm(term, at: start, children: children)
        }
    }

    private mutating func tuple(depth: Int) throws(TermTextError) -> LocatedTerm {
        let start = position
        advance()
        if accept("}") { return LocatedTerm(.tuple([]), at: start) }
        var children: [LocatedTerm] = []
        repeat {
            try element(of: "tuple", from: start, depth: depth, into: &children)
        } while accept(",")
        guard accept("}") else { throw expected("',' or '}'", in: "tuple", from: start) }
        return LocatedTerm(.tuple(children.map(\.term)), at: start, children: children)
    }

    /// `#{Key => Value, ...}`. Of a key that comes twice the last value counts, as in OTP.
    private mutating func map(depth: Int) throws(TermTextError) -> LocatedTerm {
        let start = position
        advance()
        guard accept("{") else { throw expected("'{' after '#'") }
        if accept("}") { return LocatedTerm(.map([:]), at: start) }
        var children: [LocatedTerm] = []
        repeat {
            try element(of: "map", from: start, depth: depth, into: &children)
            guard accept("=>") else { throw expected("'=>'", in: "map", from: start) }
            try element(of: "map", from: start, depth: depth, into: &children)
        } while accept(",")
        guard accept("}") else { throw expected("',' or '}'", in: "map", from: start) }
        return Self.map(children, at: start)
    }

    private static func map(_ children: [LocatedTerm], at start: SourcePosition) -> LocatedTerm {
        var pairs: [Term: Term] = [:]
        for index in stride(from: 0, to: children.count, by: 2) {
            pairs[children[index].term] = children[index + 1].term
        }
        return LocatedTerm(.map(pairs), at: start, children: children)
    }

    private mutating func element(
        of container: String, from start: SourcePosition, depth: Int, into children: inout [LocatedTerm]
    ) throws(TermTextError) {
        guard try !isAtEnd() else { throw expected("a term", in: container, from: start) }
        children.append(try term(depth: depth + 1))
    }

    /// `fun Module:Function/Arity`, or an atom that begins with "fun".
    private mutating func atomOrFun() throws(TermTextError) -> Term {
        let start = position
        let before = self
        let word = try name()
        guard word == "fun" else {
            self = before
            return .atom(try atom())
        }
        skipBlanks()
        let module = try funPart("a module's name after 'fun' ('fun' as an atom needs quotes)")
        guard accept(":") else { throw expected("':' after the module's name") }
        skipBlanks()
        let function = try funPart("a function's name")
        guard accept("/") else { throw expected("'/' after the function's name") }
        skipBlanks()
        guard let digit = peek(), (0x30...0x39).contains(digit) else { throw expected("the fun's arity") }
        guard case .integer(let value) = try number(), let arity = UInt8(exactly: value) else {
            throw failure("the fun's arity must be from 0 to 255", at: start)
        }
        return .opaque(.export(module: module, function: function, arity: arity))
    }

    private mutating func funPart(_ what: String) throws(TermTextError) -> Atom {
        guard let (code, _) = peekCharacter(), code == 0x27 || CharacterClass.startsAtom(code) else {
            throw expected(what)
        }
        return try atom()
    }
}
