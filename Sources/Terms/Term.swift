/// An Erlang atom, by its name.
///
/// Source: Erlang Reference Manual, "Data Types".
public struct Atom: Hashable, Sendable, ExpressibleByStringLiteral {
    public let name: String

    public init(_ name: String) { self.name = name }
    public init(stringLiteral value: String) { self.name = value }
}

/// An Erlang term: what the files, the worker protocol and the control interface are made of.
///
/// Integers that fit are always `.integer`, never `.bigInteger`; whole bytes are always `.binary`, never
/// `.bitstring`; a list whose tail is `[]` is always `.list`. The initialisers and decoders keep to that,
/// so that equal terms compare equal (Erlang's `=:=`: `1` and `1.0` differ, and so do `0.0` and `-0.0`).
public indirect enum Term: Sendable {
    case atom(Atom)
    case integer(Int)
    /// One that is beyond `Int`.
    case bigInteger(BigInteger)
    case float(Double)
    case binary([UInt8])
    /// A bit string whose length is no multiple of eight; `bits` (1...7) of the last byte count, from the top.
    case bitstring([UInt8], bits: Int)
    case list([Term])
    /// A list that does not end in `[]`: its elements (one at least) and its tail.
    case improperList([Term], tail: Term)
    case tuple([Term])
    case map([Term: Term])
    /// A pid, reference, port or fun: carried, compared and printed, never looked into.
    case opaque(OpaqueTerm)
}
