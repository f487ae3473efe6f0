import Glibc
public import ReleaseHandling

/// A node's own entry among the nodes of its machine: there for as long as this lives, or its process does.
@HostActor
public final class NodeRegistration {
    private let directory: NodeDirectory
    private let lock: NodeLock
    private var record: NodeRecord
    private var isWithdrawn = false

    public init(
        _ node: NodeName, in directory: NodeDirectory, state: NodeRecord.State = .idle
    ) throws(NodeDirectoryError) {
        try directory.make()
        self.directory = directory
        record = NodeRecord(
            node: node, pid: getpid(), registeredMilliseconds: Reactor.nowMilliseconds(), state: state)
        let lock: NodeLock?
        do {
            lock = try NodeLock(directory.lock(of: node))
        } catch {
            throw .system(error)
        }
        guard let lock else { throw .inUse(node) }
        self.lock = lock
        directory.removeMeetings(of: node)
        do {
            try write()
        } catch {
            throw .system(error)
        }
    }

    /// What this process has registered before an execve(2).
    public struct State: Codable, Sendable {
        /// The descriptor that holds the node's lock.
        public let lock: Int32
        let registeredMilliseconds: Int
        let state: NodeRecord.State
    }

    /// Nil for one that is none of the nodes any more.
    public var state: State? {
        guard !isWithdrawn else { return nil }
        return State(lock: lock.raw, registeredMilliseconds: record.registeredMilliseconds, state: record.state)
    }

    public init(_ node: NodeName, in directory: NodeDirectory, goingOn state: State) {
        self.directory = directory
        lock = NodeLock(held: state.lock)
        record = NodeRecord(
            node: node, pid: getpid(), registeredMilliseconds: state.registeredMilliseconds, state: state.state)
    }

    public func update(_ state: NodeRecord.State) throws(SystemError) {
        guard !isWithdrawn else { return }
        record.state = state
        try write()
    }

    /// It is none of the nodes any more: who waits for it learns that.
    public func withdraw() {
        guard !isWithdrawn else { return }
        isWithdrawn = true
        unlink(directory.state(of: record.node))
    }

    private func write() throws(SystemError) {
        try AtomicFile.write(directory.state(of: record.node), Array("\(record.term).\n".utf8))
    }
}
