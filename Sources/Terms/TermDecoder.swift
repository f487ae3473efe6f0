/// Reads a value from the term that `TermEncoder` has made of it, in place: nothing is made of it but the value.
///
/// Keys that it does not ask for are left alone, and one that is not there is `nil` to who asks for an optional value: so what an older
/// version has written is read by a newer one that has more.
public struct TermDecoder {
    public init() {}

    /// - Throws: `DecodingError`, which says where in the value.
    public func decode<Value: Decodable>(_ type: Value.Type, from term: Term) throws -> Value {
        var writer = ExternalTermWriter()
        writer.hasStrings = false
        writer.term(term)
        return try decode(type, from: writer.finish())
    }

    /// - Parameter offset: where in the bytes its term begins; it ends with them.
    public func decode<Value: Decodable>(
        _ type: Value.Type, from bytes: [UInt8], at offset: Int = 0
    ) throws -> Value {
        try bytes.withUnsafeBytes { buffer in
            let (value, end) = try TermSource(buffer: buffer).value(type, at: offset, [])
            guard end == buffer.count else {
                throw DecodingError.dataCorrupted(
                    .init(codingPath: [], debugDescription: "\(buffer.count - end) bytes follow the term"))
            }
            return value
        }
    }
}

/// The bytes, which the caller keeps alive.
private struct TermSource {
    let buffer: UnsafeRawBufferPointer

    func reader(at offset: Int) -> ExternalTermReader {
        var reader = ExternalTermReader(buffer)
        reader.offset = offset
        return reader
    }

    /// With where it ends.
    func value<Value: Decodable>(
        _ type: Value.Type, at offset: Int, _ path: [any CodingKey]
    ) throws -> (Value, end: Int) {
        if type == Int.self {
            return try read(offset, path) { reader throws(ExternalTermError) in try reader.integer() as! Value }
        }
        if type == Term.self {
            return try read(offset, path) { reader throws(ExternalTermError) in
                try reader.term(limits: .ofState) as! Value
            }
        }
        if type == Atom.self {
            return try read(offset, path) { reader throws(ExternalTermError) in try reader.atom() as! Value }
        }
        if type == [UInt8].self {
            return try read(offset, path) { reader throws(ExternalTermError) in Array(try reader.binary()) as! Value }
        }
        let decoder = ValueDecoder(self, offset, path)
        let value = try type.init(from: decoder)
        return (value, try decoder.end())
    }

    func read<Value>(
        _ offset: Int, _ path: [any CodingKey],
        _ body: (inout ExternalTermReader) throws(ExternalTermError) -> Value
    ) throws -> (Value, end: Int) {
        var reader = reader(at: offset)
        do throws(ExternalTermError) {
            let value = try body(&reader)
            return (value, reader.offset)
        } catch {
            throw corrupted(error, path)
        }
    }

    func corrupted(_ error: ExternalTermError, _ path: [any CodingKey]) -> DecodingError {
        .dataCorrupted(.init(codingPath: path, debugDescription: "\(error)"))
    }

    func mismatch(_ expected: Any.Type, _ wanted: String, at offset: Int, _ path: [any CodingKey]) -> DecodingError {
        var reader = reader(at: offset)
        let found = (try? reader.term(limits: .ofState)).map { String($0.description.prefix(60)) } ?? "no term"
        return .typeMismatch(expected, .init(codingPath: path, debugDescription: "expected \(wanted), found \(found)"))
    }

    /// Where the term ends that begins there.
    func skip(_ offset: Int, _ path: [any CodingKey]) throws -> Int {
        try read(offset, path) { reader throws(ExternalTermError) in try reader.skipTerm() }.end
    }
}

/// One value that is being read.
private final class ValueDecoder: Decoder {
    let source: TermSource
    let start: Int
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }
    /// What knows where it ends.
    private var cursor: ListCursor?
    /// Where it ends, once that is known.
    var known: Int?

    init(_ source: TermSource, _ start: Int, _ path: [any CodingKey]) {
        self.source = source
        self.start = start
        codingPath = path
    }

    func end() throws -> Int {
        if let known { return known }
        return try cursor?.end() ?? source.skip(start, codingPath)
    }

    private func list() throws -> ListCursor {
        if let cursor { return cursor }
        let cursor = try ListCursor(source, start, codingPath)
        self.cursor = cursor
        return cursor
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(PairDecoder<Key>(list: try list()))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { ElementDecoder(list: try list()) }
    func singleValueContainer() -> any SingleValueDecodingContainer { SingleDecoder(value: self) }
}

/// A list that is read from its beginning on, element after element.
private final class ListCursor {
    let source: TermSource
    let path: [any CodingKey]
    let count: Int
    private let isNil: Bool
    /// The next element, and where it begins.
    private(set) var index = 0
    private(set) var next: Int
    /// Where each element begins, once one was asked for out of its turn.
    private var offsets: [Int]?
    private let first: Int

    init(_ source: TermSource, _ start: Int, _ path: [any CodingKey]) throws {
        self.source = source
        self.path = path
        var reader = source.reader(at: start)
        do throws(ExternalTermError) {
            count = try reader.listHeader()
        } catch {
            throw source.mismatch([Term].self, "a list", at: start, path)
        }
        isNil = source.buffer[start] == ExternalTag.nil
        next = reader.offset
        first = reader.offset
    }

