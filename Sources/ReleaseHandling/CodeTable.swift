public import Instructions
public import Terms
public import Wire

/// Which version of each module is current, which is old, and where libraries are found.
///
/// At most two versions of a module are known at once, as in OTP's code server. The table says what *new* starts
/// use; what a worker really runs is in its `WorkerInfo`, and every question about users is answered from those.
/// A module that is not in `current` has no code that could be run: all of its workers then count as running old code.
///
/// There is one table, the code server's. Machines get it as an input with each event and answer with changes of it, so
/// that what is loaded beside an upgrade, by a start that the upgrade causes, is never overwritten.
public struct CodeTable: Hashable, Sendable, Codable {
    public private(set) var current: [Atom: CodeVersion]
    public private(set) var old: [Atom: CodeVersion]
    /// The code path: each library's version and directory.
    public private(set) var path: [Atom: LibraryRecord]

    public init(
        current: [Atom: CodeVersion] = [:], old: [Atom: CodeVersion] = [:], path: [Atom: LibraryRecord] = [:]
    ) {
        self.current = current
        self.old = old
        self.path = path
    }

    /// `version` becomes current, what was current becomes old. What was old before is forgotten: its users must
    /// have been refused or ended.
    public mutating func load(_ version: CodeVersion) {
        old[version.module] = current[version.module]
        current[version.module] = version
    }

    /// What a start has loaded. Where it is the code that was current, it lies elsewhere now: in the directory that the
    /// code path has.
    public mutating func found(_ version: CodeVersion) {
        if current[version.module]?.sha256 == version.sha256 {
            current[version.module] = version
        } else {
            load(version)
        }
    }

    /// What was current becomes old, nothing is current.
    public mutating func remove(_ module: Atom) {
        old[module] = current.removeValue(forKey: module)
    }

    /// Forgets the old version: its users must have ended.
    public mutating func purge(_ module: Atom) {
        old[module] = nil
    }

    /// Puts these libraries in place of those of the same name.
    public mutating func replacePath(_ libraries: [LibraryRecord]) {
        for library in libraries { path[library.name] = library }
    }

    mutating func restore(_ saved: Saved) {
        for (module, versions) in saved.modules {
            current[module] = versions.current
            old[module] = versions.old
        }
        for (name, record) in saved.libraries { path[name] = record }
    }

    /// Whether this worker runs code of its resident module that is not the current one.
    ///
    /// Decided by content: two files with the same bytes are the same code.
    public func runsOldCode(_ worker: WorkerInfo) -> Bool {
        guard let resident = worker.resident else { return false }
        return worker.sha256 != current[resident]?.sha256
    }

    /// The same of any module: of a functional one it is who is in a version that is not the current one, or holds it.
    public func runsOldCode(_ worker: WorkerInfo, of module: Atom) -> Bool {
        worker.resident == module && runsOldCode(worker) || usesOldVersion(worker, of: module)
    }

    /// Of a functional module it counts what is used, suspended or not: a thread may be in it, and what is held is held.
    ///
    /// - Parameter next: the version that is about to become current: it is as it was for who uses it.
    func usesOldVersion(_ worker: WorkerInfo, of module: Atom, before next: String? = nil) -> Bool {
        guard let code = worker.functional[module] else { return false }
        let current = current[module]?.sha256
        return code.used.contains { $0 != current && $0 != next }
    }

    /// The workers that run code of `module` that is not the current one.
    public func usersOfOldCode(of module: Atom, among workers: [WorkerInfo]) -> [ChildAddress] {
        workers.filter { runsOldCode($0, of: module) }.map(\.id)
    }
}
