import CHost
import Glibc
public import ReleaseHandling

/// Whether other nodes of this machine are there, for one whose upgrade began at a certain time.
@HostActor
public final class NodesWatch {
    private let directory: NodeDirectory
    private let began: Int
    private let onDown: (NodeName) -> Void
    /// Those that are there, with the process of each.
    private var present: [NodeName: Process] = [:]
    private var changes: DirectoryWatch?
    /// Those that are not told of yet.
    private var waiting: Set<NodeName> = []

    private struct Process {
        let pid: Int32
        let descriptor: OwnedDescriptor
        let watch: Watch
    }

    /// - Parameters:
    ///   - began: monotonic milliseconds.
    ///   - onDown: called once for each that is not there, or not any more, or whose upgrade has failed since; not within `start`.
    public init(in directory: NodeDirectory, began: Int, onDown: @escaping @HostActor (NodeName) -> Void) {
        self.directory = directory
        self.began = began
        self.onDown = onDown
    }

    public func start(_ nodes: [NodeName]) throws(SystemError) {
        changes = try DirectoryWatch([directory.states]) { [weak self] in self?.look() }
        waiting = Set(nodes)
        Reactor.shared.soon { [weak self] in self?.look() }
    }

    /// Looks once more, now. Who is gone comes first: others may have failed since it is.
    public func look() {
        let failed = waiting.filter { directory.record(of: $0)?.isDown(forUpgradeBegunAt: began) == true }
        let gone = waiting.filter { node in directory.record(of: node).map { !follow(node, $0) } ?? true }
        for node in gone.sorted() + failed.subtracting(gone).sorted() {
            waiting.remove(node)
            forget(node)
            onDown(node)
        }
    }

    /// Its end is seen by its pidfd. False where it has ended.
    private func follow(_ node: NodeName, _ record: NodeRecord) -> Bool {
        if present[node]?.pid == record.pid { return true }
        forget(node)
        let raw = chost_pidfd_open(record.pid)
        guard raw >= 0 else { return false }
        let descriptor = OwnedDescriptor(raw)
        // Between what it told and now its pid may have become another's.
        guard let again = directory.record(of: node), again.pid == record.pid else { return false }
        guard
            let watch = try? Reactor.shared.watch(
                raw, .read,
                { [weak self] _ in
                    self?.forget(node)
                    self?.look()
                })
        else { return false }
        present[node] = Process(pid: record.pid, descriptor: descriptor, watch: watch)
        return true
    }

    private func forget(_ node: NodeName) { present.removeValue(forKey: node)?.watch.cancel() }

    public func cancel() {
        changes?.cancel()
        for node in Array(present.keys) { forget(node) }
        waiting = []
    }
}
