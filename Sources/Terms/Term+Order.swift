/// Erlang's order of all terms:
/// number < atom < reference < fun < port < pid < tuple < map < nil < list < bit string.
///
/// `<` is a total order that agrees with `==`: what Erlang compares equal without being the same
/// (`1` and `1.0`) is ordered integer first. Source: Erlang Reference Manual, "Term Comparisons".
extension Term: Comparable {
    public static func < (left: Term, right: Term) -> Bool { erlangOrder(left, right) }

    /// Whether `left` comes before `right`: for `sorted(by: Term.erlangOrder)`.
    public static func erlangOrder(_ left: Term, _ right: Term) -> Bool {
        let order = left.compared(to: right, exactly: false)
        return order != 0 ? order < 0 : left.compared(to: right, exactly: true) < 0
    }

    /// The order of a map's keys: as `erlangOrder`, but every integer before every float.
    static func keyOrder(_ left: Term, _ right: Term) -> Bool { left.compared(to: right, exactly: true) < 0 }

    /// Below, at or above zero, as `self` comes before, with or after `other`. `exactly` is the order of map
    /// keys, in which an integer never meets a float.
    func compared(to other: Term, exactly: Bool) -> Int {
        switch (self, other) {
        case (.binary(let one), .binary(let two)): return Self.compare(one, two)
        case (.atom(let one), .atom(let two)): return Self.compare(one.name, two.name)
        case (.integer(let one), .integer(let two)): return one < two ? -1 : (one == two ? 0 : 1)
        case (.tuple(let one), .tuple(let two)):
            return one.count == two.count
                ? Self.compare(one, .nil, two, .nil, exactly: exactly) : one.count - two.count
        case (.map(let one), .map(let two)): return Self.compare(one, two, exactly: exactly)
        case (.opaque(let one), .opaque(let two)) where one.kind.rank == two.kind.rank:
            return Self.compare(one.encoding, two.encoding)
        case (.atom, _), (.integer, _), (.bigInteger, _), (.float, _), (.binary, _), (.bitstring, _),
            (.list, _), (.improperList, _), (.tuple, _), (.map, _), (.opaque, _):
            break  // lists, bit strings and other numbers below; the rest is of different kinds
        }
        if let one = listParts, let two = other.listParts {
            return Self.compare(one.elements, one.tail, two.elements, two.tail, exactly: exactly)
        }
        if let one = bitParts, let two = other.bitParts {
            let order = Self.compare(one.bytes, two.bytes)
            return order != 0 && (one.bytes.count == two.bytes.count || one.bytes.starts(with: two.bytes) == false)
                ? order : Self.bitCount(one) - Self.bitCount(two)
        }
        let order = rank - other.rank
        return order != 0 ? order : Self.compareNumbers(self, other, exactly: exactly)
    }

    /// The place of its kind in the order.
    var rank: Int {
        switch self {
        case .integer, .bigInteger, .float: 0
        case .atom: 1
        case .opaque(let opaque): opaque.kind.rank
        case .tuple: 6
        case .map: 7
        case .list(let elements): elements.isEmpty ? 8 : 9
        case .improperList: 9
        case .binary, .bitstring: 10
        }
    }

    private var listParts: (elements: [Term], tail: Term)? {
        switch self {
        case .list(let elements): elements.isEmpty ? nil : (elements, .nil)
        case .improperList(let elements, let tail): (elements, tail)
        case .atom, .integer, .bigInteger, .float, .binary, .bitstring, .tuple, .map, .opaque: nil
        }
    }

    private var bitParts: (bytes: [UInt8], bits: Int)? {
        switch self {
        case .binary(let bytes): (bytes, 8)
        case .bitstring(let bytes, let bits): (bytes, bits)
        case .atom, .integer, .bigInteger, .float, .list, .improperList, .tuple, .map, .opaque: nil
        }
    }

    private static func bitCount(_ parts: (bytes: [UInt8], bits: Int)) -> Int {
        parts.bytes.count * 8 - 8 + parts.bits
    }

    private static func compare(_ one: [UInt8], _ two: [UInt8]) -> Int {
        one.withUnsafeBufferPointer { one in
            two.withUnsafeBufferPointer { two in
                for index in 0..<min(one.count, two.count) where one[index] != two[index] {
                    return one[index] < two[index] ? -1 : 1
                }
                return one.count - two.count
            }
        }
    }

    /// By code points: Swift's own order of strings is of canonical equivalents.
    private static func compare(_ one: String, _ two: String) -> Int {
        if one == two { return 0 }
        return one.utf8.lexicographicallyPrecedes(two.utf8) ? -1 : 1
    }

    private static func compare(
        _ one: [Term], _ oneTail: Term, _ two: [Term], _ twoTail: Term, exactly: Bool
    ) -> Int {
        for index in 0..<min(one.count, two.count) {
            let order = one[index].compared(to: two[index], exactly: exactly)
            if order != 0 { return order }
        }
        if one.count == two.count { return oneTail.compared(to: twoTail, exactly: exactly) }
        // What is left of the longer is a list, and a tail is never one: their kinds decide.
        return one.count < two.count ? oneTail.rank - 9 : 9 - twoTail.rank
    }

    private static func compare(_ one: [Term: Term], _ two: [Term: Term], exactly: Bool) -> Int {
        guard one.count == two.count else { return one.count - two.count }
        let pairs = one.inKeyOrder
        let others = two.inKeyOrder
        for (pair, other) in zip(pairs, others) {
            let order = pair.key.compared(to: other.key, exactly: true)
            if order != 0 { return order }
        }
        for (pair, other) in zip(pairs, others) {
            let order = pair.value.compared(to: other.value, exactly: exactly)
            if order != 0 { return order }
        }
        return 0
    }

    private static func compareNumbers(_ one: Term, _ two: Term, exactly: Bool) -> Int {
        switch (one.asDouble, two.asDouble) {
        case (let one?, let two?):
            if one != two { return one < two ? -1 : 1 }
            // -0.0 before 0.0, and only where they are to be told apart.
            return exactly && one.sign != two.sign ? (one.sign == .minus ? -1 : 1) : 0
        case (let one?, nil):
            return exactly ? 1 : -compareInteger(two, toFloat: one)
        case (nil, let two?):
            return exactly ? -1 : compareInteger(one, toFloat: two)
        case (nil, nil):
            guard let one = one.asBigInteger, let two = two.asBigInteger else { return 0 }
            return one < two ? -1 : (one == two ? 0 : 1)
        }
    }

    private static func compareInteger(_ integer: Term, toFloat float: Double) -> Int {
        guard float.isFinite, let value = integer.asBigInteger else { return float > 0 ? -1 : 1 }
        let whole = BigInteger(roundingDown: float)
        if value != whole { return value < whole ? -1 : 1 }
        return float.rounded(.down) == float ? 0 : -1
    }
}
