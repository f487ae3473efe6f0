import Host
import ReleaseHandling
import Terms
import Wire

/// The functional modules of one process. It gets the very bytes that were checked, as a descriptor.
extension Generation {
    /// How long a process may take to load a module, or to say which versions it has.
    static let moduleMilliseconds = 5_000

    /// Whether its library for workers knows functional modules; nothing is known before it has acknowledged.
    var hasModules: Bool { protocolVersion >= 4 }

    /// What is current becomes that of the process. `then`: nil where it is, else why not.
    func load(_ code: LoadedCode, then: @escaping @HostActor (Term?) -> Void) {
        guard let library = code.file.library else { return then(.atom("not_read")) }
        let ref = nextReference()
        send(code.packet(ref: ref), [library.memory])
        ask(ref: ref, within: Self.moduleMilliseconds, { .loadModule(ref: $0, code.identity) }) { [self] answer in
            guard case .value(let vsn) = answer else { return then(answer.failure ?? .atom("bad_answer")) }
            noteLoaded(code.version.reporting(vsn))
            then(nil)
        }
    }

    /// What is current of the module becomes old in the process.
    func delete(_ module: Atom, then: @escaping @HostActor (Term?) -> Void) {
        ask(within: Self.moduleMilliseconds, { .deleteModule(ref: $0, module: module) }) { [self] answer in
            guard case .ok = answer else { return then(answer.failure ?? .atom("bad_answer")) }
            noteDeleted(module)
            then(nil)
        }
    }

    /// What is old of these goes where it is not used.
    func purge(_ modules: [Atom]) {
        for module in modules {
            ask(within: Self.moduleMilliseconds, { .softPurge(ref: $0, module: module) }) { _ in }
        }
    }

    /// What the process says of each version that it has mapped; nil where it does not say.
    func versions(then: @escaping @HostActor ([MappedVersion]?) -> Void) {
        ask(within: Self.moduleMilliseconds, { .getVersions(ref: $0) }) { answer in
            guard case .value(.list(let terms)) = answer else { return then(nil) }
            then(terms.compactMap(MappedVersion.init))
        }
    }

    func change(
        _ module: Atom, _ change: CodeChange, within milliseconds: Int, then: @escaping @HostActor (Answer) -> Void
    ) {
        ask(within: milliseconds, { .changeModule(ref: $0, module: module, change) }, then: then)
    }
}

extension LoadedCode {
    /// What brings its library to a worker.
    func packet(ref: Int) -> TransferPacket {
        let isDriver = file.library?.interface == .driver
        return .library(ref: ref, module: version.module, isDriver ? .driver : .module)
    }

    var identity: ModuleIdentity { ModuleIdentity(module: version.module, identity: version.sha256) }
}

/// A version of a functional module that a process has mapped.
struct MappedVersion: Hashable, Sendable {
    let module: Atom
    let sha256: String
    let state: Atom
    /// Threads that are in it, and how often it is held.
    let users: Int

    var isCurrent: Bool { state == "current" }
    /// Purged; mapped, since it can't be unmapped, and never entered again.
    var isResident: Bool { state == "resident" }

    init(current module: Atom, sha256: String) {
        self.module = module
        self.sha256 = sha256
        state = "current"
        users = 0
    }

    init?(_ term: Term) {
        guard let map = term.asMap, let module = map[.atom("module")]?.asAtom,
            let sha256 = map[.atom("identity")]?.asText, let state = map[.atom("state")]?.asAtom,
            let calls = map[.atom("calls")]?.asInt, let holds = map[.atom("holds")]?.asInt
        else { return nil }
        self.module = module
        self.sha256 = sha256
        self.state = state
        users = calls + holds
    }
}

extension Answer {
    /// Why it is no success; nil where it may be one.
    var failure: Term? {
        switch self {
        case .failed(let reason), .died(let reason): reason
        case .timedOut(let milliseconds): .tuple([.atom("timeout"), .integer(milliseconds)])
        case .ok, .acknowledged, .ignored, .value, .exported: nil
        }
    }
}
