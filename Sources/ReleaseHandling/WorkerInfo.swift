public import Terms
public import Wire

/// What the daemon verified about one running worker: never what it should be, always what was executed.
///
/// A supervisor has one too where its module is what is asked for. It has no executable and no state of its own to
/// hand over: a code_change gives it new flags and specs.
public struct WorkerInfo: Hashable, Sendable {
    public let id: ChildAddress
    /// The module whose executable it runs; `nil` for an `os` program.
    public let resident: Atom?
    /// The modules that its child spec lists; for `dynamic` ones what the worker answered to `get_modules`.
    public let modules: [Atom]
    /// What the worker's generation reported when it started; `nil` where it reported `undefined`.
    public let vsn: Term?
    /// SHA-256 (hexadecimal) of the executable that its generation runs; empty where unknown.
    public let sha256: String
    public let isSupervisor: Bool
    /// Whether it said that its state can be copied in parts while it runs.
    public let isIncremental: Bool
    /// The functional modules that its process has loaded, as it said itself.
    public internal(set) var functional: [Atom: FunctionalCode]

    public init(
        id: ChildAddress, resident: Atom?, modules: [Atom], vsn: Term?, sha256: String, isSupervisor: Bool = false,
        isIncremental: Bool = false, functional: [Atom: FunctionalCode] = [:]
    ) {
        self.id = id
        self.resident = resident
        self.modules = modules
        self.vsn = vsn
        self.sha256 = sha256
        self.isSupervisor = isSupervisor
        self.isIncremental = isIncremental
        self.functional = functional
    }

    /// The vsn of the code that it runs: reported, else the SHA-256 as text, else `undefined`.
    public var codeVsn: Term { effectiveVsn(vsn, sha256: sha256) }
}

/// What one process has of a functional module. Versions by their SHA-256 (hexadecimal).
public struct FunctionalCode: Hashable, Sendable {
    /// Whom a call finds; nil where nothing is current.
    public let current: String?
    /// Versions that a thread of it is in, or that it holds; the current one may be among them.
    public let used: Set<String>
    /// Whether the process did not say: then `used` is what is assumed.
    public let isAssumed: Bool

    public init(current: String?, used: Set<String> = [], isAssumed: Bool = false) {
        self.current = current
        self.used = used
        self.isAssumed = isAssumed
    }
}

/// One version of one module's object code, as it was read and checked.
public struct CodeVersion: Hashable, Sendable, Codable {
    public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        /// An executable: it owns the loop and the state.
        case resident
        /// `MODULE.sup`, read by the daemon when the supervisor starts.
        case supervisor
        /// `MODULE.so`, which workers call into.
        case functional
    }

    public let module: Atom
    public let kind: Kind
    public let library: Atom
    public let libraryVsn: String
    public let path: String
    /// Hexadecimal digits.
    public let sha256: String
    /// What running code of this version reported; `nil` until some did.
    public let vsn: Term?

    public init(
        module: Atom, kind: Kind, library: Atom, libraryVsn: String, path: String, sha256: String, vsn: Term? = nil
    ) {
        self.module = module
        self.kind = kind
        self.library = library
        self.libraryVsn = libraryVsn
        self.path = path
        self.sha256 = sha256
        self.vsn = vsn
    }

    public var codeVsn: Term { effectiveVsn(vsn, sha256: sha256) }

    /// The same version once its vsn is known.
    public func reporting(_ vsn: Term?) -> CodeVersion {
        CodeVersion(
            module: module, kind: kind, library: library, libraryVsn: libraryVsn, path: path, sha256: sha256,
            vsn: vsn ?? self.vsn)
    }
}

func effectiveVsn(_ reported: Term?, sha256: String) -> Term {
    if let reported { return reported }
    return sha256.isEmpty ? .atom(Atom("undefined")) : .string(sha256)
}
