/// Writes the external term format piece by piece, for what is too large to be a `Term` first.
///
/// The caller keeps counts and pieces together: a header with a count is followed by that many terms (a map's
/// by twice as many), and a list's by `nil()` after its elements, also where there are none.
public struct ExternalTermWriter: Sendable {
    /// What is written, and behind it room for more: an append to an array of exactly what is written takes
    /// several times as long, and a large state is some hundred thousand of them.
    private var storage: [UInt8]
    /// How many bytes are written.
    public private(set) var count = 0

    /// Whether a list of bytes is STRING_EXT, as OTP does it; its elements can't be read one by one then.
    var hasStrings = true

    public init(reserving capacity: Int = 0) { storage = [UInt8](repeating: 0, count: max(capacity, 64)) }

    /// A copy of what is written.
    public var bytes: [UInt8] { Array(storage[..<count]) }

    /// What is written, without a copy.
    public consuming func finish() -> [UInt8] {
        storage.removeLast(storage.count - count)
        return storage
    }

    /// The version byte, once before the outermost term.
    public mutating func version() { byte(ExternalTag.version) }

    /// The head of a list: the elements follow, then `nil()`.
    public mutating func listHeader(_ count: Int) { header(ExternalTag.list, UInt32(count)) }

    /// Says of a list whose head was written there how many elements it has.
    mutating func setListCount(_ count: Int, at offset: Int) {
        storage.withUnsafeMutableBytes { room in
            room.storeBytes(of: UInt32(count).bigEndian, toByteOffset: offset + 1, as: UInt32.self)
        }
    }

    /// Takes back what was written from there on.
    mutating func truncate(to offset: Int) { count = offset }

    /// Whether an empty list, with its head, or an empty binary is all that was written from there on.
    func isEmptyValue(from offset: Int) -> Bool {
        let length = count - offset
        guard length == 6 || length == 5, storage[(offset + 1)..<(offset + 5)].allSatisfy({ $0 == 0 }) else {
            return false
        }
        return storage[offset] == (length == 6 ? ExternalTag.list : ExternalTag.binary)
    }

    /// `[]`: the end of a list, or an empty one.
    public mutating func `nil`() { byte(ExternalTag.nil) }

    /// The head of a map: `count` pairs of key and value follow. No key may come twice.
    public mutating func mapHeader(_ count: Int) { header(ExternalTag.map, UInt32(count)) }

    /// The head of a tuple: its elements follow.
    public mutating func tupleHeader(_ count: Int) {
        if count < 256 {
            header(ExternalTag.smallTuple, byte: UInt8(count))
        } else {
            header(ExternalTag.largeTuple, UInt32(count))
        }
    }

    /// An atom of at most 255 characters, which `Atom`s from all readers are.
    public mutating func atom(_ atom: Atom) {
        var name = atom.name
        name.withUTF8 { utf8 in
            if utf8.count < 256 {
                header(ExternalTag.smallAtomUTF8, byte: UInt8(utf8.count))
            } else {
                header(ExternalTag.atomUTF8, UInt16(utf8.count))
            }
            raw(UnsafeRawBufferPointer(utf8))
        }
    }

    public mutating func integer(_ value: Int) {
        if let byte = UInt8(exactly: value) {
            header(ExternalTag.smallInteger, byte: byte)
        } else if let short = Int32(exactly: value) {
            header(ExternalTag.integer, UInt32(bitPattern: short))
        } else {
            big(magnitude: CollectionOfOne(value.magnitude), isNegative: value < 0)
        }
    }

    /// A finite float: Erlang has no others, and its readers refuse them.
    public mutating func float(_ value: Double) {
        byte(ExternalTag.newFloat)
        Swift.withUnsafeBytes(of: value.bitPattern.bigEndian) { raw($0) }
    }

    public mutating func binary(_ content: UnsafeRawBufferPointer) {
        header(ExternalTag.binary, UInt32(content.count))
        raw(content)
    }

    public mutating func binary(_ content: [UInt8]) {
        content.withUnsafeBytes { binary($0) }
    }

