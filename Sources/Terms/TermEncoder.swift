/// Writes an `Encodable` value as a term, which `TermDecoder` reads back.
///
/// A value with keys becomes a proplist, `[{Key, Value}]` with the keys that are there; a sequence a list; text a binary, as bytes are.
/// Terms and atoms stand as they are.
public struct TermEncoder {
    public init() {}

    public func encode(_ value: some Encodable) throws -> Term {
        try Self.term(value, at: [])
    }

    /// What stands for `nil` where something has to.
    static let none = Term.tuple([.atom("$nil")])

    fileprivate static func term<Value: Encodable>(_ value: Value, at path: [any CodingKey]) throws -> Term {
        // Each type is compared once it is specialised: nothing is cast.
        if Value.self == Term.self { return value as! Term }
        if Value.self == Atom.self { return .atom(value as! Atom) }
        if Value.self == Int.self { return .integer(value as! Int) }
        if Value.self == String.self { return .text(value as! String) }
        if Value.self == [UInt8].self { return .binary(value as! [UInt8]) }
        let box = EncodedValue(codingPath: path)
        try value.encode(to: box)
        return box.term
    }
}

/// What a value has written of itself up to now.
private final class EncodedValue: Encoder {
    private enum Content {
        case none
        case single(Term)
        /// Pairs of a key and a value, or elements.
        case list([Term])
    }

    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }
    private var content = Content.none
    /// Values that are written into by their own containers, by where they stand in the list.
    private var nested: [(index: Int, key: Atom?, value: EncodedValue)] = []

    init(codingPath: [any CodingKey]) { self.codingPath = codingPath }

    var term: Term {
        switch content {
        case .none: return .list([])
        case .single(let term): return term
        case .list(var terms):
            for (index, key, value) in nested {
                terms[index] = key.map { .tuple([.atom($0), value.term]) } ?? value.term
            }
            return .list(terms)
        }
    }

    var count: Int {
        guard case .list(let terms) = content else { return 0 }
        return terms.count
    }

    func set(_ term: Term) { content = .single(term) }

    func append(_ key: any CodingKey, _ term: Term) { append(.tuple([.atom(Atom(key.stringValue)), term])) }

    func append(_ term: Term) {
        guard case .list(var terms) = content else { return content = .list([term]) }
        // Let go of before it is changed, so that it is not copied.
        content = .none
        terms.append(term)
        content = .list(terms)
    }

    func nest(_ key: (any CodingKey)?) -> EncodedValue {
        let value = EncodedValue(codingPath: codingPath + (key.map { [$0] } ?? []))
        nested.append((count, key.map { Atom($0.stringValue) }, value))
        append(.list([]))
        return value
    }

    private func beginList() { if case .none = content { content = .list([]) } }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        beginList()
        return KeyedEncodingContainer(KeyedPairs<Key>(value: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        beginList()
        return Elements(value: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { Single(value: self) }
}

private struct KeyedPairs<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let value: EncodedValue
    var codingPath: [any CodingKey] { value.codingPath }

    /// What is not there is `nil`.
    func encodeNil(forKey key: Key) {}

    func encode<Value: Encodable>(_ encoded: Value, forKey key: Key) throws {
        value.append(key, try TermEncoder.term(encoded, at: value.codingPath))
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        value.nest(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        value.nest(key).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { value.nest(SuperKey()) }
    func superEncoder(forKey key: Key) -> any Encoder { value.nest(key) }
}

private struct SuperKey: CodingKey {
    var stringValue: String { "super" }
    var intValue: Int? { nil }
    init() {}
    init?(stringValue: String) { return nil }
    init?(intValue: Int) { return nil }
}

private struct Elements: UnkeyedEncodingContainer {
    let value: EncodedValue
    var codingPath: [any CodingKey] { value.codingPath }
    var count: Int { value.count }

    func encodeNil() { value.append(TermEncoder.none) }

    func encode<Value: Encodable>(_ encoded: Value) throws {
        value.append(try TermEncoder.term(encoded, at: value.codingPath))
    }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        value.nest(nil).container(keyedBy: type)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { value.nest(nil).unkeyedContainer() }
    func superEncoder() -> any Encoder { value.nest(nil) }
}

private struct Single: SingleValueEncodingContainer {
    let value: EncodedValue
    var codingPath: [any CodingKey] { value.codingPath }

    func encodeNil() { value.set(TermEncoder.none) }
    func encode(_ encoded: Bool) { value.set(.atom(encoded ? "true" : "false")) }
    func encode(_ encoded: String) { value.set(.text(encoded)) }
    func encode(_ encoded: Double) { value.set(.float(encoded)) }
    func encode(_ encoded: Float) { value.set(.float(Double(encoded))) }
    func encode(_ encoded: Int) { value.set(.integer(encoded)) }
    func encode(_ encoded: Int8) { value.set(.integer(Int(encoded))) }
    func encode(_ encoded: Int16) { value.set(.integer(Int(encoded))) }
    func encode(_ encoded: Int32) { value.set(.integer(Int(encoded))) }
    func encode(_ encoded: Int64) { value.set(.integer(Int(encoded))) }
    func encode(_ encoded: UInt8) { value.set(.integer(Int(encoded))) }
    func encode(_ encoded: UInt16) { value.set(.integer(Int(encoded))) }
    func encode(_ encoded: UInt32) { value.set(.integer(Int(encoded))) }
    func encode(_ encoded: UInt64) { value.set(.integer(Int(bitPattern: UInt(encoded)))) }
    func encode(_ encoded: UInt) { value.set(.integer(Int(bitPattern: encoded))) }

    func encode<Value: Encodable>(_ encoded: Value) throws {
        value.set(try TermEncoder.term(encoded, at: value.codingPath))
    }
}

extension Term: Encodable {
    /// Only `TermEncoder` knows terms.
    public func encode(to encoder: any Encoder) throws {
        throw EncodingError.invalidValue(
            self, .init(codingPath: encoder.codingPath, debugDescription: "a term is written by TermEncoder only"))
    }
}

extension Atom: Encodable {
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(name)
    }
}
