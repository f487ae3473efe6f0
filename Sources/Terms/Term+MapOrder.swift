extension [Term: Term] {
    /// The pairs by the order of their keys, in which whatever is written of a map is written.
    ///
    /// Keys are first told apart by a few bytes beside each other: a large map's order would otherwise be
    /// mostly the time to reach into its keys, several times for each.
    var inKeyOrder: [(key: Term, value: Term)] {
        let pairs = map { (key: $0.key, value: $0.value) }
        guard pairs.count > 1 else { return pairs }
        var handles = pairs.indices.map { KeyHandle(pairs[$0].key, index: $0) }
        handles.sort { one, two in
            if one.rank != two.rank { return one.rank < two.rank }
            if one.high != two.high { return one.high < two.high }
            if one.low != two.low { return one.low < two.low }
            return Term.keyOrder(pairs[one.index].key, pairs[two.index].key)
        }
        return handles.map { pairs[$0.index] }
    }
}

/// What of a key decides most comparisons: where two handles are the same, the keys must be looked at.
private struct KeyHandle {
    let rank: Int
    let high: UInt64
    let low: UInt64
    let index: Int

    init(_ key: Term, index: Int) {
        self.index = index
        rank = key.rank
        switch key {
        case .integer(let value):
            high = UInt64(bitPattern: Int64(value)) ^ (1 << 63)
            low = 0
        case .bigInteger(let value):
            high = value.isNegative ? 0 : .max
            low = 0
        case .float:
            // Behind all integers, among themselves by value.
            high = .max
            low = .max
        case .atom(let atom): (high, low) = Self.prefix(atom.name.utf8)
        case .binary(let bytes), .bitstring(let bytes, _): (high, low) = Self.prefix(bytes)
        case .list, .improperList, .tuple, .map, .opaque:
            high = 0
            low = 0
        }
    }

    /// The first sixteen bytes, with zeros where there are fewer.
    private static func prefix(_ bytes: some Collection<UInt8>) -> (UInt64, UInt64) {
        var words: (UInt64, UInt64) = (0, 0)
        for (index, byte) in bytes.prefix(16).enumerated() {
            let shifted = UInt64(byte) << UInt64(56 - index % 8 * 8)
            if index < 8 { words.0 |= shifted } else { words.1 |= shifted }
        }
        return words
    }
}