    public mutating func term(_ term: Term) {
        switch term {
        case .atom(let value): atom(value)
        case .integer(let value): integer(value)
        case .bigInteger(let value): big(magnitude: value.magnitude, isNegative: value.isNegative)
        case .float(let value): float(value)
        case .binary(let content): binary(content)
        case .bitstring(let content, let bits):
            header(ExternalTag.bitBinary, UInt32(content.count))
            byte(UInt8(bits))
            content.withUnsafeBytes { raw($0) }
        case .list(let elements): list(elements)
        case .improperList(let elements, let tail):
            listHeader(elements.count)
            for element in elements { self.term(element) }
            self.term(tail)
        case .tuple(let elements):
            tupleHeader(elements.count)
            for element in elements { self.term(element) }
        case .map(let pairs):
            mapHeader(pairs.count)
            for (key, value) in pairs.inKeyOrder {
                self.term(key)
                self.term(value)
            }
        case .opaque(let opaque): opaque.encoding.withUnsafeBytes { raw($0) }
        }
    }

    /// A list of bytes of at most 65,535 is STRING_EXT, as OTP does it.
    private mutating func list(_ elements: [Term]) {
        guard !elements.isEmpty else { return self.nil() }
        let start = count
        if hasStrings, elements.count <= 0xFFFF {
            header(ExternalTag.string, UInt16(elements.count))
            var isString = true
            for element in elements {
                guard case .integer(let value) = element, let byte = UInt8(exactly: value) else {
                    isString = false
                    break
                }
                self.byte(byte)
            }
            if isString { return }
            count = start
        }
        listHeader(elements.count)
        for element in elements { term(element) }
        self.nil()
    }

    /// SMALL_BIG_EXT or LARGE_BIG_EXT: the magnitude's bytes, least significant first.
    private mutating func big(magnitude words: some Collection<UInt>, isNegative: Bool) {
        var digits: [UInt8] = []
        digits.reserveCapacity(words.count * 8)
        for word in words {
            Swift.withUnsafeBytes(of: word.littleEndian) { digits.append(contentsOf: $0) }
        }
        while digits.last == 0 { digits.removeLast() }
        if digits.count < 256 {
            header(ExternalTag.smallBig, byte: UInt8(digits.count))
        } else {
            header(ExternalTag.largeBig, UInt32(digits.count))
        }
        byte(isNegative ? 1 : 0)
        digits.withUnsafeBytes { raw($0) }
    }

    @inline(__always)
    mutating func byte(_ byte: UInt8) {
        if count == storage.count { grow(by: 1) }
        storage[count] = byte
        count += 1
    }

    @inline(__always)
    private mutating func raw(_ content: UnsafeRawBufferPointer) {
        guard !content.isEmpty else { return }
        if storage.count - count < content.count { grow(by: content.count) }
        storage.withUnsafeMutableBytes { room in
            UnsafeMutableRawBufferPointer(rebasing: room[count..<count + content.count]).copyMemory(from: content)
        }
        count += content.count
    }

    @inline(__always)
    private mutating func header(_ tag: UInt8, byte value: UInt8) {
        byte(tag)
        byte(value)
    }

    private mutating func header(_ tag: UInt8, _ value: UInt16) {
        byte(tag)
        byte(UInt8(value >> 8))
        byte(UInt8(truncatingIfNeeded: value))
    }

    @inline(__always)
    private mutating func header(_ tag: UInt8, _ value: UInt32) {
        if storage.count - count < 5 { grow(by: 5) }
        storage.withUnsafeMutableBytes { room in
            room[count] = tag
            room.storeBytes(of: value.bigEndian, toByteOffset: count + 1, as: UInt32.self)
        }
        count += 5
    }

    @inline(never)
    private mutating func grow(by needed: Int) {
        let size = max(storage.count * 2, count + needed)
        storage.reserveCapacity(size)
        storage.append(contentsOf: repeatElement(0, count: size - storage.count))
    }
}
