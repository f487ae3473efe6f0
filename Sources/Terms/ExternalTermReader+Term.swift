extension ExternalTermReader {
    /// One term with `depth` containers around it.
    mutating func term(
        depth: Int, limits: TermLimits, elementsLeft: inout Int
    ) throws(ExternalTermError) -> Term {
        let start = offset
        guard depth <= limits.maxDepth else {
            throw failure(at: start, "the term is nested more than \(limits.maxDepth) levels deep")
        }
        try take(1, of: &elementsLeft, at: start, limits)
        let tag = try byte()
        switch tag {
        case ExternalTag.smallInteger: return .ofByte(try byte())
        case ExternalTag.integer: return .integer(Int(Int32(bitPattern: try uint32())))
        case ExternalTag.smallBig: return try big(count: Int(try byte()), at: start, limits: limits)
        case ExternalTag.largeBig: return try big(count: Int(try uint32()), at: start, limits: limits)
        case ExternalTag.nil: return .nil
        case ExternalTag.binary: return .binary(Array(try slice(Int(try uint32()))))
        case ExternalTag.bitBinary: return try bitBinary(at: start)
        case ExternalTag.string:
            let characters = try slice(Int(try uint16()))
            try take(characters.count, of: &elementsLeft, at: start, limits)
            return .list(characters.map(Term.ofByte))
        case ExternalTag.list, ExternalTag.smallTuple, ExternalTag.largeTuple, ExternalTag.map:
            offset = start
            return try container(tag, depth: depth, limits: limits, elementsLeft: &elementsLeft)
        default: break
        }
        if let atom = try atom(tag: tag, at: start, limits: limits) { return .atom(atom) }
        if let value = try float(tag: tag, at: start) { return .float(value) }
        if let opaque = try opaque(
            tag: tag, at: start, depth: depth, limits: limits, elementsLeft: &elementsLeft)
        {
            return .opaque(opaque)
        }
        throw unexpected(tag, at: start, "a term")
    }

    private mutating func container(
        _ tag: UInt8, depth: Int, limits: TermLimits, elementsLeft: inout Int
    ) throws(ExternalTermError) -> Term {
        if tag == ExternalTag.map {
            return try map(depth: depth, limits: limits, elementsLeft: &elementsLeft)
        }
        let isList = tag == ExternalTag.list
        let count = isList ? try listHeader() : try tupleHeader()
        var elements: [Term] = []
        elements.reserveCapacity(Self.reservation(count))
        for _ in 0..<count {
            elements.append(try term(depth: depth + 1, limits: limits, elementsLeft: &elementsLeft))
        }
        guard isList else { return .tuple(elements) }
        if offset < buffer.count, buffer[offset] == ExternalTag.nil {
            offset += 1
            return .list(elements)
        }
        return Term(
            elements: elements, tail: try term(depth: depth + 1, limits: limits, elementsLeft: &elementsLeft))
    }

    private mutating func map(
        depth: Int, limits: TermLimits, elementsLeft: inout Int
    ) throws(ExternalTermError) -> Term {
        let count = try mapHeader()
        var pairs: [Term: Term] = [:]
        pairs.reserveCapacity(Self.reservation(count))
        for _ in 0..<count {
            let start = offset
            let key = try term(depth: depth + 1, limits: limits, elementsLeft: &elementsLeft)
            let value = try term(depth: depth + 1, limits: limits, elementsLeft: &elementsLeft)
            guard pairs.updateValue(value, forKey: key) == nil else {
                throw failure(at: start, "the map has this key twice")
            }
        }
        return .map(pairs)
    }

    /// What to reserve for `count` elements at once: nested hostile counts would each be borne out by the same
    /// bytes, so that all of them together may not be believed.
    private static func reservation(_ count: Int) -> Int { min(count, 4096) }

    private func take(
        _ count: Int, of elementsLeft: inout Int, at start: Int, _ limits: TermLimits
    ) throws(ExternalTermError) {
        elementsLeft -= count
        guard elementsLeft >= 0 else {
            throw failure(at: start, "the term has more than \(limits.maxElements) elements")
        }
    }

    private mutating func bitBinary(at start: Int) throws(ExternalTermError) -> Term {
        let count = Int(try uint32())
        let bits = Int(try byte())
        guard bits <= 8, (bits == 0) == (count == 0) else {
            throw failure(at: start, "the bit string of \(count) bytes has \(bits) bits in its last byte")
        }
        return Term(bytes: Array(try slice(count)), bitsInLastByte: bits)
    }

    /// `count` bytes of magnitude, least significant first, behind a byte for the sign.
    mutating func big(count: Int, at start: Int, limits: TermLimits) throws(ExternalTermError) -> Term {
        let sign = try byte()
        guard sign <= 1 else { throw failure(at: start, "the integer's sign is \(sign), expected 0 or 1") }
        guard count <= limits.maxIntegerBytes else {
            throw failure(
                at: start, "the integer is \(count) bytes long, at most \(limits.maxIntegerBytes) are accepted")
        }
        let digits = try slice(count)
        var words = [UInt](repeating: 0, count: (count + 7) / 8)
        for (index, digit) in digits.enumerated() {
            words[index / 8] |= UInt(digit) << (8 * (index % 8))
        }
        return Term(BigInteger(isNegative: sign == 1, magnitude: words))
    }

    /// The float behind the tag, or nil if that is no float's.
    mutating func float(tag: UInt8, at start: Int) throws(ExternalTermError) -> Double? {
        let value: Double
        switch tag {
        case ExternalTag.newFloat: value = Double(bitPattern: try uint64())
        case ExternalTag.float:
            let text = String(decoding: try slice(31).prefix { $0 != 0 }, as: UTF8.self)
            guard let parsed = Double(text) else {
                throw failure(at: start, "the float's text cannot be read")
            }
            value = parsed
        default: return nil
        }
        guard value.isFinite else { throw failure(at: start, "the float is not finite") }
        return value
    }

    /// The atom behind the tag, or nil if that is no atom's.
    mutating func atom(
        tag: UInt8, at start: Int, limits: TermLimits
    ) throws(ExternalTermError) -> Atom? {
        let name: String
        switch tag {
        case ExternalTag.smallAtomUTF8: name = try utf8(try slice(Int(try byte())), at: start)
        case ExternalTag.atomUTF8: name = try utf8(try slice(Int(try uint16())), at: start)
        case ExternalTag.smallAtom: name = Self.latin1(try slice(Int(try byte())))
        case ExternalTag.atom: name = Self.latin1(try slice(Int(try uint16())))
        default: return nil
        }
        guard name.utf8.count <= limits.maxAtomCharacters || name.unicodeScalars.count <= limits.maxAtomCharacters
        else {
            throw failure(at: start, "the atom is longer than \(limits.maxAtomCharacters) characters")
        }
        return Atom(name)
    }

    private func utf8(_ bytes: UnsafeRawBufferPointer, at start: Int) throws(ExternalTermError) -> String {
        guard let name = String(validating: bytes, as: UTF8.self) else {
            throw failure(at: start, "the atom is not valid UTF-8")
        }
        return name
    }

    private static func latin1(_ bytes: UnsafeRawBufferPointer) -> String {
        var scalars = String.UnicodeScalarView()
        for byte in bytes { scalars.append(Unicode.Scalar(byte)) }
        return String(scalars)
    }
}
