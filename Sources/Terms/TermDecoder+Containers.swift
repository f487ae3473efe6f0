struct PairDecoder<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let list: ValueDecoder
    var codingPath: [any CodingKey] { list.codingPath }
    var allKeys: [Key] { ((try? list.keys()) ?? []).compactMap { Key(stringValue: $0) } }

    func contains(_ key: Key) -> Bool { ((try? list.find(key.stringValue)) ?? nil) != nil }
    func decodeNil(forKey key: Key) throws -> Bool { try list.find(key.stringValue) == nil }

    private func found(_ key: Key) throws -> (value: Int, isNext: Bool) {
        guard let found = try list.find(key.stringValue) else { throw missing(key) }
        return found
    }

    private func missing(_ key: Key) -> DecodingError {
        .keyNotFound(key, .init(codingPath: codingPath, debugDescription: "there is no \(key.stringValue)"))
    }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        guard let found = try list.find(key.stringValue) else {
            if let zero = TermSource.zero(type) { return zero }
            throw missing(key)
        }
        return try decode(type, key, found)
    }

    /// It is looked for once, where the standard library's would three times.
    func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
        try present(type, key)
    }

    func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? { try present(type, key) }
    func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? { try present(type, key) }
    func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? { try present(type, key) }

    private func present<Value: Decodable>(_ type: Value.Type, _ key: Key) throws -> Value? {
        try list.find(key.stringValue).map { try decode(type, key, $0) }
    }

    private func decode<Value: Decodable>(
        _ type: Value.Type, _ key: Key, _ found: (value: Int, isNext: Bool)
    ) throws -> Value {
        let (value, end) = try list.source.value(type, at: found.value, list.path(key))
        if found.isNext { list.passed(to: end) }
        return value
    }

    private func nested(_ key: Key) throws -> ValueDecoder {
        ValueDecoder(list.source, try found(key).value, list.path(key))
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try nested(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try nested(key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder {
        guard let found = try list.find("super") else {
            throw DecodingError.valueNotFound(
                Term.self, .init(codingPath: codingPath, debugDescription: "there is no super"))
        }
        return ValueDecoder(list.source, found.value, list.path(nil))
    }

    func superDecoder(forKey key: Key) throws -> any Decoder { try nested(key) }
}

struct ElementDecoder: UnkeyedDecodingContainer {
    let list: ValueDecoder
    var codingPath: [any CodingKey] { list.codingPath }
    var count: Int? { list.count }
    var isAtEnd: Bool { list.index == list.count }
    var currentIndex: Int { list.index }

    private func element() throws -> Int {
        guard !isAtEnd else {
            throw DecodingError.valueNotFound(
                Term.self, .init(codingPath: codingPath, debugDescription: "the list has \(list.count) elements only"))
        }
        return list.next
    }

    func decodeNil() throws -> Bool {
        guard !isAtEnd, let end = list.source.none(at: list.next) else { return false }
        list.passed(to: end)
        return true
    }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let (value, end) = try list.source.value(type, at: try element(), list.path(nil))
        list.passed(to: end)
        return value
    }

    private func nested() throws -> ValueDecoder {
        let decoder = ValueDecoder(list.source, try element(), list.path(nil))
        list.passed(to: try list.source.skip(list.next, list.path))
        return decoder
    }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) throws -> KeyedDecodingContainer<Nested> {
        try nested().container(keyedBy: type)
    }

    func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try nested().unkeyedContainer() }
    func superDecoder() throws -> any Decoder { try nested() }
}

struct SingleDecoder: SingleValueDecodingContainer {
    let value: ValueDecoder
    var codingPath: [any CodingKey] { value.codingPath }

    private func read<Value>(
        _ expected: Value.Type, _ wanted: String, _ body: (inout ExternalTermReader) throws(ExternalTermError) -> Value?
    ) throws -> Value {
        var reader = value.source.reader(at: value.start)
        guard let found = (try? body(&reader)) ?? nil else {
            throw value.source.mismatch(expected, wanted, at: value.start, value.path)
        }
        value.known = reader.offset
        return found
    }

    func decodeNil() -> Bool {
        guard let end = value.source.none(at: value.start) else { return false }
        value.known = end
        return true
    }

    func decode(_ type: Bool.Type) throws -> Bool {
        try read(type, "true or false") { reader throws(ExternalTermError) in
            switch try reader.atom() {
            case "true": true
            case "false": false
            default: nil
            }
        }
    }

    func decode(_ type: String.Type) throws -> String {
        try read(type, "a text") { reader throws(ExternalTermError) in
            String(decoding: try reader.binary(), as: UTF8.self)
        }
    }

    func decode(_ type: Double.Type) throws -> Double {
        try read(type, "a float") { reader throws(ExternalTermError) in try reader.float() }
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
        try read(type, "an integer of that size") { reader throws(ExternalTermError) in
            Number(exactly: try reader.integer())
        }
    }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let (decoded, end) = try value.source.value(type, at: value.start, value.path)
        value.known = end
        return decoded
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
