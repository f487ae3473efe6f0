import Glibc
import Host
import Terms

/// What one daemon leaves to the program that goes on in its place: versioned terms in a sealed memfd.
///
/// `{release_handler_state, Version, Erts, Term}` in the external format. What Term holds is said by `NodeState` for the node, and by
/// `ControlConnections.State` for the control interface.
struct Handover: Codable {
    /// The version of the daemon that wrote it.
    let erts: String
    /// When that one stopped to look after its workers. Nanoseconds of the monotonic clock.
    let beganNanoseconds: Int
    let node: NodeState
    private(set) var control: ControlConnections.State
    /// Where it is done for an upgrade, which goes on.
    let continued: ContinuedInstall?
    /// The page's socket, where it is served.
    private(set) var page: ControlConnections.State?

    /// Where the program that goes on finds it: the number of its descriptor.
    static let variable = "RELEASE_HANDLER_STATE"

    /// All that are to be open in the next program.
    var descriptors: [Int32] { node.descriptors + control.descriptors + (page?.descriptors ?? []) }

    // MARK: Writing

    func memory() throws -> OwnedDescriptor {
        var writer = ExternalTermWriter(reserving: 64 * 1024)
        writer.version()
        writer.tupleHeader(4)
        writer.atom(Self.tag)
        writer.integer(NodeState.version)
        writer.term(.string(erts))
        try TermEncoder(leavesOutZero: true).append(self, to: &writer)
        return try StateDescriptor.make(writer.finish())
    }

    private static let tag: Atom = "release_handler_state"

    // MARK: Reading

    /// That of the daemon before, where there is one. Once: the variable is taken from the environment.
    static func take() throws(BootError) -> Handover? {
        guard let value = getenv(variable).map({ String(cString: $0) }) else { return nil }
        unsetenv(variable)
        guard let raw = Int32(value), raw > 2 else {
            throw BootError("\(variable) is no number of a descriptor: \(value)")
        }
        var handover = try read(OwnedDescriptor(raw))
        do {
            try Successor.take(handover.node.descriptors + [handover.control.listener])
            handover.control = handover.control.keeping(Successor.takeSocket)
            // Nobody is to suffer from it.
            handover.page = handover.page.flatMap { Successor.takeSocket($0.listener) ? $0 : nil }
        } catch {
            throw BootError("the state names what is not there: \(error)")
        }
        return handover
    }

    static func read(_ descriptor: OwnedDescriptor) throws(BootError) -> Handover {
        let bytes: [UInt8]
        do {
            bytes = try StateDescriptor.contents(of: descriptor, limit: maximumBytes)
        } catch {
            throw BootError("the state can't be read: \(error)")
        }
        return try read(bytes)
    }

    /// - Throws: where it is another version's, cut short, or something else.
    static func read(_ bytes: [UInt8]) throws(BootError) -> Handover {
        try bytes.withUnsafeBufferPointer { (buffer) throws(BootError) in
            var reader = ExternalTermReader(UnsafeRawBufferPointer(buffer))
            let (version, erts) = try head(&reader)
            do {
                guard version < NodeState.version else {
                    return try TermDecoder().decode(Handover.self, from: bytes, at: reader.offset)
                }
                let old = try reader.term(limits: .ofState)
                return try TermDecoder().decode(Handover.self, from: StateVersions.current(old, from: version))
            } catch {
                throw BootError(
                    "the state of release-handlerd \(erts) can't be read by \(Emulator.vsn): \(Self.sentence(error))")
            }
        }
    }

    private static func head(_ reader: inout ExternalTermReader) throws(BootError) -> (version: Int, erts: String) {
        let version: Int
        let erts: String?
        do throws(ExternalTermError) {
            try reader.version()
            guard try reader.tupleHeader() == 4, try reader.atom() == tag else {
                throw ExternalTermError(offset: reader.offset, message: "expected {\(tag.name), Version, Erts, _}")
            }
            version = try reader.integer()
            erts = try reader.term().asString
        } catch {
            throw BootError("the state is none, or is cut short: \(error)")
        }
        guard version <= NodeState.version else {
            throw BootError(
                "the state has version \(version), of release-handlerd \(erts ?? "?"): this one, \(Emulator.vsn), reads up to "
                    + "\(NodeState.version)")
        }
        return (version, erts ?? "?")
    }

    static let maximumBytes = 1 << 30

    private static func sentence(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "\(error)" }
        switch error {
        case .keyNotFound(let key, let context): return "\(path(context.codingPath + [key])) is not there"
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            return "\(path(context.codingPath)): \(context.debugDescription)"
        @unknown default: return "\(error)"
        }
    }

    private static func path(_ keys: [any CodingKey]) -> String { keys.map(\.stringValue).joined(separator: ".") }
}

/// What brings the terms of an older version up to this one's, one version at a time.
enum StateVersions {
    /// From version N to N + 1, by N. A key that is new and may be missing needs none.
    static let steps: [Int: @Sendable (Term) -> Term] = [1: partsByThemselves]

    /// Since version 2 the tree and each place is a term of its own in a binary.
    private static let partsByThemselves: @Sendable (Term) -> Term = { state in
        let written: @Sendable (Term) -> Term = { .binary(TermEncoder.written($0)) }
        let places = changing(["node", "tree", "places"], in: state) { .list(($0.asList ?? []).map(written)) }
        return changing(["node", "tree", "tree"], in: places, written)
    }

    /// What stands below these keys.
    private static func changing(_ keys: ArraySlice<Atom>, in term: Term, _ change: (Term) -> Term) -> Term {
        guard let key = keys.first else { return change(term) }
        return .list(
            (term.asList ?? []).map { pair in
                guard let parts = pair.asTuple, parts.count == 2, parts[0] == .atom(key) else { return pair }
                return .tuple([parts[0], changing(keys.dropFirst(), in: parts[1], change)])
            })
    }

    static func current(
        _ term: Term, from version: Int, to current: Int = NodeState.version,
        steps: [Int: @Sendable (Term) -> Term] = steps
    ) -> Term {
        guard version < current else { return term }
        return (version..<current).reduce(term) { term, version in steps[version].map { $0(term) } ?? term }
    }
}

extension Daemon {
    /// Whether this process goes on where another daemon stood.
    public static var goesOn: Bool { getenv(Handover.variable) != nil }

    static let canGoOn = "can go on in the place of"

    /// Reads the state of another daemon from the standard input: one sentence of what it is.
    public static func checkState() throws(BootError) -> String {
        let handover = try Handover.read(OwnedDescriptor(STDIN_FILENO))
        do {
            _ = try LoadedRelease(handover.node.release, file: "sys.config")
        } catch {
            throw BootError("the configuration of the release that runs: \(error)")
        }
        let workers = handover.node.tree.places.count
        return "release-handlerd \(Emulator.vsn) \(canGoOn) \(handover.erts), with \(workers) workers"
    }
}
