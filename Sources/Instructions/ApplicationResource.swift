public import Terms

/// What starts an application: the module of its top supervisor and that one's arguments, `{mod, {Module, Args}}`.
public struct ApplicationModule: Hashable, Sendable, Codable {
    public var module: Atom
    public var arguments: Term

    public init(module: Atom, arguments: Term) {
        self.module = module
        self.arguments = arguments
    }
}

/// One phase of an application's start: `{Phase, Args}`.
public struct StartPhase: Hashable, Sendable, Codable {
    public var phase: Atom
    public var arguments: Term

    public init(phase: Atom, arguments: Term) {
        self.phase = phase
        self.arguments = arguments
    }
}

/// An application's resource file, `NAME.app`: `{application, Name, [{Key, Value}]}`.
///
/// Only `vsn` must be given; the other keys have the values that OTP assumes for them.
///
/// Source: app(4); `application_controller` for the defaults.
public struct ApplicationResource: Hashable, Sendable, Codable {
    public var name: Atom
    public var vsn: String
    public var description = ""
    public var id = ""
    public var modules: [Atom] = []
    public var registered: [Atom] = []
    /// Applications that must run before this one starts.
    public var applications: [Atom] = []
    /// Those of `applications` that may be missing.
    public var optionalApplications: [Atom] = []
    public var includedApplications: [Atom] = []
    public var env: [EnvironmentParameter] = []
    /// `nil`: a library application, which has nothing to start.
    public var mod: ApplicationModule?
    /// `nil`: `undefined`, the start has no phases.
    public var startPhases: [StartPhase]?
    /// Milliseconds that the application may run; `nil` is `infinity`.
    public var maxT: Int?
    /// How many processes it may have; `nil` is `infinity`.
    public var maxP: Int?
    /// Keys that mean nothing here (`runtime_dependencies`, those of build tools), kept as they stood.
    public var otherKeys: [EnvironmentParameter] = []

    public init(name: Atom, vsn: String) {
        self.name = name
        self.vsn = vsn
    }

    /// Whether included applications take part in the start phases: `{mod, {application_starter, [Module, Args]}}`.
    public var startsIncludedApplications: Bool { topSupervisor != mod }

    /// What `mod` names, itself or through `application_starter`.
    public var topSupervisor: ApplicationModule? {
        guard let mod, mod.module == "application_starter", let parts = mod.arguments.asList, parts.count == 2,
            let module = parts[0].asAtom
        else { return mod }
        return ApplicationModule(module: module, arguments: parts[1])
    }

    /// `env` with the parameters of `overrides` (what `sys.config` says) in place of its own, then their new ones.
    public func environment(overriddenBy overrides: [EnvironmentParameter]) -> [EnvironmentParameter] {
        env.merging(overrides)
    }
}

extension [EnvironmentParameter] {
    /// The value of a key.
    public func value(of key: Atom) -> Term? { first { $0.key == key }?.value }

    /// These parameters with the values of `newer` where both have a key, then those that only `newer` has.
    func merging(_ newer: [EnvironmentParameter]) -> [EnvironmentParameter] {
        let values = Dictionary(newer.map { ($0.key, $0.value) }, uniquingKeysWith: { _, last in last })
        let keys = Set(map(\.key))
        let kept = map { EnvironmentParameter(key: $0.key, value: values[$0.key] ?? $0.value) }
        return kept + newer.filter { !keys.contains($0.key) }
    }
}
