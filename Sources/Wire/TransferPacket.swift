public import Terms

/// What a library is to a worker.
public enum LibraryKind: String, Hashable, Sendable {
    /// A functional module: docs/module-abi.md.
    case module
    /// It exists in one version only: docs/drivers.md.
    case driver
}

/// A packet of the transfer socket: a term in the external format beside its descriptors (SCM_RIGHTS).
///
/// SOCK_SEQPACKET keeps packets whole, so there is no length in front.
public enum TransferPacket: Hashable, Sendable {
    /// `{state, Ref, Size}` with one descriptor: the sealed memfd.
    case state(ref: Int, size: Int)
    /// `{descriptors, Ref, First, Count}` with `count` descriptors, numbered from `first` (0 for the first of all).
    case descriptors(ref: Int, first: Int, count: Int)
    /// `{latch, Ref}` with one descriptor: the memory that tells whether the worker is at rest. `Ref` is that of the
    /// `export_snapshot` which it goes with. Version 3, and never passed on.
    case latch(ref: Int)
    /// `{library, Ref, Module, Kind}` with one descriptor: the sealed memfd with the library of a functional module or a driver. `Ref`
    /// is that of the `init` or `load_module` which it goes with. Version 4, and only from the daemon.
    case library(ref: Int, module: Atom, LibraryKind)

    public var ref: Int {
        switch self {
        case .state(let ref, _), .descriptors(let ref, _, _), .latch(let ref), .library(let ref, _, _): return ref
        }
    }

    /// How many descriptors travel beside it.
    public var descriptorCount: Int {
        switch self {
        case .state, .latch, .library: return 1
        case .descriptors(_, _, let count): return count
        }
    }

    /// The same packet under another ref: what the daemon passes on to the importing side.
    public func with(ref: Int) -> TransferPacket {
        switch self {
        case .state(_, let size): return .state(ref: ref, size: size)
        case .descriptors(_, let first, let count): return .descriptors(ref: ref, first: first, count: count)
        case .latch: return .latch(ref: ref)
        case .library(_, let module, let kind): return .library(ref: ref, module: module, kind)
        }
    }

    public var term: Term {
        switch self {
        case .state(let ref, let size):
            return .tuple([.atom("state"), .integer(ref), .integer(size)])
        case .descriptors(let ref, let first, let count):
            return .tuple([.atom("descriptors"), .integer(ref), .integer(first), .integer(count)])
        case .latch(let ref):
            return .tuple([.atom("latch"), .integer(ref)])
        case .library(let ref, let module, let kind):
            return .tuple([.atom("library"), .integer(ref), .atom(module), .atom(Atom(kind.rawValue))])
        }
    }

    public init(_ term: Term) throws(WireError) {
        guard case .tuple(let fields) = term, case .atom(let name)? = fields.first else {
            throw WireError(.malformed(ref: nil), "expected a packet, found \(shortened(term))")
        }
        var reader = MessageReader(term: term, name: name, fields: fields, ref: nil)
        switch name.name {
        case "state":
            try reader.readRef(fieldCount: 3)
            self = .state(
                ref: reader.number, size: try reader.count(fields[2], "Size", limit: WireLimits.maxStateBytes))
        case "descriptors":
            try reader.readRef(fieldCount: 4)
            let count = try reader.count(fields[3], "Count", limit: WireLimits.maxDescriptorsPerPacket)
            guard count > 0 else { throw reader.malformed("Count of 1 or more", fields[3]) }
            self = .descriptors(
                ref: reader.number,
                first: try reader.count(fields[2], "First", limit: WireLimits.maxDescriptors), count: count)
        case "latch":
            try reader.readRef(fieldCount: 2)
            self = .latch(ref: reader.number)
        case "library":
            try reader.readRef(fieldCount: 4)
            guard let kind = LibraryKind(rawValue: try reader.atom(fields[3], "Kind").name) else {
                throw reader.malformed("Kind module or driver", fields[3])
            }
            self = .library(ref: reader.number, module: try reader.atom(fields[2], "Module"), kind)
        default:
            throw reader.malformed("state, descriptors, latch or library", .atom(name))
        }
    }

    /// The packet's bytes (no length in front).
    public var bytes: [UInt8] { ExternalTermFormat.encode(term) }

    public init(bytes: [UInt8]) throws(WireError) {
        guard bytes.count <= WireLimits.maxPacketBytes else {
            throw WireError(
                .overLimit, "packet of \(bytes.count) bytes is over the limit of \(WireLimits.maxPacketBytes) bytes")
        }
        try self.init(try Frame.decode(bytes))
    }
}
