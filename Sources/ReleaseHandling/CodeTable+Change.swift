public import Instructions
public import Terms

extension CodeTable {
    /// One change of the table. The relup machine and `Unpurged` decide on changes; whoever owns the table makes them.
    public enum Change: Hashable, Sendable {
        /// These libraries come in the place of those of the same name.
        case replacePath([LibraryRecord])
        case load(CodeVersion)
        case remove(Atom)
        case purge([Atom])
        /// Only on abort: what a script's changes replaced is as it was. What was loaded beside them stays.
        case restore(Saved)
    }

    /// What stood in the table where changes were made.
    public struct Saved: Hashable, Sendable {
        /// The two versions of a module.
        struct Versions: Hashable, Sendable {
            let current: CodeVersion?
            let old: CodeVersion?
        }

        private(set) var modules: [Atom: Versions] = [:]
        /// By name; an empty place is one too.
        private(set) var libraries: [Atom: LibraryRecord?] = [:]

        public init() {}

        public var isEmpty: Bool { modules.isEmpty && libraries.isEmpty }

        /// Notes what `change` will replace in `table`; of several changes at the same place the first counts.
        public mutating func note(_ change: Change, in table: CodeTable) {
            switch change {
            case .replacePath(let records):
                for record in records where libraries[record.name] == nil {
                    libraries.updateValue(table.path[record.name], forKey: record.name)
                }
            case .load(let version): note(version.module, in: table)
            case .remove(let module): note(module, in: table)
            case .purge(let modules): for module in modules { note(module, in: table) }
            case .restore: break
            }
        }

        /// Nothing of the module was there.
        mutating func noteNothing(of module: Atom) {
            guard modules[module] == nil else { return }
            modules[module] = Versions(current: nil, old: nil)
        }

        private mutating func note(_ module: Atom, in table: CodeTable) {
            guard modules[module] == nil else { return }
            modules[module] = Versions(current: table.current[module], old: table.old[module])
        }
    }

    public mutating func apply(_ change: Change) {
        switch change {
        case .replacePath(let libraries): replacePath(libraries)
        case .load(let version): load(version)
        case .remove(let module): remove(module)
        case .purge(let modules): for module in modules { purge(module) }
        case .restore(let saved): restore(saved)
        }
    }
}
