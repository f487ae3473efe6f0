/// Reads a value from the term that `TermEncoder` has made of it.
///
/// Keys that it does not ask for are left alone, and one that is not there is `nil` to who asks for an optional value: so what an older
/// version has written is read by a newer one that has more.
public struct TermDecoder {
    public init() {}

    /// - Throws: `DecodingError`, which says where in the value.
    public func decode<Value: Decodable>(_ type: Value.Type, from term: Term) throws -> Value {
        try Self.value(type, from: term, at: [])
    }

    fileprivate static func value<Value: Decodable>(
        _ type: Value.Type, from term: Term, at path: [any CodingKey]
    ) throws -> Value {
        if type == Term.self { return term as! Value }
        if type == Atom.self, case .atom(let atom) = term { return atom as! Value }
        if type == Int.self, case .integer(let number) = term { return number as! Value }
        if type == [UInt8].self, case .binary(let bytes) = term { return bytes as! Value }
        if type == String.self, case .binary(let bytes) = term {
            return String(decoding: bytes, as: UTF8.self) as! Value
        }
        return try type.init(from: EncodedTerm(term: term, codingPath: path))
    }

    fileprivate static func mismatch(
        _ expected: Any.Type, _ wanted: String, _ term: Term, at path: [any CodingKey]
    ) -> DecodingError {
        let found = String(term.description.prefix(60))
        return .typeMismatch(expected, .init(codingPath: path, debugDescription: "expected \(wanted), found \(found)"))
    }
}

private struct EncodedTerm: Decoder {
    let term: Term
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(try DecodedPairs<Key>(term, codingPath))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { try DecodedElements(term, codingPath) }
    func singleValueContainer() -> any SingleValueDecodingContainer {
        DecodedSingle(term: term, codingPath: codingPath)
    }
}

private final class DecodedPairs<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let codingPath: [any CodingKey]
    private let pairs: [Term]
    /// Behind what was asked for last: values are asked for in the order in which they were written.
    private var next = 0

    init(_ term: Term, _ path: [any CodingKey]) throws {
        guard case .list(let pairs) = term else {
            throw TermDecoder.mismatch([String: Term].self, "a proplist", term, at: path)
        }
        self.pairs = pairs
        codingPath = path
    }

    private func find(_ key: String) -> Term? {
        for step in 0..<pairs.count {
            let index = (next + step) % pairs.count
            guard case .tuple(let parts) = pairs[index], parts.count == 2, case .atom(let atom) = parts[0],
                atom.name == key
            else { continue }
            next = index + 1
            return parts[1]
        }
        return nil
    }

    private func found(_ key: Key) throws -> Term {
        guard let term = find(key.stringValue) else {
            throw DecodingError.keyNotFound(
                key, .init(codingPath: codingPath, debugDescription: "there is no \(key.stringValue)"))
        }
        return term
    }

    var allKeys: [Key] {
        pairs.compactMap { pair in
            guard case .tuple(let parts) = pair, case .atom(let atom)? = parts.first else { return nil }
            return Key(stringValue: atom.name)
        }
    }

    func contains(_ key: Key) -> Bool { find(key.stringValue) != nil }
    func decodeNil(forKey key: Key) throws -> Bool { find(key.stringValue) == nil }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try TermDecoder.value(type, from: try found(key), at: codingPath + [key])
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        KeyedDecodingContainer(try DecodedPairs<Nested>(try found(key), codingPath + [key]))
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try DecodedElements(try found(key), codingPath + [key])
    }

    func superDecoder() throws -> any Decoder {
        EncodedTerm(term: find("super") ?? .list([]), codingPath: codingPath)
    }

    func superDecoder(forKey key: Key) throws -> any Decoder {
        EncodedTerm(term: try found(key), codingPath: codingPath + [key])
    }
}

private struct DecodedElements: UnkeyedDecodingContainer {
    let codingPath: [any CodingKey]
    private let elements: [Term]
    private(set) var currentIndex = 0

    init(_ term: Term, _ path: [any CodingKey]) throws {
        guard case .list(let elements) = term else { throw TermDecoder.mismatch([Term].self, "a list", term, at: path) }
        self.elements = elements
        codingPath = path
    }

    var count: Int? { elements.count }
    var isAtEnd: Bool { currentIndex == elements.count }

    private mutating func take() throws -> Term {
        guard !isAtEnd else {
            throw DecodingError.valueNotFound(
                Term.self,
                .init(codingPath: codingPath, debugDescription: "the list has \(elements.count) elements only"))
        }
        defer { currentIndex += 1 }
        return elements[currentIndex]
    }

    mutating func decodeNil() throws -> Bool {
        guard !isAtEnd, elements[currentIndex] == TermEncoder.none else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try TermDecoder.value(type, from: try take(), at: codingPath)
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        KeyedDecodingContainer(try DecodedPairs<Nested>(try take(), codingPath))
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try DecodedElements(try take(), codingPath)
    }

    mutating func superDecoder() throws -> any Decoder { EncodedTerm(term: try take(), codingPath: codingPath) }
}

private struct DecodedSingle: SingleValueDecodingContainer {
    let term: Term
    let codingPath: [any CodingKey]

    func decodeNil() -> Bool { term == TermEncoder.none }

    func decode(_ type: Bool.Type) throws -> Bool {
        switch term {
        case .atom("true"): true
        case .atom("false"): false
        default: throw TermDecoder.mismatch(type, "true or false", term, at: codingPath)
        }
    }

    func decode(_ type: String.Type) throws -> String {
        guard case .binary(let bytes) = term else { throw TermDecoder.mismatch(type, "a text", term, at: codingPath) }
        return String(decoding: bytes, as: UTF8.self)
    }

    func decode(_ type: Double.Type) throws -> Double {
        guard case .float(let number) = term else { throw TermDecoder.mismatch(type, "a float", term, at: codingPath) }
        return number
    }

    func decode(_ type: Float.Type) throws -> Float { Float(try decode(Double.self)) }
    func decode(_ type: Int.Type) throws -> Int { try integer(type) }
    func decode(_ type: Int8.Type) throws -> Int8 { try integer(type) }
    func decode(_ type: Int16.Type) throws -> Int16 { try integer(type) }
    func decode(_ type: Int32.Type) throws -> Int32 { try integer(type) }
    func decode(_ type: Int64.Type) throws -> Int64 { try integer(type) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try integer(type) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try integer(type) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try integer(type) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { UInt64(UInt(bitPattern: try integer(Int.self))) }
    func decode(_ type: UInt.Type) throws -> UInt { UInt(bitPattern: try integer(Int.self)) }

    private func integer<Number: FixedWidthInteger>(_ type: Number.Type) throws -> Number {
        guard case .integer(let number) = term, let exact = Number(exactly: number) else {
            throw TermDecoder.mismatch(type, "an integer of that size", term, at: codingPath)
        }
        return exact
    }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try TermDecoder.value(type, from: term, at: codingPath)
    }
}

extension Term: Decodable {
    /// Only `TermDecoder` knows terms.
    public init(from decoder: any Decoder) throws {
        throw DecodingError.dataCorrupted(
            .init(codingPath: decoder.codingPath, debugDescription: "a term is read by TermDecoder only"))
    }
}

extension Atom: Decodable {
    public init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(String.self))
    }
}
