/// Writes an `Encodable` value as a term, which `TermDecoder` reads back.
///
/// A value with keys becomes a proplist, `[{Key, Value}]` with the keys that are there; a sequence a list; text a binary, as bytes are.
/// Terms and atoms stand as they are. What is large is written once, into the bytes that are wanted.
public struct TermEncoder {
    /// Whether a key is left out whose value is `0`, `false`, an empty text or an empty collection: to `TermDecoder` it is that where
    /// the key is missing. Most of a large state is such, and both to write and to read it takes its time.
    public var leavesOutZero = false

    public init(leavesOutZero: Bool = false) { self.leavesOutZero = leavesOutZero }

    public func encode(_ value: some Encodable) throws -> Term {
        var writer = ExternalTermWriter()
        writer.version()
        try append(value, to: &writer)
        return try ExternalTermFormat.decode(writer.finish(), limits: .ofState)
    }

    /// Writes it behind what the writer has.
    public func append(_ value: some Encodable, to writer: inout ExternalTermWriter) throws {
        let sink = TermSink(writer, leavesOutZero: leavesOutZero)
        writer = ExternalTermWriter()
        defer { writer = sink.writer }
        try sink.write(value, at: [])
    }

    /// What stands for `nil` where something has to.
    static let none = Term.tuple([.atom("$nil")])
}

extension TermLimits {
    /// Of what this daemon has written itself.
    public static let ofState = TermLimits(maxDepth: 512, maxBytes: 1 << 30, maxElements: .max)
}

private final class TermSink {
    var writer: ExternalTermWriter
    let leavesOutZero: Bool

    init(_ writer: ExternalTermWriter, leavesOutZero: Bool) {
        self.writer = writer
        self.leavesOutZero = leavesOutZero
    }

    /// Whether it is left out where it has a key; what was written from `offset` on is it.
    func isLeftOut<Value: Encodable>(_ value: Value, from offset: Int) -> Bool {
        guard leavesOutZero else { return false }
        if Value.self == Int.self { return value as! Int == 0 }
        if Value.self == Bool.self { return !(value as! Bool) }
        if Value.self == Term.self || Value.self == Atom.self { return false }
        return writer.isEmptyValue(from: offset)
    }

    func write<Value: Encodable>(_ value: Value, at path: [any CodingKey]) throws {
        // Each type is compared once it is specialised: nothing is cast.
        if Value.self == Int.self { return writer.integer(value as! Int) }
        if Value.self == Term.self { return writer.term(value as! Term) }
        if Value.self == Atom.self { return writer.atom(value as! Atom) }
        if Value.self == String.self { return text(value as! String) }
        if Value.self == Bool.self { return bool(value as! Bool) }
        if Value.self == [UInt8].self { return writer.binary(value as! [UInt8]) }
        let encoder = ValueEncoder(self, path)
        try value.encode(to: encoder)
        encoder.finish()
    }

    func text(_ text: String) {
        var text = text
        text.withUTF8 { writer.binary(UnsafeRawBufferPointer($0)) }
    }

    func bool(_ flag: Bool) { writer.atom(flag ? "true" : "false") }

    /// The key of a pair whose value follows.
    func key(_ key: any CodingKey) {
        writer.tupleHeader(2)
        writer.atom(Atom(key.stringValue))
    }
}

