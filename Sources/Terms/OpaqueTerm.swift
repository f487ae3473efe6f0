/// A pid, reference, port or fun: compared by how it was encoded, printed, and encoded as it was.
///
/// Source: "External Term Format" (ERTS User's Guide).
public struct OpaqueTerm: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        case pid, reference, port, fun
        /// `fun Module:Function/Arity`: the one kind that can be written in text.
        case export
    }

    public let kind: Kind
    /// The external term format as it stood, without the version byte. Only the decoder makes these, which has
    /// checked it.
    public let encoding: [UInt8]

    /// `fun Module:Function/Arity`.
    public static func export(module: Atom, function: Atom, arity: UInt8) -> OpaqueTerm {
        var writer = ExternalTermWriter()
        writer.byte(ExternalTag.export)
        writer.atom(module)
        writer.atom(function)
        writer.integer(Int(arity))
        return OpaqueTerm(kind: .export, encoding: writer.finish())
    }
}

extension OpaqueTerm.Kind {
    /// Where it stands in Erlang's order of terms.
    var rank: Int {
        switch self {
        case .reference: 2
        case .fun, .export: 3
        case .port: 4
        case .pid: 5
        }
    }
}

extension OpaqueTerm: CustomStringConvertible {
    /// `<0.12.3>`, `#Ref<0.3.2.1>`, `#Port<0.6>`, `#Fun<module.index.uniq>`, `fun module:function/1`. The first
    /// number is the node: 0 where it has no name, otherwise its name stands there.
    public var description: String {
        encoding.withUnsafeBytes { buffer in
            var reader = ExternalTermReader(buffer)
            do throws(ExternalTermError) {
                return try reader.opaqueDescription()
            } catch {
                // Only what the decoder has accepted gets here.
                return "#Opaque<\(error)>"
            }
        }
    }
}
