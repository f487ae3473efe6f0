import Terms
import Supervision
import ReleaseHandling
import Wire

/// The code table as people see it: which versions there are, and who runs each.
extension TreeDriver {
    func moduleSummaries() -> [ModuleSummary] {
        let running = allChildren().compactMap { child in
            places[child.address]?.current?.code.map { (address: child.address, version: $0.version) }
        }
        var users: [CodeIdentity: [String]] = [:]
        for worker in running {
            users[CodeIdentity(worker.version), default: []].append(worker.address.description)
        }
        var shown: Set<CodeIdentity> = []
        var list: [ModuleSummary] = []
        func add(_ version: CodeVersion, _ state: ModuleSummary.Version) {
            let identity = CodeIdentity(version)
            guard shown.insert(identity).inserted else { return }
            list.append(ModuleSummary(version, state, workers: users[identity] ?? []))
        }
        for version in code.table.current.values { add(version, .current) }
        for version in code.table.old.values { add(version, .old) }
        for worker in running { add(worker.version, .stray) }
        return list.sorted { ($0.module, $0.version.order) < ($1.module, $1.version.order) }
    }
}

/// Files of the same bytes are the same code, wherever they lie.
private struct CodeIdentity: Hashable {
    let module: String
    let sha256: String

    init(_ version: CodeVersion) {
        module = version.module.name
        sha256 = version.sha256
    }
}

extension ModuleSummary {
    fileprivate init(_ version: CodeVersion, _ state: Version, workers: [String]) {
        let kind: Kind =
            switch version.kind {
            case .resident: .resident
            case .supervisor: .supervisor
            case .functional: .functional
            }
        self.init(
            module: version.module.name, kind: kind, version: state, library: version.library.name,
            vsn: version.libraryVsn, path: version.path, sha256: version.sha256, workers: workers)
    }
}

extension ModuleSummary.Version {
    fileprivate var order: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}
