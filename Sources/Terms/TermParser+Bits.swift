extension TermParser {
    /// `<<...>>`: integers, floats, strings and other bit strings, with `:Size` and `/Type` as far as literals
    /// need them.
    mutating func bitString(depth: Int) throws(TermTextError) -> Term {
        let start = position
        guard stands("<<") else { throw expected("'<<' (pids, references and ports cannot be read from text)") }
        advance(2)
        var builder = BitBuilder()
        if accept(">>") { return .binary([]) }
        repeat {
            guard try !isAtEnd() else { throw expected("a segment", in: "binary", from: start) }
            let before = builder.bytes.count
            try segment(into: &builder, depth: depth + 1)
            try takeBinaryBytes(builder.bytes.count - before, at: start)
        } while accept(",")
        guard accept(">>") else { throw expected("',' or '>>'", in: "binary", from: start) }
        return Term(bytes: builder.bytes, bitsInLastByte: builder.bitsInLastByte)
    }

    private mutating func segment(into builder: inout BitBuilder, depth: Int) throws(TermTextError) {
        let start = position
        guard peek() == UInt8(ascii: "<") else { return try scalarSegment(into: &builder, at: start) }
        try enter(depth)
        let bits = try bitString(depth: depth)
        try binarySegment(bits, into: &builder, at: start)
    }

    private mutating func binarySegment(
        _ bits: Term, into builder: inout BitBuilder, at start: SourcePosition
    ) throws(TermTextError) {
        let spec = try segmentSpec(start)
        guard spec.size == nil, spec.type == .bits || spec.type == nil else {
            throw failure("a binary within a binary takes no size", at: start)
        }
        builder.append(bits)
    }

    private mutating func scalarSegment(
        into builder: inout BitBuilder, at start: SourcePosition
    ) throws(TermTextError) {
        switch peek() {
        case UInt8(ascii: "\""):
            let codes = try quoted("string")
            try takeElements(codes.count, at: start)
            let spec = try segmentSpec(start)
            if spec.isBytes {
                for code in codes { builder.append(UInt8(truncatingIfNeeded: code)) }
            } else {
                for code in codes { try append(.ofCodePoint(code), spec, to: &builder, at: start) }
            }
        case .some(UInt8(ascii: "$")), .some(UInt8(ascii: "+")), .some(UInt8(ascii: "-")), .some(0x30...0x39):
            try takeElements(1, at: start)
            let number = try signedNumber()
            try append(number, try segmentSpec(start), to: &builder, at: start)
        default: throw expected("an integer, float, string or binary")
        }
    }

    private enum SegmentType { case integer, float, utf8, bits }

    private struct SegmentSpec {
        var size: Int?
        var type: SegmentType?
        var isLittle = false

        /// Whether nothing was said, so that each integer is a byte.
        var isBytes: Bool { size == nil && (type == nil || type == .integer) }
    }

    /// What follows a segment's value: `:Size` and `/Type-Type`.
    private mutating func segmentSpec(_ start: SourcePosition) throws(TermTextError) -> SegmentSpec {
        var spec = SegmentSpec()
        if accept(":") {
            skipBlanks()
            guard let digit = peek(), (0x30...0x39).contains(digit) else { throw expected("the segment's size") }
            guard case .integer(let size) = try number(), size <= limits.maxIntegerBytes * 8 else {
                throw failure("a segment is longer than \(limits.maxIntegerBytes) bytes", at: start)
            }
            spec.size = size
        }
        guard accept("/") else { return spec }
        repeat {
            skipBlanks()
            let before = self
            switch try name() {
            case "integer": spec.type = .integer
            case "float": spec.type = .float
            case "utf8": spec.type = .utf8
            case "binary", "bytes", "bitstring", "bits": spec.type = .bits
            case "little": spec.isLittle = true
            case "big", "signed", "unsigned": break
            default:
                throw before.expected("a segment's type (integer, float, utf8, binary, bitstring, big, little)")
            }
        } while accept("-")
        return spec
    }

    private mutating func append(
        _ value: Term, _ spec: SegmentSpec, to builder: inout BitBuilder, at start: SourcePosition
    ) throws(TermTextError) {
        switch spec.type ?? (value.asDouble == nil ? .integer : .float) {
        case .integer:
            guard let integer = value.asBigInteger else { throw failure("a float needs the type float", at: start) }
            // Every single one is counted: <<"...":524288>> takes 65,536 bytes for each of its characters.
            try takeBinaryBytes((spec.size ?? 0) / 8, at: start)
            builder.append(integer, bits: spec.size ?? 8, isLittle: spec.isLittle)
        case .utf8:
            guard spec.size == nil, let code = value.asInt.flatMap(UInt32.init(exactly:)),
                let scalar = Unicode.Scalar(code)
            else { throw failure("a utf8 segment is a character without a size", at: start) }
            for byte in String(scalar).utf8 { builder.append(byte) }
        case .float:
            guard let number = value.asDouble ?? value.asInt.map(Double.init) else {
                throw failure("the integer is too large for a float", at: start)
            }
            switch spec.size ?? 64 {
            case 64: builder.append(UInt(number.bitPattern), bits: 64, isLittle: spec.isLittle)
            case 32: builder.append(UInt(Float(number).bitPattern), bits: 32, isLittle: spec.isLittle)
            default: throw failure("a float segment has 32 or 64 bits", at: start)
            }
        case .bits: throw failure("a binary segment needs a binary", at: start)
        }
    }
}

