import Glibc
import Host
import Wire

/// Who of those that ask are workers of this node.
extension Node {
    /// By its process where that is a worker's, whoever that runs as; else by its user where that is one of workers alone: root and the
    /// daemon's own user are others' as well.
    func origin(of peer: Peer) -> Peer.Origin? {
        if let worker = tree.worker(withGroup: getpgid(peer.pid)) { return .process(of: worker.description) }
        guard peer.uid != 0, peer.uid != geteuid() else { return nil }
        let workers = tree.workers(runningAs: peer.uid).map(\.description).sorted()
        return workers.first.map { .user(of: $0, others: workers.count - 1) }
    }
}
