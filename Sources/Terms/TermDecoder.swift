/// Reads a value from the term that `TermEncoder` has made of it, in place: nothing is made of it but the value.
///
/// Keys that it does not ask for are left alone, and one that is not there is `nil` to who asks for an optional value: so what an older
/// version has written is read by a newer one that has more. A number, a flag, a text or a collection that is not there is zero.
public struct TermDecoder {
    public init() {}

    /// - Throws: `DecodingError`, which says where in the value.
    public func decode<Value: Decodable>(_ type: Value.Type, from term: Term) throws -> Value {
        var writer = ExternalTermWriter()
        writer.hasStrings = false
        writer.term(term)
        return try decode(type, from: writer.finish())
    }

    /// Its term begins at `offset` of the bytes, and ends with them.
    public func decode<Value: Decodable>(
        _ type: Value.Type, from bytes: [UInt8], at offset: Int = 0
    ) throws -> Value {
        try bytes.withUnsafeBytes { buffer in
            let (value, end) = try TermSource(buffer: buffer).value(type, at: offset, .root)
            guard end == buffer.count else {
                throw DecodingError.dataCorrupted(
                    .init(codingPath: [], debugDescription: "\(buffer.count - end) bytes follow the term"))
            }
            return value
        }
    }
}

/// The bytes, which the caller keeps alive.
struct TermSource {
    let buffer: UnsafeRawBufferPointer

    func reader(at offset: Int) -> ExternalTermReader {
        var reader = ExternalTermReader(buffer)
        reader.offset = offset
        return reader
    }

    /// With where it ends.
    func value<Value: Decodable>(_ type: Value.Type, at offset: Int, _ path: ValuePath) throws -> (Value, end: Int) {
        // Each type is compared once it is specialised: nothing is cast, and no decoder is made for what is one term.
        if type == Int.self {
            return try read(offset, path) { reader throws(ExternalTermError) in try reader.integer() as! Value }
        }
        if type == String.self {
            var reader = reader(at: offset)
            do throws(ExternalTermError) {
                return (String(decoding: try reader.binary(), as: UTF8.self) as! Value, reader.offset)
            } catch {
                guard offset < buffer.count, buffer[offset] != ExternalTag.binary else { throw corrupted(error, path) }
                throw mismatch(type, "a text", at: offset, path)
            }
        }
        if type == Atom.self {
            return try read(offset, path) { reader throws(ExternalTermError) in try reader.atom() as! Value }
        }
        if type == Term.self {
            return try read(offset, path) { reader throws(ExternalTermError) in
                try reader.term(limits: .ofState) as! Value
            }
        }
        if type == [UInt8].self {
            return try read(offset, path) { reader throws(ExternalTermError) in Array(try reader.binary()) as! Value }
        }
        let decoder = ValueDecoder(self, offset, path)
        let value = try type.init(from: decoder)
        return (value, try decoder.end())
    }

    func read<Value>(
        _ offset: Int, _ path: ValuePath,
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

    func corrupted(_ error: ExternalTermError, _ path: ValuePath) -> DecodingError {
        .dataCorrupted(.init(codingPath: path.keys, debugDescription: "\(error)"))
    }

    func mismatch(_ expected: Any.Type, _ wanted: String, at offset: Int, _ path: ValuePath) -> DecodingError {
        var reader = reader(at: offset)
        let found = (try? reader.term(limits: .ofState)).map { String($0.description.prefix(60)) } ?? "no term"
        return .typeMismatch(
            expected, .init(codingPath: path.keys, debugDescription: "expected \(wanted), found \(found)"))
    }

    /// Where the term ends that begins there.
    func skip(_ offset: Int, _ path: ValuePath) throws -> Int {
        try read(offset, path) { reader throws(ExternalTermError) in try reader.skipTerm() }.end
    }

    /// What a key stands for that was left out; nil where it is none that is ever left out.
    static func zero<Value: Decodable>(_ type: Value.Type) -> Value? {
        if type == Int.self { return 0 as? Value }
        if type == Bool.self { return false as? Value }
        if type == String.self { return "" as? Value }
        if type == [UInt8].self { return [UInt8]() as? Value }
        if type == Term.self || type == Atom.self { return nil }
        return emptyList.withUnsafeBytes { buffer in
            let decoder = ValueDecoder(TermSource(buffer: buffer), 0, .root)
            decoder.isCollection = true
            return try? type.init(from: decoder)
        }
    }

    private static let emptyList: [UInt8] = [ExternalTag.nil]

    /// A tuple of one atom: nothing else is looked at any further. Where it ends.
    func none(at offset: Int) -> Int? {
        var reader = reader(at: offset)
        guard (try? reader.tupleHeader()) == 1, let atom = try? reader.atom(), atom == "$nil" else { return nil }
        return reader.offset
    }
}

/// Where a value is in the whole. An array of keys is made of it only for who asks: an error.
struct ValuePath {
    let parent: ValueDecoder?
    let key: (any CodingKey)?

    static var root: ValuePath { ValuePath(parent: nil, key: nil) }

    var keys: [any CodingKey] {
        var keys: [any CodingKey] = []
        var path = self
        while true {
            if let key = path.key { keys.append(key) }
            guard let parent = path.parent else { return keys.reversed() }
            path = parent.path
        }
    }
}

/// One value that is being read: one term, or a list that is read from its beginning on, element after element.
final class ValueDecoder: Decoder {
    let source: TermSource
    let start: Int
    let path: ValuePath
    var codingPath: [any CodingKey] { path.keys }
    var userInfo: [CodingUserInfoKey: Any] { [:] }
    /// Where it ends, once that is known.
    var known: Int?
    /// Whether it is nothing else.
    var isCollection = false
    /// Elements of the list; negative where nobody has asked for it as one.
    private(set) var count = -1
    /// The next element, and where it begins.
    private(set) var index = 0
    private(set) var next = 0
    private var first = 0
    private var isNil = false
    /// Where each element begins, once one was asked for out of its turn.
    private var offsets: [Int]?

    init(_ source: TermSource, _ start: Int, _ path: ValuePath) {
        self.source = source
        self.start = start
        self.path = path
    }

    func path(_ key: (any CodingKey)?) -> ValuePath { ValuePath(parent: self, key: key) }

    func end() throws -> Int {
        if let known { return known }
        guard count >= 0 else { return try source.skip(start, path) }
        // What is not read included.
        while index < count { passed(to: try source.skip(next, path)) }
        guard !isNil else { return next }
        return try source.skip(next, path)
    }

    private func openList() throws {
        guard count < 0 else { return }
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

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard !isCollection else { throw source.mismatch([Term].self, "keys", at: start, path) }
        try openList()
        return KeyedDecodingContainer(PairDecoder<Key>(list: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try openList()
        return ElementDecoder(list: self)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { SingleDecoder(value: self) }

    // MARK: A list

    func passed(to end: Int) {
        index += 1
        next = end
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