/// Bits put together, most significant first.
struct BitBuilder {
    private(set) var bytes: [UInt8] = []
    /// How many bits of the last byte are in use: 8 where all are.
    private(set) var bitsInLastByte = 8

    mutating func append(_ byte: UInt8) { append(byte, bits: 8) }

    /// Appends the `count` (1...8) low bits.
    mutating func append(_ value: UInt8, bits count: Int) {
        let top = value << UInt8(8 - count)
        guard bitsInLastByte < 8, !bytes.isEmpty else {
            bytes.append(top)
            bitsInLastByte = count
            return
        }
        let used = bitsInLastByte
        bytes[bytes.count - 1] |= top >> UInt8(used)
        if used + count > 8 {
            bytes.append(top << UInt8(8 - used))
            bitsInLastByte = used + count - 8
        } else {
            bitsInLastByte = used + count
        }
    }

    /// Appends the `count` low bits of the integer's two's complement.
    mutating func append(_ value: BigInteger, bits count: Int, isLittle: Bool) {
        append(value.twosComplement, above: value.isNegative ? .max : 0, bits: count, isLittle: isLittle)
    }

    /// Appends the `count` low bits.
    mutating func append(_ value: UInt, bits count: Int, isLittle: Bool) {
        append([value], above: 0, bits: count, isLittle: isLittle)
    }

    /// Appends the `count` low bits of words, least significant first, above which each is the `filler`.
    private mutating func append(_ words: [UInt], above filler: UInt, bits count: Int, isLittle: Bool) {
        func byte(_ index: Int) -> UInt8 {
            let word = index / 8 < words.count ? words[index / 8] : filler
            return UInt8(truncatingIfNeeded: word >> UInt(8 * (index % 8)))
        }
        let whole = count / 8
        let rest = count % 8
        if rest > 0, !isLittle { append(byte(whole) & (1 << UInt8(rest) - 1), bits: rest) }
        for index in 0..<whole { append(byte(isLittle ? index : whole - 1 - index)) }
        if rest > 0, isLittle { append(byte(whole) & (1 << UInt8(rest) - 1), bits: rest) }
    }

    /// Appends a binary or bit string.
    mutating func append(_ term: Term) {
        switch term {
        case .binary(let content): for byte in content { append(byte) }
        case .bitstring(let content, let bits):
            for byte in content.dropLast() { append(byte) }
            if let last = content.last { append(last >> UInt8(8 - bits), bits: bits) }
        case .atom, .integer, .bigInteger, .float, .list, .improperList, .tuple, .map, .opaque: break
        }
    }
}
