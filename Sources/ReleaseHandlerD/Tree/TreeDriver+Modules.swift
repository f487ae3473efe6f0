import Host
import ReleaseHandling
import Supervision
import Terms
import Wire

/// The code table as people see it: which versions there are, and who runs each.
extension TreeDriver {
    /// What processes have of functional modules they are asked.
    func moduleSummaries() async -> [ModuleSummary] {
        let standing = allChildren().compactMap { child in
            places[child.address]?.current.map { (address: child.address, process: $0) }
        }
        let mapped = await askMapped(standing.map(\.process))
        var users = ModuleUsers()
        for (address, process) in standing {
            if let version = process.code { users.runs(version, address) }
            for version in mapped[ObjectIdentifier(process)] ?? [] {
                guard let known = process.everLoaded[version.sha256] else { continue }
                if version.state == .resident {
                    users.maps(known, address)
                } else if version.state == .current || version.users > 0 {
                    users.runs(known, address)
                }
            }
        }
        return users.summaries(of: code.table)
    }

    /// Of these processes those that have loaded functional modules. One that does not answer has what is current, as it said before.
    private func askMapped(_ processes: [Generation]) async -> [ObjectIdentifier: [MappedVersion]] {
        await withCheckedContinuation { continuation in
            askVersions(of: processes.filter { !$0.hadLoaded.isEmpty }) { answers in
                let mapped = answers.map { process, versions in
                    let said = versions ?? process.loaded.map { MappedVersion(current: $0.key, sha256: $0.value) }
                    return (ObjectIdentifier(process), said)
                }
                continuation.resume(returning: Dictionary(uniqueKeysWithValues: mapped))
            }
        }
    }
}

/// Who runs, and who has mapped, which bytes.
private struct ModuleUsers {
    private var versions: [CodeIdentity: CodeVersion] = [:]
    private var running: [CodeIdentity: [String]] = [:]
    private var mapping: [CodeIdentity: [String]] = [:]

    mutating func runs(_ version: CodeVersion, _ worker: ChildAddress) {
        versions[CodeIdentity(version)] = version
        running[CodeIdentity(version), default: []].append(worker.description)
    }

    mutating func maps(_ version: CodeVersion, _ worker: ChildAddress) {
        versions[CodeIdentity(version)] = version
        mapping[CodeIdentity(version), default: []].append(worker.description)
    }

    func summaries(of table: CodeTable) -> [ModuleSummary] {
        var shown: Set<CodeIdentity> = []
        var list: [ModuleSummary] = []
        func add(_ version: CodeVersion, _ state: ModuleSummary.Version) {
            let identity = CodeIdentity(version)
            guard shown.insert(identity).inserted else { return }
            list.append(
                ModuleSummary(
                    version, state, workers: running[identity] ?? [], mappedBy: mapping[identity] ?? []))
        }
        for version in table.current.values { add(version, .current) }
        for version in table.old.values { add(version, .old) }
        for (identity, version) in versions { add(version, running[identity] == nil ? .mapped : .stray) }
        return list.sorted {
            ($0.module, $0.version.order, $0.sha256) < ($1.module, $1.version.order, $1.sha256)
        }
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
    fileprivate init(_ version: CodeVersion, _ state: Version, workers: [String], mappedBy: [String]) {
        let kind: Kind =
            switch version.kind {
            case .resident: .resident
            case .supervisor: .supervisor
            case .functional: .functional
            }
        self.init(
            module: version.module.name, kind: kind, version: state, library: version.library.name,
            vsn: version.libraryVsn, path: version.path, sha256: version.sha256, workers: workers, mappedBy: mappedBy)
    }
}

extension ModuleSummary.Version {
    fileprivate var order: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}
