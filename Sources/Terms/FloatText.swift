/// Writes floats as `float_to_list(F, [short])` does: the fewest digits that read back as the same float, with a
/// digit before and behind the dot, as a decimal or with an exponent, whichever is shorter; from 2^53 on, where
/// digits before the dot would pretend to be exact, always with an exponent.
enum FloatText {
    static func format(_ value: Double) -> String {
        guard value.isFinite else { return value.isNaN ? "nan" : (value < 0 ? "-inf" : "inf") }
        let sign = value.sign == .minus ? "-" : ""
        let (digits, point) = decimal(value.magnitude)
        let scientific = scientific(digits, point)
        guard value.magnitude < 9_007_199_254_740_992 else { return sign + scientific }
        let plain = plain(digits, point)
        return sign + (plain.utf8.count <= scientific.utf8.count ? plain : scientific)
    }

    /// The shortest digits, without zeros at either end, and where the point stands in them: the value is
    /// 0.DIGITS * 10^point.
    private static func decimal(_ value: Double) -> (digits: [UInt8], point: Int) {
        var digits: [UInt8] = []
        var point: Int?
        var exponent = 0
        let text = Array(value.description.utf8)
        let mantissaEnd = text.firstIndex(of: UInt8(ascii: "e")) ?? text.count
        if mantissaEnd < text.count {
            exponent = Int(String(decoding: text[(mantissaEnd + 1)...], as: UTF8.self)) ?? 0
        }
        for byte in text[..<mantissaEnd] {
            if byte == UInt8(ascii: ".") { point = digits.count } else { digits.append(byte) }
        }
        let zeros = digits.prefix { $0 == UInt8(ascii: "0") }.count
        let place = (point ?? digits.count) + exponent - zeros
        digits.removeFirst(zeros)
        while digits.last == UInt8(ascii: "0") { digits.removeLast() }
        return digits.isEmpty ? ([UInt8(ascii: "0")], 1) : (digits, place)
    }

    private static func scientific(_ digits: [UInt8], _ point: Int) -> String {
        let rest = digits.dropFirst()
        return string(digits.prefix(1)) + "." + (rest.isEmpty ? "0" : string(rest)) + "e\(point - 1)"
    }

    private static func plain(_ digits: [UInt8], _ point: Int) -> String {
        if point <= 0 { return "0." + String(repeating: "0", count: -point) + string(digits[...]) }
        if point >= digits.count {
            return string(digits[...]) + String(repeating: "0", count: point - digits.count) + ".0"
        }
        return string(digits[..<point]) + "." + string(digits[point...])
    }

    private static func string(_ digits: ArraySlice<UInt8>) -> String { String(decoding: digits, as: UTF8.self) }
}
