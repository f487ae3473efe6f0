/// Equality is Erlang's `=:=`: an integer never equals a float, and floats are equal by their bits.
extension Term: Hashable {
    public static func == (left: Term, right: Term) -> Bool {
        switch (left, right) {
        case (.atom(let one), .atom(let other)): one == other
        case (.integer(let one), .integer(let other)): one == other
        case (.bigInteger(let one), .bigInteger(let other)): one == other
        case (.float(let one), .float(let other)): one.bitPattern == other.bitPattern
        case (.binary(let one), .binary(let other)): one == other
        case (.bitstring(let one, let bits), .bitstring(let other, let otherBits)):
            bits == otherBits && one == other
        case (.list(let one), .list(let other)): one == other
        case (.improperList(let one, let tail), .improperList(let other, let otherTail)):
            one == other && tail == otherTail
        case (.tuple(let one), .tuple(let other)): one == other
        case (.map(let one), .map(let other)): one == other
        case (.opaque(let one), .opaque(let other)): one == other
        case (.atom, _), (.integer, _), (.bigInteger, _), (.float, _), (.binary, _), (.bitstring, _),
            (.list, _), (.improperList, _), (.tuple, _), (.map, _), (.opaque, _):
            false
        }
    }

    public func hash(into hasher: inout Hasher) {
        switch self {
        case .atom(let atom): hasher.combine(atom)
        case .integer(let value): hasher.combine(value)
        case .bigInteger(let value): hasher.combine(value)
        case .float(let value): hasher.combine(value.bitPattern)
        case .binary(let bytes): hasher.combine(bytes)
        case .bitstring(let bytes, let bits):
            hasher.combine(bits)
            hasher.combine(bytes)
        case .list(let elements): hasher.combine(elements)
        case .improperList(let elements, let tail):
            hasher.combine(elements)
            hasher.combine(tail)
        case .tuple(let elements):
            // Told apart from a list of the same elements, which is often a key beside it.
            hasher.combine(UInt8(104))
            hasher.combine(elements)
        case .map(let pairs): hasher.combine(pairs)
        case .opaque(let opaque): hasher.combine(opaque)
        }
    }
}
