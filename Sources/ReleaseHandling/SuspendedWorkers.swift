import OrderedCollections
import Terms
import Wire

/// A worker that `suspend` found, until it is resumed.
struct SuspendedWorker: Sendable {
    enum State: Sendable {
        /// The old process stands and is suspended.
        case suspended
        /// It stands and did not answer in time: it is to be left alone.
        case hung
        /// The old process stands, and the standby has its state.
        case handedOff
        /// There is no process: hung and terminated, or died. Started again at resume.
        case gone
    }

    /// Of its functional modules those of which anybody has asked.
    var info: WorkerInfo
    /// For which it was suspended and not resumed yet.
    var modules: Set<Atom>
    var state: State
    /// Whether the next commit resumes it: by the script it runs already, in what it has now.
    var isDue = false
    /// The code of the standby that has its state.
    var successor: CodeVersion?
}

/// The suspended workers in the order in which they were found, each also found by its place: what is done for each of
/// them happens while none of them is served, and may not take the square of their number.
struct SuspendedWorkers: Sendable {
    private var byID: OrderedDictionary<ChildAddress, SuspendedWorker> = [:]

    var all: OrderedDictionary<ChildAddress, SuspendedWorker>.Values { byID.values }
    var isEmpty: Bool { byID.isEmpty }

    subscript(id: ChildAddress) -> SuspendedWorker? { byID[id] }

    func state(of id: ChildAddress) -> SuspendedWorker.State? { self[id]?.state }

    mutating func append(_ worker: SuspendedWorker) {
        byID[worker.info.id] = worker
    }

    mutating func update(_ id: ChildAddress, _ change: (inout SuspendedWorker) -> Void) {
        if let position = byID.index(forKey: id) { change(&byID.values[position]) }
    }

    mutating func remove(where isGone: (SuspendedWorker) -> Bool) {
        byID.removeAll { isGone($0.value) }
    }
}
