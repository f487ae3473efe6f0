public import Terms

/// One configuration parameter of an application: `{Key, Value}`.
///
/// Source: app(4), `env`; config(4).
public struct EnvironmentParameter: Hashable, Sendable, Codable {
    public var key: Atom
    public var value: Term

    public init(key: Atom, value: Term) {
        self.key = key
        self.value = value
    }

    var term: Term { .tuple([.atom(key), value]) }
}
