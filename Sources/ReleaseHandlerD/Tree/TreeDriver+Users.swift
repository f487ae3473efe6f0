import Host
import Supervision
import Wire

/// Which workers a process, or a user, has to do with.
extension TreeDriver {
    /// A worker leads a process group of its own.
    func worker(withGroup group: Int32) -> ChildAddress? {
        guard group > 0 else { return nil }
        return places.values.first { $0.current?.pid == group }?.address
    }

    /// Those whose child spec names a user. One process of each name is asked: the user database may take its time.
    func workers(runningAs user: UInt32) -> [ChildAddress] {
        var isThat: [String: Bool] = [:]
        return places.values.compactMap { place in
            guard let name = place.spec.user, let pid = place.current?.pid else { return nil }
            let found = isThat[name] ?? ProcessUsers.of(pid: pid).contains(user)
            isThat[name] = found
            return found ? place.address : nil
        }
    }
}
