import OrderedCollections
public import Instructions
public import Terms
public import Wire

/// A module of which an old version is still run by somebody after an install.
public struct UnpurgedModule: Hashable, Sendable, Codable {
    public let module: Atom
    /// The post purge method of the instruction that made the version old.
    public let method: PurgeMethod
    /// Who ran it when it was last looked at.
    public let users: [ChildAddress]

    public init(module: Atom, method: PurgeMethod, users: [ChildAddress]) {
        self.module = module
        self.method = method
        self.users = users
    }
}

/// The unpurged modules of all installs since the start, and when they go.
///
/// Those that are to go brutally are *due* from then on: they may have to wait for the end of an upgrade.
///
/// Source: `release_handler`'s `unpurged` and its timer: every module is tried softly every ten seconds; those with
/// `brutal_purge` go when the release is made permanent, their users with them.
public struct Unpurged: Hashable, Sendable, Codable {
    /// So often a worker may be too busy to say what it runs, until it is taken to be stuck in what is to go.
    public static let maximumSilences = 3
    /// How long to wait between two `softPurge`.
    public static let retryMilliseconds = 10_000

    public private(set) var modules: [UnpurgedModule]
    private var due: Set<Atom> = []
    /// How often in a row who did not say has been asked for what is due.
    private var silences: [Atom: [ChildAddress: Int]] = [:]

    public init(_ modules: [UnpurgedModule] = []) { self.modules = modules }

    public var isEmpty: Bool { modules.isEmpty }
    public var hasDue: Bool { !due.isEmpty }

    /// Takes over what an install left. Of a module that is already here the new purge method counts: in OTP the unpurged
    /// modules of an install come in the place of those before.
    public mutating func add(_ more: [UnpurgedModule]) {
        for new in more {
            due.remove(new.module)
            if let index = modules.firstIndex(where: { $0.module == new.module }) {
                modules[index] = new
            } else {
                modules.append(new)
            }
        }
    }

    /// Forgets what nobody runs any more. `workers`: all whose resident module is one of these.
    ///
    /// - Returns: the modules whose old code goes.
    public mutating func softPurge(_ table: CodeTable, workers: [WorkerInfo]) -> [Atom] {
        var remaining: [UnpurgedModule] = []
        var purged: [Atom] = []
        for entry in modules {
            let users = table.usersOfOldCode(of: entry.module, among: workers)
            if users.isEmpty {
                purged.append(entry.module)
            } else {
                remaining.append(UnpurgedModule(module: entry.module, method: entry.method, users: users))
            }
        }
        modules = remaining
        due.formIntersection(remaining.map(\.module))
        return purged
    }

    /// `make_permanent`: what is here now and goes brutally is due.
    public mutating func releaseMadePermanent() {
        due.formUnion(modules.filter { $0.method == .brutalPurge }.map(\.module))
    }

    /// The modules that are due, and who must be ended for them: their users. They are forgotten.
    public mutating func brutalPurge(
        _ table: CodeTable, workers: [WorkerInfo]
    ) -> (modules: [Atom], users: [ChildAddress]) {
        var users: OrderedSet<ChildAddress> = []
        var purged: [Atom] = []
        var waiting: Set<Atom> = []
        for entry in modules where due.contains(entry.module) {
            // Who did not say is asked again: it may be busy, and in nothing old.
            var silent: [ChildAddress: Int] = [:]
            for worker in workers where worker.functional[entry.module]?.isAssumed == true {
                silent[worker.id] = (silences[entry.module]?[worker.id] ?? 0) + 1
            }
            silences[entry.module] = silent
            let known = workers.filter { silent[$0.id, default: Self.maximumSilences] >= Self.maximumSilences }
            let found = table.usersOfOldCode(of: entry.module, among: workers)
            let ended = table.usersOfOldCode(of: entry.module, among: known)
            users.append(contentsOf: ended)
            guard found.count == ended.count else {
                waiting.insert(entry.module)
                continue
            }
            purged.append(entry.module)
        }
        modules.removeAll { due.contains($0.module) && !waiting.contains($0.module) }
        due = waiting
        silences = silences.filter { waiting.contains($0.key) }
        return (purged, users.elements)
    }
}
