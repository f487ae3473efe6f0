extension BigInteger {
    /// The absolute value that digits of a base from 2 to 36 stand for, most significant first, in ASCII, letters in
    /// either case; nil where there are none or one is no digit of the base.
    ///
    /// It takes time in the square of their number: whoever reads digits of a stranger limits it (`TermLimits`).
    init?(digits: some Collection<UInt8>, radix: Int) {
        guard !digits.isEmpty else { return nil }
        let chunk = Chunk(radix: radix)
        var magnitude: [UInt] = []
        magnitude.reserveCapacity(digits.count / chunk.digits + 1)
        var rest = digits[...]
        // The first is what makes the others whole.
        var count = (digits.count - 1) % chunk.digits + 1
        while !rest.isEmpty {
            var value: UInt = 0
            for byte in rest.prefix(count) {
                guard let digit = TermParser.digit(byte, radix: UInt8(radix)) else { return nil }
                value = value * UInt(radix) + UInt(digit)
            }
            Self.multiply(&magnitude, by: chunk.value, adding: value)
            rest = rest.dropFirst(count)
            count = chunk.digits
        }
        self.init(magnitude: magnitude)
    }

    /// As many digits of a base as an `UInt` holds whatever they are.
    private struct Chunk {
        let digits: Int
        /// The base to that power.
        let value: UInt

        init(radix: Int) {
            var (digits, value) = (1, UInt(radix))
            while true {
                let (next, isTooLarge) = value.multipliedReportingOverflow(by: UInt(radix))
                if isTooLarge { break }
                (digits, value) = (digits + 1, next)
            }
            (self.digits, self.value) = (digits, value)
        }
    }

    private static func multiply(_ magnitude: inout [UInt], by factor: UInt, adding summand: UInt) {
        var carry = summand
        for index in magnitude.indices {
            let product = magnitude[index].multipliedFullWidth(by: factor)
            let (sum, isOver) = product.low.addingReportingOverflow(carry)
            magnitude[index] = sum
            carry = product.high + (isOver ? 1 : 0)
        }
        if carry > 0 { magnitude.append(carry) }
    }

    /// Divides what has at least one digit, and returns the remainder.
    private static func divide(_ magnitude: inout [UInt], by divisor: UInt) -> UInt {
        var remainder: UInt = 0
        for index in magnitude.indices.reversed() {
            (magnitude[index], remainder) = divisor.dividingFullWidth((remainder, magnitude[index]))
        }
        if magnitude.last == 0 { magnitude.removeLast() }
        return remainder
    }
}

extension BigInteger: LosslessStringConvertible {
    /// An integer of decimal digits, with or without a sign.
    public init?(_ description: String) {
        let text = description.utf8
        let sign = text.first.flatMap { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "+") ? $0 : nil }
        guard let value = BigInteger(digits: text.dropFirst(sign == nil ? 0 : 1), radix: 10) else { return nil }
        self = sign == UInt8(ascii: "-") ? -value : value
    }

    /// The decimal digits, with `-` before those of a negative one. It takes time in the square of their number.
    public var description: String {
        let chunk = Chunk(radix: 10)
        var rest = magnitude
        var digits: [UInt8] = []
        digits.reserveCapacity((magnitude.count + 1) * (chunk.digits + 1))
        while !rest.isEmpty {
            var part = Self.divide(&rest, by: chunk.value)
            for _ in 0..<chunk.digits where part > 0 || !rest.isEmpty {
                digits.append(UInt8(ascii: "0") + UInt8(part % 10))
                part /= 10
            }
        }
        if digits.isEmpty { digits.append(UInt8(ascii: "0")) }
        if isNegative { digits.append(UInt8(ascii: "-")) }
        return String(decoding: digits.reversed(), as: UTF8.self)
    }
}
