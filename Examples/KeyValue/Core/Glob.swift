/// The patterns of `KEYS`: `*`, `?`, `[abc]`, `[^abc]`, `[a-z]`, and a backslash before a byte that means itself.
///
/// Goes back to the last star only, so that no pattern takes more than pattern times key steps: a client can't
/// stall the server by many stars.
enum Glob {
    static func matches(_ pattern: UnsafeRawBufferPointer, _ text: UnsafeRawBufferPointer) -> Bool {
        var p = 0
        var t = 0
        var afterStar: Int?
        var starText = 0
        while t < text.count {
            if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
                p += 1
                afterStar = p
                starText = t
            } else if p < pattern.count, let next = matchOne(pattern, p, text[t]) {
                p = next
                t += 1
            } else if let back = afterStar {
                p = back
                starText += 1
                t = starText
            } else {
                return false
            }
        }
        while p < pattern.count, pattern[p] == UInt8(ascii: "*") { p += 1 }
        return p == pattern.count
    }

    /// Where the pattern goes on when its element at `p`, which is no star, takes `byte`; nil when it does not.
    private static func matchOne(_ pattern: UnsafeRawBufferPointer, _ p: Int, _ byte: UInt8) -> Int? {
        switch pattern[p] {
        case UInt8(ascii: "?"): p + 1
        case UInt8(ascii: "["): matchClass(pattern, p + 1, byte)
        case UInt8(ascii: "\\") where p + 1 < pattern.count: pattern[p + 1] == byte ? p + 2 : nil
        case let literal: literal == byte ? p + 1 : nil
        }
    }

    /// A class that is never closed reaches to the pattern's end, as in Redis.
    private static func matchClass(_ pattern: UnsafeRawBufferPointer, _ start: Int, _ byte: UInt8) -> Int? {
        var p = start
        let negated = p < pattern.count && pattern[p] == UInt8(ascii: "^")
        if negated { p += 1 }
        var found = false
        while p < pattern.count, pattern[p] != UInt8(ascii: "]") {
            if pattern[p] == UInt8(ascii: "\\"), p + 1 < pattern.count {
                found = found || pattern[p + 1] == byte
                p += 2
            } else if p + 2 < pattern.count, pattern[p + 1] == UInt8(ascii: "-") {
                let low = min(pattern[p], pattern[p + 2])
                let high = max(pattern[p], pattern[p + 2])
                found = found || (low <= byte && byte <= high)
                p += 3
            } else {
                found = found || pattern[p] == byte
                p += 1
            }
        }
        return found != negated ? min(p + 1, pattern.count) : nil
    }
}
