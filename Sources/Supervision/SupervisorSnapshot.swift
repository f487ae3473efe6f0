public import Terms
public import Wire

/// A supervisor's flags and specs at one time: what `restore` gives back when its code_change is undone.
public struct SupervisorSnapshot: Hashable, Sendable, Codable {
    struct Entry: Hashable, Sendable, Codable {
        /// Its id, or a dynamic child's number.
        let key: Term
        let spec: ChildSpec
    }

    /// Only this run of the supervisor had it; one that was started since has read its flags and specs itself.
    public let startID: StartID
    public let module: Atom
    public let flags: SupervisorFlags
    let template: ChildSpec?
    /// In start order.
    let children: [Entry]

    /// What a code_change to `initial` would mean.
    public func change(to initial: SupervisorInit) -> SupervisorChange {
        var change = SupervisorChange(oldFlags: flags, newFlags: initial.flags)
        if let template {
            if let new = initial.children.first, new != template { change.changed = [new.id] }
            return change
        }
        let old = Dictionary(children.map { ($0.key, $0.spec) }, uniquingKeysWith: { first, _ in first })
        for spec in initial.children {
            guard let before = old[spec.id] else {
                change.added.append(spec.id)
                continue
            }
            if before != spec { change.changed.append(spec.id) }
        }
        let named = Set(initial.children.map(\.id))
        change.removed = children.map(\.key).filter { !named.contains($0) }
        for id in change.removed {
            let successors = initial.children.filter { $0.start == old[id]?.start && old[$0.id] == nil }
            if successors.count == 1, !change.renamed.contains(where: { $0.to == successors[0].id }) {
                change.renamed.append(.init(from: id, to: successors[0].id))
            }
        }
        return change
    }
}

/// What a code_change did to a supervisor's children. It neither starts nor stops any: source: OTP supervisor(3).
public struct SupervisorChange: Hashable, Sendable {
    /// One removed and one added child with the same start `{M, F, A}`: to OTP they have nothing to do with each other.
    public struct Renamed: Hashable, Sendable {
        public let from: Term
        public let to: Term
    }

    public let oldFlags: SupervisorFlags
    public let newFlags: SupervisorFlags
    public fileprivate(set) var added: [Term] = []
    public fileprivate(set) var removed: [Term] = []
    /// With another spec than before.
    public fileprivate(set) var changed: [Term] = []
    /// Each of them is in `removed` and in `added` too.
    public fileprivate(set) var renamed: [Renamed] = []

    /// One sentence without its end: `flags changed, 1 child added (c3), ...`.
    public var summary: String {
        var parts: [String] = []
        if oldFlags != newFlags { parts.append("flags changed") }
        for (ids, what) in [(added, "added"), (removed, "removed"), (changed, "with a new spec")] where !ids.isEmpty {
            let names = ids.prefix(5).map(\.description).joined(separator: ", ") + (ids.count > 5 ? ", …" : "")
            parts.append("\(ids.count) \(ids.count == 1 ? "child" : "children") \(what) (\(names))")
        }
        return parts.isEmpty ? "nothing changed" : parts.joined(separator: ", ")
    }
}

extension SupervisionTree {
    /// None where no supervisor is at that place or its `.sup` file is still being read.
    public func snapshot(of address: ChildAddress) -> SupervisorSnapshot? {
        guard let supervisor = places[address].flatMap({ supervisors[$0] }) else { return nil }
        if case .reading = supervisor.phase { return nil }
        return SupervisorSnapshot(
            startID: supervisor.id, module: supervisor.module, flags: supervisor.flags, template: supervisor.template,
            children: supervisor.children.keys.compactMap { key in
                supervisor.children[key].map { .init(key: key, spec: $0.spec) }
            })
    }

    /// Flags and specs as they were. Children that came since and do not run are forgotten; those that ended for good
    /// since stay away.
    mutating func restore(_ id: StartID, _ snapshot: SupervisorSnapshot) -> SupervisorReply {
        guard id == snapshot.startID, let supervisor = supervisors[id] else { return .error(.noproc) }
        var children = Children()
        for entry in snapshot.children {
            guard var child = supervisor.children[entry.key] else { continue }
            child.spec = entry.spec
            children.append(entry.key, child)
        }
        for key in supervisor.children.keys where children[key] == nil {
            guard let child = supervisor.children[key], child.state != .undefined else { continue }
            children.append(key, child)
        }
        supervisors[id]?.flags = snapshot.flags
        supervisors[id]?.template = snapshot.template
        supervisors[id]?.children = children
        return .ok
    }
}

/// What is to be expected at a place of the tree.
public enum ChildProspect: Hashable, Sendable {
    /// Its supervisor has its spec.
    case specified
    /// Its supervisor, or one above that, is being started or restarted, and may have it again.
    case awaited
    /// Its supervisor runs without it.
    case deleted
    /// Its supervisor, or one above that, does not run and is not being started.
    case down
}
