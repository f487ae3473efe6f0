import Terms

/// In start order, each with the number of its child spec: most children of a large supervisor differ by their ids alone, and specs are most
/// of what there is to write.
extension Children: Codable {
    private struct Entry: Codable {
        let key: Term
        let spec: Int
        /// Whether the spec's id is the key; it is left out of the spec then.
        let isNamedByKey: Bool
        let state: ChildState
        let restarts: Int
        let restartCause: SupervisorReport.RestartCause?
        let dueMilliseconds: Int?
        let lastDelayMilliseconds: Int?
        let runsSinceMilliseconds: Int?
    }

    private enum CodingKeys: String, CodingKey {
        case specs, entries
        /// As version 1 of the daemon's state has it.
        case keys, byKey
    }

    private static let noID = Term.list([])

    func encode(to encoder: any Encoder) throws {
        var specs: [ChildSpec] = []
        var numbers: [ChildSpec: Int] = [:]
        var entries: [Entry] = []
        for key in keys {
            guard let child = self[key] else { continue }
            var spec = child.spec
            let isNamedByKey = spec.id == key
            if isNamedByKey { spec.id = Self.noID }
            let number = numbers[spec] ?? specs.count
            if number == specs.count {
                numbers[spec] = number
                specs.append(spec)
            }
            entries.append(
                Entry(
                    key: key, spec: number, isNamedByKey: isNamedByKey, state: child.state, restarts: child.restarts,
                    restartCause: child.restartCause, dueMilliseconds: child.dueMilliseconds,
                    lastDelayMilliseconds: child.lastDelayMilliseconds,
                    runsSinceMilliseconds: child.runsSinceMilliseconds))
        }
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(specs, forKey: .specs)
        try container.encode(entries, forKey: .entries)
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init()
        guard !container.contains(.byKey) else {
            let byKey = try container.decode([Term: Child].self, forKey: .byKey)
            for key in try container.decode([Term].self, forKey: .keys) {
                if let child = byKey[key] { append(key, child) }
            }
            return
        }
        let specs = try container.decode([ChildSpec].self, forKey: .specs)
        for entry in try container.decode([Entry].self, forKey: .entries) {
            guard specs.indices.contains(entry.spec) else {
                throw DecodingError.dataCorruptedError(
                    forKey: .entries, in: container, debugDescription: "there is no child spec \(entry.spec)")
            }
            var spec = specs[entry.spec]
            if entry.isNamedByKey { spec.id = entry.key }
            append(
                entry.key,
                Child(
                    spec: spec, state: entry.state, restarts: entry.restarts, restartCause: entry.restartCause,
                    dueMilliseconds: entry.dueMilliseconds, lastDelayMilliseconds: entry.lastDelayMilliseconds,
                    runsSinceMilliseconds: entry.runsSinceMilliseconds))
        }
    }
}
