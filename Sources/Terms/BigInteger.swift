/// An integer of any size, for those that an `Int` can't hold: what of Erlang's arithmetic terms need, which is order,
/// sign, bytes and text.
///
/// Every value has one form, so that equality and hash are those of its parts.
public struct BigInteger: Hashable, Sendable {
    public let isNegative: Bool
    /// The absolute value in digits of base 2^64, least significant first, without zeros at the top; 0 has none.
    public let magnitude: [UInt]

    /// A value from its sign and absolute value, least significant digit first; zeros at the top are dropped, and 0 has
    /// no sign.
    public init(isNegative: Bool = false, magnitude: [UInt]) {
        var digits = magnitude
        while digits.last == 0 { digits.removeLast() }
        self.magnitude = digits
        self.isNegative = isNegative && !digits.isEmpty
    }

    public init(_ value: Int) { self.init(isNegative: value < 0, magnitude: [value.magnitude]) }

    /// The value as an `Int`, where it fits.
    public var asInt: Int? {
        guard magnitude.count < 2 else { return nil }
        let digit = magnitude.first ?? 0
        return isNegative
            ? (digit <= Int.min.magnitude ? Int(truncatingIfNeeded: 0 &- digit) : nil) : Int(exactly: digit)
    }

    /// How many bits the absolute value takes; 0 takes none.
    var bitWidth: Int {
        guard let top = magnitude.last else { return 0 }
        return magnitude.count * UInt.bitWidth - top.leadingZeroBitCount
    }

    /// Two's complement, least significant digit first, as long as the magnitude: above it every bit is the sign.
    var twosComplement: [UInt] {
        guard isNegative else { return magnitude }
        var isBorrowing = true
        return magnitude.map { digit in
            // -m is ~(m - 1).
            let less = isBorrowing ? digit &- 1 : digit
            isBorrowing = isBorrowing && digit == 0
            return ~less
        }
    }

    public static prefix func - (value: BigInteger) -> BigInteger {
        BigInteger(isNegative: !value.isNegative, magnitude: value.magnitude)
    }
}

extension BigInteger: ExpressibleByIntegerLiteral {
    public init(integerLiteral value: Int) { self.init(value) }
}

extension BigInteger: Comparable {
    public static func < (left: BigInteger, right: BigInteger) -> Bool {
        guard left.isNegative == right.isNegative else { return left.isNegative }
        return left.isNegative ? right.isSmaller(than: left) : left.isSmaller(than: right)
    }

    /// Whether its absolute value is smaller than the other's.
    private func isSmaller(than other: BigInteger) -> Bool {
        guard magnitude.count == other.magnitude.count else { return magnitude.count < other.magnitude.count }
        return magnitude.reversed().lexicographicallyPrecedes(other.magnitude.reversed())
    }
}

extension BigInteger {
    /// The integer at or next below a finite float, exactly.
    init(roundingDown float: Double) {
        let whole = float.rounded(.down)
        if let small = Int(exactly: whole) {
            self.init(small)
            return
        }
        // Beyond Int it is 53 significant bits and zeros below them.
        let significand = UInt(whole.significandBitPattern | 1 << UInt64(Double.significandBitCount))
        let shift = Int(whole.exponent) - Double.significandBitCount
        let (digits, bits) = shift.quotientAndRemainder(dividingBy: UInt.bitWidth)
        let zeros = [UInt](repeating: 0, count: digits)
        self.init(
            isNegative: whole < 0,
            // A shift by the width of the digit is 0, as it should be.
            magnitude: zeros + [significand << UInt(bits), significand >> UInt(UInt.bitWidth - bits)])
    }
}
