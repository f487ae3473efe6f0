public import Instructions
public import Terms
public import Wire

/// What an install changed: whose restarts and whose supervisors' ends are held against the new release.
public struct ChangedCode: Hashable, Sendable, Codable {
    /// Modules that were read, loaded or converted, or whose children were started.
    public let modules: Set<Atom>
    /// Applications of another version than before, and those of which modules were read.
    public let applications: Set<Atom>
    /// Workers that the script touched: with `dynamic` modules only they themselves knew that they were meant.
    public let workers: Set<ChildAddress>

    public init(modules: Set<Atom>, applications: Set<Atom>, workers: Set<ChildAddress> = []) {
        self.modules = modules
        self.applications = applications
        self.workers = workers
    }

    /// `from` and `to`: the libraries of the two releases.
    public init(
        script: [LowLevelInstruction], from: [LibraryRecord], to: [LibraryRecord], touched: Set<ChildAddress> = []
    ) {
        var modules: Set<Atom> = []
        var applications = Set(
            to.filter { new in !from.contains { $0.name == new.name && $0.vsn == new.vsn } }.map(\.name))
        for instruction in script {
            switch instruction {
            case .loadObjectCode(let library, _, let names):
                applications.insert(library)
                modules.formUnion(names)
            case .load(let module, _, _): modules.insert(module)
            case .codeChange(_, let targets): modules.formUnion(targets.map(\.module))
            case .start(let names): modules.formUnion(names)
            case .pointOfNoReturn, .remove, .purge, .suspend, .resume, .stop, .syncNodes, .apply, .restartNewEmulator,
                .restartEmulator:
                continue
            }
        }
        self.init(modules: modules, applications: applications, workers: touched)
    }

    /// Whether a worker runs what was changed; `listed` are the modules that its child spec lists.
    public func concerns(_ worker: ChildAddress, listing listed: [Atom]) -> Bool {
        workers.contains(worker) || listed.contains(where: modules.contains)
    }
}
