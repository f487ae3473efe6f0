import Host
import ReleaseHandling
import Terms
import Wire

/// What came of bringing one process to what is current of a module.
enum ModuleUpdate: Sendable {
    case done
    case failed(Term)
    /// It ended of it, or with it under way.
    case died(Term)
    /// It has not answered in time, and does it when it comes to it.
    case unanswered(Term)
    /// It had ended, or is being ended: what starts in its place has what is current.
    case gone
}

/// The functional modules of one process. It gets the very bytes that were checked, as a descriptor.
extension Generation {
    /// How long a process may take to load a module, or to say which versions it has.
    static let moduleMilliseconds = 5_000

    /// Whether its library for workers knows functional modules; nothing is known before it has acknowledged.
    var hasModules: Bool { protocolVersion >= 4 }

    /// This version becomes current in the process.
    func load(_ code: LoadedCode, then: @escaping @HostActor (ModuleUpdate) -> Void) {
        guard isAlive else { return then(.gone) }
        guard let library = code.file.library else { return then(.failed(.atom("not_read"))) }
        let ref = nextReference()
        send(code.packet(ref: ref), [library.memory])
        ask(ref: ref, within: Self.moduleMilliseconds, { .loadModule(ref: $0, code.identity) }) { [self] answer in
            guard case .value(let vsn) = answer else { return then(failed(answer, module: code.version.module)) }
            noteLoaded(code.version.reporting(vsn))
            then(.done)
        }
    }

    /// What is current of the module becomes old in the process.
    func delete(_ module: Atom, then: @escaping @HostActor (ModuleUpdate) -> Void) {
        guard isAlive else { return then(.gone) }
        ask(within: Self.moduleMilliseconds, { .deleteModule(ref: $0, module: module) }) { [self] answer in
            guard case .ok = answer else { return then(failed(answer, module: module)) }
            noteDeleted(module)
            then(.done)
        }
    }

    private func failed(_ answer: Answer, module: Atom) -> ModuleUpdate {
        switch answer {
        case .died(let reason): return .died(reason)
        case .timedOut:
            noteUnsettled(module)
            return .unanswered(answer.failure ?? .atom("timeout"))
        default: return .failed(answer.failure ?? .atom("bad_answer"))
        }
    }

    /// What is old of these goes where it is not used.
    func purge(_ modules: [Atom]) {
        for module in modules {
            ask(within: Self.moduleMilliseconds, isRepeatable: true, { .softPurge(ref: $0, module: module) }) { _ in }
        }
    }

    /// What the process says of each version that it has mapped; nil where it does not say. One that says what no version can be ends.
    func versions(then: @escaping @HostActor ([MappedVersion]?) -> Void) {
        ask(within: Self.moduleMilliseconds, isRepeatable: true, { .getVersions(ref: $0) }) { [self] answer in
            guard case .value(let term) = answer else { return then(nil) }
            let versions = MappedVersion.list(term)
            if versions == nil {
                let sentence = Term.text("get_versions was answered with something else than versions of modules")
                kill(reason: .tuple([.atom("protocol_error"), sentence]))
            }
            then(versions)
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

/// A version of a functional module that a process has mapped. Source: docs/worker-protocol.md, get_versions.
struct MappedVersion: Hashable, Sendable {
    enum State: String {
        case current, old
        /// Purged; mapped, since it can't be unmapped, and never entered again.
        case resident
    }

    let module: Atom
    let sha256: String
    let state: State
    /// Threads that are in it, and how often it is held.
    let users: Int

    static let maximumVersions = 65_536
    private static let maximumUsers = 1 << 32

    static func list(_ term: Term) -> [MappedVersion]? {
        guard let terms = term.asList, terms.count <= maximumVersions else { return nil }
        var versions: [MappedVersion] = []
        for term in terms {
            guard let version = MappedVersion(term) else { return nil }
            versions.append(version)
        }
        return versions
    }

    init(current module: Atom, sha256: String) {
        self.module = module
        self.sha256 = sha256
        state = .current
        users = 0
    }

    private init?(_ term: Term) {
        guard let map = term.asMap, let module = map[.atom("module")]?.asAtom,
            let sha256 = map[.atom("identity")]?.asText, sha256.utf8.count == 64,
            let state = map[.atom("state")]?.asAtom.flatMap({ State(rawValue: $0.name) }),
            let calls = map[.atom("calls")]?.asInt, let holds = map[.atom("holds")]?.asInt,
            (0...Self.maximumUsers).contains(calls), (0...Self.maximumUsers).contains(holds)
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
