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
        let parentheses = try openParentheses()
        guard peek() == UInt8(ascii: "<") else {
            return try scalarSegment(into: &builder, parentheses, at: start)
        }
        try enter(depth)
        let bits = try bitString(depth: depth)
        try closeParentheses(parentheses)
        try binarySegment(bits, into: &builder, at: start)
    }

    private mutating func binarySegment(
        _ bits: Term, into builder: inout BitBuilder, at start: SourcePosition
    ) throws(TermTextError) {
        let spec = try segmentSpec(start)
        guard spec.type == .bits else {
            throw failure("a binary within a binary needs the type binary or bits", at: start)
        }
        let (has, unit) = (BitBuilder.count(bits), spec.unit ?? 1)
        let wanted = spec.size.map { $0 * unit } ?? has
        guard wanted <= has else { throw failure("the binary has \(has) bits, and not \(wanted)", at: start) }
        guard wanted % unit == 0 else { throw failure("\(has) bits are no multiple of the unit \(unit)", at: start) }
        builder.append(bits, bits: wanted)
    }

    private mutating func scalarSegment(
        into builder: inout BitBuilder, _ parentheses: Int, at start: SourcePosition
    ) throws(TermTextError) {
        switch peek() {
        case UInt8(ascii: "\""):
            var codes: [UInt32] = []
            repeat {
                codes += try quoted("string")
                skipBlanks()
            } while peek() == UInt8(ascii: "\"")
            try takeElements(codes.count, at: start)
            try closeParentheses(parentheses)
            let spec = try segmentSpec(start)
            if spec.isBytes {
                for code in codes { builder.append(UInt8(truncatingIfNeeded: code)) }
            } else {
                for code in codes { try append(.ofCodePoint(code), spec, to: &builder, at: start) }
            }
        case .some(UInt8(ascii: "$")), .some(UInt8(ascii: "+")), .some(UInt8(ascii: "-")), .some(0x30...0x39):
            try takeElements(1, at: start)
            let number = try signedNumber()
            try closeParentheses(parentheses)
            try append(number, try segmentSpec(start), to: &builder, at: start)
        default: throw expected("an integer, float, string or binary")
        }
    }

    private enum SegmentType { case integer, float, utf8, utf16, utf32, bits }

    private struct SegmentSpec {
        var size: Int?
        var unit: Int?
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
            let parentheses = try openParentheses()
            spec.size = try segmentNumber("the segment's size", at: start)
            try closeParentheses(parentheses)
        }
        guard accept("/") else { return spec }
        repeat { try segmentType(&spec, at: start) } while accept("-")
        guard spec.unit == nil || spec.size != nil || spec.type == .bits else {
            throw failure("a segment with a unit needs a size", at: start)
        }
        return spec
    }

    private mutating func segmentNumber(_ what: String, at start: SourcePosition) throws(TermTextError) -> Int {
        guard let digit = peek(), (0x30...0x39).contains(digit) else { throw expected(what) }
        guard case .integer(let number) = try number(), number <= limits.maxIntegerBytes * 8 else {
            throw failure("a segment is longer than \(limits.maxIntegerBytes) bytes", at: start)
        }
        return number
    }

    private mutating func segmentType(_ spec: inout SegmentSpec, at start: SourcePosition) throws(TermTextError) {
        skipBlanks()
        let before = self
        let type: SegmentType
        switch try name() {
        case "integer": type = .integer
        case "float": type = .float
        case "utf8": type = .utf8
        case "utf16": type = .utf16
        case "utf32": type = .utf32
        case "binary", "bytes":
            type = .bits
            spec.unit = spec.unit ?? 8
        case "bitstring", "bits": type = .bits
        // This machine's byte order.
        case "little", "native": return spec.isLittle = true
        case "big", "signed", "unsigned": return
        case "unit":
            guard accept(":") else { throw expected("':' and the unit") }
            skipBlanks()
            let unit = try segmentNumber("the unit", at: start)
            guard (1...256).contains(unit) else { throw failure("a unit is from 1 to 256", at: start) }
            return spec.unit = unit
        default:
            throw before.expected(
                "a segment's type (integer, float, utf8, utf16, utf32, binary, bitstring, big, little, native, signed, "
                    + "unsigned, unit)")
        }
        guard spec.type == nil || spec.type == type else { throw failure("a segment has one type", at: start) }
        spec.type = type
    }

    private mutating func append(
        _ value: Term, _ spec: SegmentSpec, to builder: inout BitBuilder, at start: SourcePosition
    ) throws(TermTextError) {
        let bits = spec.size.map { $0 * (spec.unit ?? 1) }
        switch spec.type ?? .integer {
        case .integer:
            guard let integer = value.asBigInteger else { throw failure("a float needs the type float", at: start) }
            guard bits ?? 8 <= limits.maxIntegerBytes * 8 else {
                throw failure("a segment is longer than \(limits.maxIntegerBytes) bytes", at: start)
            }
            // Every single one is counted: <<"...":524288>> takes 65,536 bytes for each of its characters.
            try takeBinaryBytes((bits ?? 0) / 8, at: start)
            builder.append(integer, bits: bits ?? 8, isLittle: spec.isLittle)
        case .utf8, .utf16, .utf32:
            guard spec.size == nil, let code = value.asInt.flatMap(UInt32.init(exactly:)),
                let scalar = Unicode.Scalar(code)
            else { throw failure("a utf8, utf16 or utf32 segment is a character without a size", at: start) }
            append(scalar, spec, to: &builder)
        case .float:
            guard let number = value.asDouble ?? value.asInt.map(Double.init) else {
                throw failure("the integer is too large for a float", at: start)
            }
            try append(number, bits: bits ?? 64, isLittle: spec.isLittle, to: &builder, at: start)
        case .bits: throw failure("a binary segment needs a binary", at: start)
        }
    }

    private func append(_ scalar: Unicode.Scalar, _ spec: SegmentSpec, to builder: inout BitBuilder) {
        switch spec.type {
        case .utf16:
            for unit in String(scalar).utf16 { builder.append(UInt(unit), bits: 16, isLittle: spec.isLittle) }
        case .utf32: builder.append(UInt(scalar.value), bits: 32, isLittle: spec.isLittle)
        case .utf8, .integer, .float, .bits, nil: for byte in String(scalar).utf8 { builder.append(byte) }
        }
    }

    private func append(
        _ number: Double, bits: Int, isLittle: Bool, to builder: inout BitBuilder, at start: SourcePosition
    ) throws(TermTextError) {
        let pattern: UInt
        switch bits {
        case 64: pattern = UInt(number.bitPattern)
        case 32 where Float(number).isFinite: pattern = UInt(Float(number).bitPattern)
        case 16 where Float16(number).isFinite: pattern = UInt(Float16(number).bitPattern)
        case 16, 32: throw failure("the float is too large for \(bits) bits", at: start)
        default: throw failure("a float segment has 16, 32 or 64 bits", at: start)
        }
        builder.append(pattern, bits: bits, isLittle: isLittle)
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

    /// How many bits a binary or bit string has.
    static func count(_ term: Term) -> Int {
        switch term {
        case .binary(let content): content.count * 8
        case .bitstring(let content, let bits): (content.count - 1) * 8 + bits
        case .atom, .integer, .bigInteger, .float, .list, .improperList, .tuple, .map, .opaque: 0
        }
    }

    /// Appends the first `count` bits of a binary or bit string, which has as many.
    mutating func append(_ term: Term, bits count: Int) {
        switch term {
        case .binary(let content), .bitstring(let content, _):
            for byte in content.prefix(count / 8) { append(byte) }
            let rest = count % 8
            if rest > 0 { append(content[count / 8] >> UInt8(8 - rest), bits: rest) }
        case .atom, .integer, .bigInteger, .float, .list, .improperList, .tuple, .map, .opaque: break
        }
    }
}
