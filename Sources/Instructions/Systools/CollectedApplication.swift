public import Terms

/// An application of a release, as its `.app` describes it and the `.rel` starts it.
public struct CollectedApplication: Hashable, Sendable {
    public var name: Atom
    public var vsn: String
    public var type: ApplicationType
    public var modules: [Atom]
    public var registered: [Atom]
    /// Applications that must run before this one starts.
    public var uses: [Atom]
    /// Those of `uses` that may be missing.
    public var optional: [Atom]
    public var includes: [Atom]
    /// Where its `.app` was found: `lib/kv-2.0.0/ebin`.
    public var directory: String
}

/// The applications of a release, with who owns which module.
struct ApplicationIndex {
    let all: [CollectedApplication]
    private let byName: [Atom: Int]
    private let owners: [Atom: Int]

    init(_ all: [CollectedApplication]) {
        self.all = all
        byName = Dictionary(all.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        var owners: [Atom: Int] = [:]
        owners.reserveCapacity(all.reduce(0) { $0 + $1.modules.count })
        for (number, application) in all.enumerated() {
            for module in application.modules where owners[module] == nil { owners[module] = number }
        }
        self.owners = owners
    }

    subscript(name: Atom) -> CollectedApplication? { byName[name].map { all[$0] } }

    /// The application whose `.app` lists the module. Asked for each module of a release: its name and version only.
    func owner(of module: Atom) -> (name: Atom, vsn: String)? {
        guard let number = owners[module] else { return nil }
        return (all[number].name, all[number].vsn)
    }
}
