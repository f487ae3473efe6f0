extension Term: ExpressibleByIntegerLiteral {
    public init(integerLiteral value: Int) { self = .integer(value) }

    /// An integer in its one form: `.integer` where it fits.
    public init(_ integer: BigInteger) {
        self = integer.asInt.map(Term.integer) ?? .bigInteger(integer)
    }

    /// A list of elements and a tail in its one form: joined where the tail is a list itself, and the
    /// tail alone where there are no elements (`[|T]` is T).
    public init(elements: [Term], tail: Term) {
        guard !elements.isEmpty else {
            self = tail
            return
        }
        switch tail {
        case .list(let rest): self = .list(rest.isEmpty ? elements : elements + rest)
        case .improperList(let rest, let last): self = .improperList(elements + rest, tail: last)
        case .atom, .integer, .bigInteger, .float, .binary, .bitstring, .tuple, .map, .opaque:
            self = .improperList(elements, tail: tail)
        }
    }

    /// A bit string in its one form: `bits` (0...8) of the last byte count, from the top; the rest is zeroed.
    public init(bytes: [UInt8], bitsInLastByte bits: Int) {
        guard bits < 8, bits > 0, let last = bytes.last else {
            self = .binary(bytes)
            return
        }
        var masked = bytes
        masked[masked.count - 1] = last & (0xFF << (8 - UInt8(bits)))
        self = .bitstring(masked, bits: bits)
    }

    /// The list of a string's code points, which is what Erlang calls a string.
    public static func string(_ string: String) -> Term {
        .list(string.unicodeScalars.map { Term.ofCodePoint($0.value) })
    }

    /// The binary of a string's UTF-8.
    public static func text(_ string: String) -> Term { .binary(Array(string.utf8)) }

    public static func atom(_ name: String) -> Term { .atom(Atom(name)) }

    public static let ok = Term.atom("ok")
    public static let error = Term.atom("error")
    public static let undefined = Term.atom("undefined")
    public static let `true` = Term.atom("true")
    public static let `false` = Term.atom("false")
    public static let infinity = Term.atom("infinity")
    public static let normal = Term.atom("normal")
    public static let shutdown = Term.atom("shutdown")
    /// The empty list, `[]`.
    public static let `nil` = Term.list([])

    /// `true` or `false`.
    public static func bool(_ value: Bool) -> Term { value ? .true : .false }
}

extension Term {
    public var asAtom: Atom? {
        guard case .atom(let atom) = self else { return nil }
        return atom
    }

    public var asBool: Bool? {
        guard case .atom(let atom) = self else { return nil }
        return switch atom.name {
        case "true": true
        case "false": false
        default: nil
        }
    }

    public var asInt: Int? {
        guard case .integer(let value) = self else { return nil }
        return value
    }

    /// Any integer, small or big.
    public var asBigInteger: BigInteger? {
        if case .integer(let value) = self { return BigInteger(value) }
        guard case .bigInteger(let value) = self else { return nil }
        return value
    }

    public var asDouble: Double? {
        guard case .float(let value) = self else { return nil }
        return value
    }

    public var asList: [Term]? {
        guard case .list(let elements) = self else { return nil }
        return elements
    }

    public var asTuple: [Term]? {
        guard case .tuple(let elements) = self else { return nil }
        return elements
    }

    public var asMap: [Term: Term]? {
        guard case .map(let pairs) = self else { return nil }
        return pairs
    }

    public var asBinary: [UInt8]? {
        guard case .binary(let bytes) = self else { return nil }
        return bytes
    }

    /// The text of a list of code points; `[]` is the empty text.
    public var asString: String? {
        guard case .list(let elements) = self else { return nil }
        var scalars = String.UnicodeScalarView()
        for element in elements {
            guard case .integer(let value) = element, let code = UInt32(exactly: value),
                let scalar = Unicode.Scalar(code)
            else { return nil }
            scalars.append(scalar)
        }
        return String(scalars)
    }

    /// The text of a list of code points or of a UTF-8 binary.
    public var asText: String? {
        guard case .binary(let bytes) = self else { return asString }
        return String(validating: bytes, as: UTF8.self)
    }
}

extension Term {
    /// Shared, because bytes and characters are by far the most frequent integers and each costs an allocation.
    private static let smallIntegers: [Term] = (0...255).map { Term.integer($0) }

    static func ofByte(_ byte: UInt8) -> Term { smallIntegers[Int(byte)] }

    static func ofCodePoint(_ code: UInt32) -> Term {
        code < 256 ? smallIntegers[Int(code)] : .integer(Int(code))
    }
}
