import OrderedCollections
public import Supervision
public import Wire

/// Whose state or connections an install has cost: proved by which start of a worker runs before it and after it.
///
/// A start lives through handoffs: its state and connections went over. Where another start runs at the place in the end,
/// or none, they are gone. Why, is what was noted first of the end of it.
public struct LossLedger: Sendable {
    /// Why a worker ended that ran when the install began.
    public enum Cause: Hashable, Sendable {
        /// The script did it, in these words.
        case script(String)
        /// Its supervisor ended it, which nobody outside the install asks for meanwhile.
        case supervisor(String)
        /// By itself.
        case itself(String)

        var sentence: String {
            switch self {
            case .script(let sentence), .supervisor(let sentence), .itself(let sentence): sentence
            }
        }
    }

    private let before: OrderedDictionary<ChildAddress, StartID>
    private var causes: [ChildAddress: Cause] = [:]
    /// Whom the script has to do with: the end of another one by itself is not the install's.
    private var concerned: Set<ChildAddress> = []
    /// Stopped by the script, which says nothing of a start of theirs: that was its purpose.
    private var moved: [ChildAddress: ChildAddress] = [:]
    private var meantToEnd: Set<ChildAddress> = []

    /// A worker, and the start that stands at its place.
    public struct Running: Hashable, Sendable {
        public let worker: ChildAddress
        public let start: StartID

        public init(worker: ChildAddress, start: StartID) {
            self.worker = worker
            self.start = start
        }
    }

    /// - Parameter running: in tree order.
    public init(running: [Running]) {
        before = OrderedDictionary(running.map { ($0.worker, $0.start) }) { $1 }
    }

    public mutating func concerns(_ workers: some Sequence<ChildAddress>) { concerned.formUnion(workers) }

    /// One that was started anew where its supervisor gives each child an address of its own.
    public mutating func moved(_ worker: ChildAddress, to address: ChildAddress) { moved[worker] = address }

    public mutating func means(toEnd worker: ChildAddress) { meantToEnd.insert(worker) }

    /// The first cause counts, except that what the script did says more than the end that came of it.
    public mutating func note(_ cause: Cause, of worker: ChildAddress, start: StartID?) {
        guard let mine = before[worker], start == nil || start == mine else { return }
        switch causes[worker] {
        case nil: causes[worker] = cause
        case .script?, .supervisor?, .itself?: break
        }
    }

    /// - Parameter running: the start that runs at each place now.
    ///   `nodeEnds`: none will, the node is about to end. `starting`: who does not run yet and will.
    public func losses(
        running: [Running], nodeEnds: Bool = false, starting: Set<ChildAddress> = []
    ) -> [InstallResult.Loss] {
        if nodeEnds {
            return before.keys.map { worker in
                InstallResult.Loss(
                    worker: worker.description, what: "state and connections",
                    why: causes[worker]?.sentence ?? "the node restarts")
            }
        }
        let running = Dictionary(running.map { ($0.worker, $0.start) }) { $1 }
        return before.compactMap { worker, start in
            let now = running[moved[worker] ?? worker]
            guard now != start else { return nil }
            if now == nil, meantToEnd.contains(worker) { return nil }
            if case .itself? = causes[worker], !concerned.contains(worker) { return nil }
            let why = causes[worker]?.sentence ?? "its process ended"
            return InstallResult.Loss(
                worker: worker.description, what: "state and connections",
                why: Self.sentence(why, isRunning: now != nil, isStarting: starting.contains(moved[worker] ?? worker)))
        }
    }

    private static func sentence(_ why: String, isRunning: Bool, isStarting: Bool) -> String {
        if isRunning { return "\(why); started again" }
        return isStarting ? "\(why); it is being started again" : "\(why); it does not run"
    }
}
