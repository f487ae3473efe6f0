import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms
import Wire

/// How people name a place: whole, or by its last parts where they name one only. A supervisor's module does as well.
///
/// What is found is a whole place, and whatever is asked for is done to that; a place that is gone by then is one that
/// is not there.
@HostActor
struct PlaceNames {
    let tree: TreeDriver

    /// So many places are told in an error, and so many are looked at for those that stand near.
    private static let told = 10
    private static let lookedAt = 1_000

    func place(_ kind: ControlParameter.Kind, _ name: String) throws(ControlError) -> String {
        switch kind {
        case .worker: try worker(name)
        case .supervisor: try supervisor(name)
        case .name, .vsn, .status: name
        }
    }

    // MARK: Workers

    private func worker(_ name: String) throws(ControlError) -> String {
        if let address = ChildAddress(parsing: name), isThere(address) { return address.description }
        guard let parts = ChildAddress.parts(of: name) else { throw noWorker(name, []) }
        let children = tree.allChildren()
        let workers = children.filter(isWorker).map(\.address)
        let found = workers.filter { $0.ends(with: parts) }
        if let first = found.first {
            guard found.count == 1 else { throw several("workers", name, found, "worker") }
            return first.description
        }
        // Who asks it says that it is none.
        let supervisors = tree.allSupervisors().map(\.address).filter { $0.ends(with: parts) }
        if let first = supervisors.first, supervisors.count == 1 { return first.description }
        throw noWorker(name, Self.near(parts, workers))
    }

    private func isThere(_ address: ChildAddress) -> Bool {
        tree.places[address] != nil || tree.child(at: address) != nil || tree.supervisor(at: address) != nil
    }

    /// What runs counts, where the spec has become another's.
    private func isWorker(_ child: ChildStatus) -> Bool {
        tree.supervisor(at: child.address) == nil
            && (child.spec.type == .worker || tree.places[child.address]?.current != nil)
    }

    private func noWorker(_ name: String, _ near: [ChildAddress]) -> ControlError {
        ControlError(
            .noSuchWorker, "no worker \(name) in the tree\(Self.sentence(near)); see releasectl tree",
            details: Self.details("worker", name, near))
    }

    // MARK: Supervisors

    private func supervisor(_ name: String) throws(ControlError) -> String {
        do throws(SupervisorNameError) {
            return try tree.supervisor(named: .text(name)).description
        } catch {
            switch error {
            case .ambiguous(_, let found): throw several("supervisors", name, found, "supervisor")
            case .unknown: return try supervisor(byLastParts: name)
            }
        }
    }

    private func supervisor(byLastParts name: String) throws(ControlError) -> String {
        let running = tree.allSupervisors().map(\.address)
        let parts = ChildAddress.parts(of: name) ?? []
        let resting = tree.allChildren().filter { $0.spec.type == .supervisor }.map(\.address)
        let found = parts.isEmpty ? [] : Set(running + resting).filter { $0.ends(with: parts) }
        if let first = found.first {
            guard found.count == 1 else { throw several("supervisors", name, Array(found), "supervisor") }
            return first.description
        }
        // By the module of one that does not run: who asks it says how to start it.
        if SupervisorFunctions(tree: tree).stoppedSupervisor(named: name) != nil { return name }
        let near = Self.near(parts, running)
        throw ControlError(
            .noSuchSupervisor, "no supervisor \(name) in the tree\(Self.sentence(near)); see releasectl tree",
            details: Self.details("supervisor", name, near))
    }

    // MARK: Errors

    private func several(_ what: String, _ name: String, _ found: [ChildAddress], _ key: String) -> ControlError {
        let names = found.map(\.description).sorted()
        let more = names.count > Self.told ? " and \(names.count - Self.told) more" : ""
        return ControlError(
            .ambiguousPlace,
            """
            \(names.count) \(what) are called \(name): \(names.prefix(Self.told).joined(separator: ", "))\(more); name one by \
            more of its place
            """,
            details: [key: name, "candidates": names.prefix(Self.lookedAt).joined(separator: "\n")])
    }

    private static func sentence(_ near: [ChildAddress]) -> String {
        near.isEmpty ? "" : "; near it: \(near.map(\.description).joined(separator: ", "))"
    }

    private static func details(_ key: String, _ name: String, _ near: [ChildAddress]) -> [String: String] {
        var details = [key: name]
        if !near.isEmpty { details["candidates"] = near.map(\.description).joined(separator: "\n") }
        return details
    }

    /// Those whose last part is the same or written much alike, the nearest first.
    private static func near(_ parts: [Term], _ all: [ChildAddress]) -> [ChildAddress] {
        guard let wanted = parts.last?.description else { return [] }
        let limit = wanted.utf8.count < 4 ? 1 : 2
        let found = all.prefix(lookedAt).compactMap { address -> (distance: Int, address: ChildAddress)? in
            guard let last = address.id?.description else { return nil }
            return editDistance(wanted, last, atMost: limit).map { ($0, address) }
        }
        return found.sorted { ($0.distance, $0.address.description) < ($1.distance, $1.address.description) }
            .prefix(3).map(\.address)
    }
}

/// How many bytes have to be put in, left out or changed to make the one of the other; nil where it is more than `limit`,
/// or one of them is longer than a name is.
func editDistance(_ left: String, _ right: String, atMost limit: Int) -> Int? {
    let (left, right) = (Array(left.utf8), Array(right.utf8))
    guard abs(left.count - right.count) <= limit, left.count <= 64, right.count <= 64 else { return nil }
    var row = Array(0...right.count)
    for (index, byte) in left.enumerated() {
        var diagonal = row[0]
        row[0] = index + 1
        for column in right.indices {
            let change = diagonal + (byte == right[column] ? 0 : 1)
            diagonal = row[column + 1]
            row[column + 1] = min(change, diagonal + 1, row[column] + 1)
        }
        if (row.min() ?? 0) > limit { return nil }
    }
    return row[right.count] <= limit ? row[right.count] : nil
}