    func passed(to end: Int) {
        index += 1
        next = end
    }

    /// Where it ends, what is not read included.
    func end() throws -> Int {
        while index < count { passed(to: try source.skip(next, path)) }
        guard !isNil else { return next }
        return try source.skip(next, path)
    }

    /// Where the value of that key begins, and whether it is the next one.
    func find(_ key: String) throws -> (value: Int, isNext: Bool)? {
        if index < count, let value = value(of: key, at: next) { return (value, true) }
        if offsets == nil {
            var offsets: [Int] = []
            var offset = first
            for _ in 0..<count {
                offsets.append(offset)
                offset = try source.skip(offset, path)
            }
            self.offsets = offsets
        }
        for (place, offset) in (offsets ?? []).enumerated() {
            guard let value = value(of: key, at: offset) else { continue }
            guard place >= index else { return (value, false) }
            // What lies between is not asked for, or not yet.
            index = place
            next = offset
            return (value, true)
        }
        return nil
    }

    /// Where the value begins of the pair there, where its key is that one.
    private func value(of key: String, at offset: Int) -> Int? {
        let buffer = source.buffer
        var key = key
        return key.withUTF8 { name in
            guard offset + 4 + name.count <= buffer.count, buffer[offset] == ExternalTag.smallTuple,
                buffer[offset + 1] == 2, buffer[offset + 2] == ExternalTag.smallAtomUTF8,
                Int(buffer[offset + 3]) == name.count
            else { return nil }
            let begin = offset + 4
            for index in 0..<name.count where buffer[begin + index] != name[index] { return nil }
            return begin + name.count
        }
    }

    func keys() throws -> [String] {
        var keys: [String] = []
        var offset = first
        for _ in 0..<count {
            var reader = source.reader(at: offset)
            if (try? reader.tupleHeader()) == 2, let key = try? reader.atom() { keys.append(key.name) }
            offset = try source.skip(offset, path)
        }
        return keys
    }
}

private struct PairDecoder<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let list: ListCursor
    var codingPath: [any CodingKey] { list.path }
    var allKeys: [Key] { ((try? list.keys()) ?? []).compactMap { Key(stringValue: $0) } }

    func contains(_ key: Key) -> Bool { ((try? list.find(key.stringValue)) ?? nil) != nil }
    func decodeNil(forKey key: Key) throws -> Bool { try list.find(key.stringValue) == nil }

    private func found(_ key: Key) throws -> (value: Int, isNext: Bool) {
        guard let found = try list.find(key.stringValue) else {
            throw DecodingError.keyNotFound(
                key, .init(codingPath: codingPath, debugDescription: "there is no \(key.stringValue)"))
        }
        return found
    }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        let (offset, isNext) = try found(key)
        let (value, end) = try list.source.value(type, at: offset, codingPath + [key])
        if isNext { list.passed(to: end) }
        return value
    }

    private func nested(_ key: Key) throws -> ValueDecoder {
        ValueDecoder(list.source, try found(key).value, codingPath + [key])
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
        return ValueDecoder(list.source, found.value, codingPath)
    }

    func superDecoder(forKey key: Key) throws -> any Decoder { try nested(key) }
}

private struct ElementDecoder: UnkeyedDecodingContainer {
    let list: ListCursor
    var codingPath: [any CodingKey] { list.path }
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
        guard !isAtEnd else { return false }
        var reader = list.source.reader(at: list.next)
        // A tuple of one: nothing else is looked at any further.
        guard (try? reader.tupleHeader()) == 1, let atom = try? reader.atom(), atom == "$nil" else { return false }
        list.passed(to: reader.offset)
        return true
    }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let (value, end) = try list.source.value(type, at: try element(), codingPath)
        list.passed(to: end)
        return value
    }

    private func nested() throws -> ValueDecoder {
        let decoder = ValueDecoder(list.source, try element(), codingPath)
        list.passed(to: try list.source.skip(list.next, codingPath))
        return decoder
    }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) throws -> KeyedDecodingContainer<Nested> {
        try nested().container(keyedBy: type)
    }

    func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try nested().unkeyedContainer() }
    func superDecoder() throws -> any Decoder { try nested() }
}

private struct SingleDecoder: SingleValueDecodingContainer {
    let value: ValueDecoder
    var codingPath: [any CodingKey] { value.codingPath }

    private func read<Value>(
        _ expected: Value.Type, _ wanted: String, _ body: (inout ExternalTermReader) throws(ExternalTermError) -> Value?
    ) throws -> Value {
        var reader = value.source.reader(at: value.start)
        guard let found = (try? body(&reader)) ?? nil else {
            throw value.source.mismatch(expected, wanted, at: value.start, codingPath)
        }
        value.known = reader.offset
        return found
    }

    func decodeNil() -> Bool {
        var reader = value.source.reader(at: value.start)
        guard (try? reader.tupleHeader()) == 1, let atom = try? reader.atom(), atom == "$nil" else { return false }
        value.known = reader.offset
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
        let (decoded, end) = try value.source.value(type, at: value.start, codingPath)
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