/// One value that is being written; a list is closed when it is finished.
private final class ValueEncoder: Encoder {
    let sink: TermSink
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }
    /// Where the head of its list stands, and how many elements it has.
    private var list: (offset: Int, count: Int)?
    private var hasKeys = false
    private var isWritten = false
    /// The last one that is written into by a container of its own.
    private var nested: ValueEncoder?

    init(_ sink: TermSink, _ path: [any CodingKey]) {
        self.sink = sink
        codingPath = path
    }

    var count: Int { list?.count ?? 0 }

    func beginList() {
        guard list == nil else { return }
        list = (sink.writer.count, 0)
        sink.writer.listHeader(0)
    }

    func nextElement() {
        nested?.finish()
        nested = nil
        list?.count += 1
    }

    /// The last one is none after all.
    func takeBackElement(to offset: Int) {
        list?.count -= 1
        sink.writer.truncate(to: offset)
    }

    func nest(_ key: (any CodingKey)?) -> ValueEncoder {
        nextElement()
        if let key { sink.key(key) }
        let value = ValueEncoder(sink, codingPath + (key.map { [$0] } ?? []))
        nested = value
        return value
    }

    func write<Value: Encodable>(single value: Value) throws {
        isWritten = true
        try sink.write(value, at: codingPath)
    }

    func finish() {
        nested?.finish()
        nested = nil
        if !isWritten, list == nil { beginList() }
        isWritten = true
        guard let list else { return }
        self.list = nil
        if hasKeys, list.count == 0 {
            // `[]` itself, which is told from a collection: a value with keys is never left out.
            sink.writer.truncate(to: list.offset)
        } else {
            sink.writer.setListCount(list.count, at: list.offset)
        }
        sink.writer.nil()
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        hasKeys = true
        beginList()
        return KeyedEncodingContainer(PairEncoder<Key>(value: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        beginList()
        return ElementEncoder(value: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { SingleEncoder(value: self) }
}

private struct PairEncoder<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let value: ValueEncoder
    var codingPath: [any CodingKey] { value.codingPath }

    /// What is not there is `nil`.
    func encodeNil(forKey key: Key) {}

    func encode<Value: Encodable>(_ encoded: Value, forKey key: Key) throws {
        let offset = value.sink.writer.count
        value.nextElement()
        value.sink.key(key)
        let begin = value.sink.writer.count
        try value.sink.write(encoded, at: value.codingPath)
        // Any text is a key of a dictionary, and what its keys are is all that it says.
        if value.sink.isLeftOut(encoded, from: begin), Key(stringValue: "$any") == nil {
            value.takeBackElement(to: offset)
        }
    }

    /// One that is there is written, whatever it is: where its key is missing it is `nil`.
    func encodeIfPresent<Value: Encodable>(_ encoded: Value?, forKey key: Key) throws {
        try present(encoded, key)
    }

    // Of these the standard library has its own, which know nothing of that.
    func encodeIfPresent(_ encoded: Int?, forKey key: Key) throws { try present(encoded, key) }
    func encodeIfPresent(_ encoded: Bool?, forKey key: Key) throws { try present(encoded, key) }
    func encodeIfPresent(_ encoded: String?, forKey key: Key) throws { try present(encoded, key) }

    private func present<Value: Encodable>(_ encoded: Value?, _ key: Key) throws {
        guard let encoded else { return }
        value.nextElement()
        value.sink.key(key)
        try value.sink.write(encoded, at: value.codingPath)
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

private struct ElementEncoder: UnkeyedEncodingContainer {
    let value: ValueEncoder
    var codingPath: [any CodingKey] { value.codingPath }
    var count: Int { value.count }

    func encodeNil() {
        value.nextElement()
        value.sink.writer.term(TermEncoder.none)
    }

    func encode<Value: Encodable>(_ encoded: Value) throws {
        value.nextElement()
        try value.sink.write(encoded, at: value.codingPath)
    }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        value.nest(nil).container(keyedBy: type)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { value.nest(nil).unkeyedContainer() }
    func superEncoder() -> any Encoder { value.nest(nil) }
}

private struct SingleEncoder: SingleValueEncodingContainer {
    let value: ValueEncoder
    var codingPath: [any CodingKey] { value.codingPath }

    func encodeNil() throws { try value.write(single: TermEncoder.none) }
    func encode(_ encoded: Bool) throws { try value.write(single: encoded) }
    func encode(_ encoded: String) throws { try value.write(single: encoded) }
    func encode(_ encoded: Double) throws { try value.write(single: Term.float(encoded)) }
    func encode(_ encoded: Float) throws { try encode(Double(encoded)) }
    func encode(_ encoded: Int) throws { try value.write(single: encoded) }
    func encode(_ encoded: Int8) throws { try encode(Int(encoded)) }
    func encode(_ encoded: Int16) throws { try encode(Int(encoded)) }
    func encode(_ encoded: Int32) throws { try encode(Int(encoded)) }
    func encode(_ encoded: Int64) throws { try encode(Int(encoded)) }
    func encode(_ encoded: UInt8) throws { try encode(Int(encoded)) }
    func encode(_ encoded: UInt16) throws { try encode(Int(encoded)) }
    func encode(_ encoded: UInt32) throws { try encode(Int(encoded)) }
    func encode(_ encoded: UInt64) throws { try encode(Int(bitPattern: UInt(encoded))) }
    func encode(_ encoded: UInt) throws { try encode(Int(bitPattern: encoded)) }
    func encode<Value: Encodable>(_ encoded: Value) throws { try value.write(single: encoded) }
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
