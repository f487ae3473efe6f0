public import Instructions
public import Terms

/// What `application:set_env` and `unset_env` made of the environments of a release's applications.
///
/// Source: OTP application(3), `set_env/4` and its `persistent`; `application_controller`, `load` and `unload`.
public struct EnvironmentChanges: Hashable, Sendable, Codable {
    public enum Change: Hashable, Sendable, Codable {
        case set(Term)
        case unset
    }

    private var changes: [Atom: [Atom: Change]] = [:]
    /// What each load of the application makes of its `sys.config`.
    private var persistent: [Atom: [Atom: Change]] = [:]

    public init() {}

    /// `isPersistent`: it also counts in place of what `sys.config` says when the application is loaded next.
    public mutating func change(_ application: Atom, _ key: Atom, to change: Change, isPersistent: Bool = false) {
        changes[application, default: [:]][key] = change
        if isPersistent { persistent[application, default: [:]][key] = change }
    }

    /// `application` was loaded: its own parameters count again, others that were set stay.
    ///
    /// `own`: the `env` of its `.app`. `config`: its part of `sys.config`.
    public mutating func load(
        _ application: Atom, own: [EnvironmentParameter], config: [EnvironmentParameter]
    ) {
        for parameter in own + config { changes[application]?[parameter.key] = nil }
        for (key, change) in persistent[application] ?? [:] {
            switch change {
            case .set: changes[application, default: [:]][key] = change
            case .unset:
                guard config.contains(where: { $0.key == key }) else { continue }
                // Only what sys.config said is gone for good.
                changes[application, default: [:]][key] = own.value(of: key).map { .set($0) } ?? .unset
            }
        }
    }

    /// `application` was unloaded: what was set is gone, but for what is persistent.
    public mutating func unload(
        _ application: Atom, own: [EnvironmentParameter], config: [EnvironmentParameter]
    ) {
        changes[application] = nil
        load(application, own: own, config: config)
    }

    /// `parameters` (of the `.app` with `sys.config` over it) with the changes over them.
    public func parameters(
        of application: Atom, over parameters: [EnvironmentParameter]
    ) -> [EnvironmentParameter] {
        guard let changes = changes[application] else { return parameters }
        let set = changes.compactMap { key, change -> EnvironmentParameter? in
            if case .set(let value) = change { EnvironmentParameter(key: key, value: value) } else { nil }
        }
        return parameters.filter { changes[$0.key] == nil } + set.sorted { $0.key.name < $1.key.name }
    }
}
