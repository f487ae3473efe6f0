/// The decimal digits of an integer, kept in place: a counter is written without an allocation.
struct DecimalDigits {
    /// Digits right-aligned in 20 of 24 bytes: "-9223372036854775808" has 20.
    private var storage: (UInt64, UInt64, UInt64) = (0, 0, 0)
    private let start: Int

    init(_ value: Int64) {
        var position = 24
        var magnitude = value.magnitude
        withUnsafeMutableBytes(of: &storage) { digits in
            repeat {
                position -= 1
                digits[position] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: magnitude % 10)
                magnitude /= 10
            } while magnitude > 0
            if value < 0 {
                position -= 1
                digits[position] = UInt8(ascii: "-")
            }
        }
        start = position
    }

    mutating func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        Swift.withUnsafeBytes(of: &storage) { body(UnsafeRawBufferPointer(rebasing: $0[start...])) }
    }
}

extension Int64 {
    /// Reads an integer as Redis does: digits with an optional minus, no plus, no spaces, no leading zeros.
    init?(strictDecimal text: UnsafeRawBufferPointer) {
        guard let first = text.first, text.count <= 20 else { return nil }
        let negative = first == UInt8(ascii: "-")
        let digits = negative ? text[1...] : text[0...]
        guard let leading = digits.first else { return nil }
        if leading == UInt8(ascii: "0") {
            guard digits.count == 1, !negative else { return nil }
            self = 0
            return
        }
        var value: Int64 = 0
        for byte in digits {
            let digit = byte &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            let (product, overflowed) = value.multipliedReportingOverflow(by: 10)
            // Gathered below zero, where there is room for the least integer.
            let (sum, overflowedAgain) = product.subtractingReportingOverflow(Int64(digit))
            guard !overflowed, !overflowedAgain else { return nil }
            value = sum
        }
        guard !negative else {
            self = value
            return
        }
        guard value != .min else { return nil }
        self = -value
    }
}

extension Bytes {
    /// The integer that the bytes spell, nil when they spell none that fits 64 bits.
    public var integer: Int64? { withUnsafeBytes { Int64(strictDecimal: $0) } }
}
