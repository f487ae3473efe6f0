/// Reads the external term format piece by piece out of memory that the caller keeps alive, without copies.
///
/// Every count is checked against the bytes that are left, so a hostile one makes nobody reserve memory for it.
/// After each `listHeader()` and its elements comes `nilTail()`, also where there are no elements.
public struct ExternalTermReader {
    let buffer: UnsafeRawBufferPointer
    /// The byte that is read next, from the beginning of the buffer.
    public internal(set) var offset = 0
    /// An empty list's tail has been read with its head.
    private var tailIsRead = false

    public init(_ buffer: UnsafeRawBufferPointer) { self.buffer = buffer }

    public var isAtEnd: Bool { offset == buffer.count }

    var bytesLeft: Int { buffer.count - offset }

    /// The version byte; a compressed term is refused here.
    public mutating func version() throws(ExternalTermError) {
        let found = try byte()
        guard found == ExternalTag.version else {
            throw failure(at: offset - 1, "expected the version byte 131, found \(found)")
        }
        if offset < buffer.count, buffer[offset] == ExternalTag.compressed {
            throw failure(at: offset, "compressed terms are not accepted: encode without the option compressed")
        }
    }

    /// A list's head: how many elements follow before its tail. A list of bytes in the string form is not read
    /// here, but by `term()`.
    public mutating func listHeader() throws(ExternalTermError) -> Int {
        let start = offset
        switch try byte() {
        case ExternalTag.list: return try count(of: "elements", atLeastBytesEach: 1)
        case ExternalTag.nil:
            tailIsRead = true
            return 0
        case let tag: throw unexpected(tag, at: start, "a list")
        }
    }

    /// The `[]` at the end of a list.
    public mutating func nilTail() throws(ExternalTermError) {
        if tailIsRead {
            tailIsRead = false
            return
        }
        let start = offset
        let tag = try byte()
        guard tag == ExternalTag.nil else { throw unexpected(tag, at: start, "the end of a list") }
    }

    /// A map's head: how many pairs of key and value follow.
    public mutating func mapHeader() throws(ExternalTermError) -> Int {
        let start = offset
        let tag = try byte()
        guard tag == ExternalTag.map else { throw unexpected(tag, at: start, "a map") }
        return try count(of: "pairs", atLeastBytesEach: 2)
    }

    /// A tuple's head: how many elements follow.
    public mutating func tupleHeader() throws(ExternalTermError) -> Int {
        let start = offset
        switch try byte() {
        case ExternalTag.smallTuple:
            let count = Int(try byte())
            guard count <= bytesLeft else { throw tooMany(count, "elements", at: start) }
            return count
        case ExternalTag.largeTuple: return try count(of: "elements", atLeastBytesEach: 1)
        case let tag: throw unexpected(tag, at: start, "a tuple")
        }
    }

    public mutating func atom(limits: TermLimits = .default) throws(ExternalTermError) -> Atom {
        let start = offset
        let tag = try byte()
        guard let atom = try atom(tag: tag, at: start, limits: limits) else {
            throw unexpected(tag, at: start, "an atom")
        }
        return atom
    }

    /// An integer of 64 bits.
    public mutating func integer() throws(ExternalTermError) -> Int {
        let start = offset
        switch try byte() {
        case ExternalTag.smallInteger: return Int(try byte())
        case ExternalTag.integer: return Int(Int32(bitPattern: try uint32()))
        case ExternalTag.smallBig:
            let term = try big(count: Int(try byte()), at: start, limits: .default)
            guard case .integer(let value) = term else {
                throw failure(at: start, "the integer has more than 64 bits")
            }
            return value
        case let tag: throw unexpected(tag, at: start, "an integer")
        }
    }

    public mutating func float() throws(ExternalTermError) -> Double {
        let start = offset
        let tag = try byte()
        guard let value = try float(tag: tag, at: start) else { throw unexpected(tag, at: start, "a float") }
        return value
    }

    /// A binary's bytes, in place: they last as long as the buffer.
    public mutating func binary() throws(ExternalTermError) -> UnsafeRawBufferPointer {
        let start = offset
        let tag = try byte()
        guard tag == ExternalTag.binary else { throw unexpected(tag, at: start, "a binary") }
        return try slice(Int(try uint32()))
    }

    /// One whole term, whatever it is. Of the limits all but the size of the input hold.
    public mutating func term(limits: TermLimits = .default) throws(ExternalTermError) -> Term {
        var elementsLeft = limits.maxElements
        return try term(depth: 0, limits: limits, elementsLeft: &elementsLeft)
    }
}

extension ExternalTermReader {
    @inline(__always)
    mutating func byte() throws(ExternalTermError) -> UInt8 {
        guard offset < buffer.count else { throw cutShort(1) }
        defer { offset += 1 }
        return buffer[offset]
    }

    @inline(__always)
    mutating func uint16() throws(ExternalTermError) -> UInt16 {
        guard bytesLeft >= 2 else { throw cutShort(2) }
        defer { offset += 2 }
        return UInt16(bigEndian: buffer.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }

    @inline(__always)
    mutating func uint32() throws(ExternalTermError) -> UInt32 {
        guard bytesLeft >= 4 else { throw cutShort(4) }
        defer { offset += 4 }
        return UInt32(bigEndian: buffer.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    mutating func uint64() throws(ExternalTermError) -> UInt64 {
        UInt64(try uint32()) << 32 | UInt64(try uint32())
    }

    @inline(__always)
    mutating func slice(_ count: Int) throws(ExternalTermError) -> UnsafeRawBufferPointer {
        guard bytesLeft >= count else { throw cutShort(count) }
        defer { offset += count }
        return UnsafeRawBufferPointer(rebasing: buffer[offset..<offset + count])
    }

    mutating func count(
        of what: String, atLeastBytesEach size: Int
    ) throws(ExternalTermError) -> Int {
        let start = offset - 1
        let count = Int(try uint32())
        guard count <= bytesLeft / size else { throw tooMany(count, what, at: start) }
        return count
    }

    func failure(at offset: Int, _ message: String) -> ExternalTermError {
        ExternalTermError(offset: offset, message: message)
    }

    func unexpected(_ tag: UInt8, at offset: Int, _ expected: String) -> ExternalTermError {
        failure(at: offset, "expected \(expected), found \(ExternalTag.describe(tag)) (tag \(tag))")
    }

    private func cutShort(_ needed: Int) -> ExternalTermError {
        failure(at: offset, "the term is cut short: \(needed) bytes needed, \(bytesLeft) left")
    }

    private func tooMany(_ count: Int, _ what: String, at offset: Int) -> ExternalTermError {
        failure(at: offset, "the term is cut short: \(count) \(what) announced, \(bytesLeft) bytes left")
    }
}
