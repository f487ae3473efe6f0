import Host
import Instructions
import ReleaseHandling
import Wire

/// What the store asks of the node and tells it; all of it within the turn of a change.
@HostActor
protocol ReleaseStoreDelegate: AnyObject {
    /// The release that runs; throws why the releases may not be changed now.
    func requireRunning() throws(ControlError) -> LoadedRelease
    /// The processes that the node started, with the files that they were started from, scripts too.
    var startedProcesses: [StartedProcess] { get }
    /// The release on probation: what it is taken back to stays as it is. None begins within a turn.
    var trial: Probation.Trial? { get }
    /// What a boot of a release would not find, or could not read, beside its own files: those of its children, on the disk's thread.
    var bootFindings: BootFindings { get }
    func releasesChanged(_ news: ReleaseStore.News)
}

typealias BootFindings = @Sendable (LoadedRelease, ReleaseRoot) -> [String]

/// A process of the node, for the question who runs from a directory.
struct StartedProcess: Sendable {
    let pid: Int32
    let file: String
    /// The worker's place where it has one.
    let worker: String?
}

/// The releases of the root: what there is, and the changes of it, one at a time and off the reactor's thread.
///
/// The table is in memory and answers at once. A change takes its turn in the line, has its reading, hashing, writing and
/// removing done by threads that wait for the disk, and is decided by the table as it is in its turn. So a disk that hangs
/// holds up only those who wait for it.
@HostActor
final class ReleaseStore {
    enum News {
        case unpacked(String, package: String)
        case madePermanent(String, by: String)
        case removed(String)
        /// By hand: its files were there.
        case registered(String, file: String, exposures: [RootExposure])
        /// Its files stay.
        case forgotten(String)
        /// `file`: relative to the root.
        case fileInstalled(String, file: String)
        /// It is permanent, and the node is to restart into it.
        case rebootsOld(String, by: String)
    }

    let root: ReleaseRoot
    private(set) var table: ReleaseTable
    /// What start-up found that was cut short, for the log.
    let recoveryNotes: [String]
    /// Files of the root that this run, or the one in whose place it goes on, has found gone, empty or damaged, and what was made of that.
    let repairs: [String]
    /// What others can change of the root, for the log.
    let exposures: [RootExposure]
    /// What the processes of the run before are known by; empty where there was none.
    let earlierRun: String
    /// What the runs before have come to.
    let findings: [ReleaseTable.Finding]
    /// Why the last of what was to be written was not; nil where it was.
    private(set) var obstacle: String?
    /// What start-up could not write: it comes before any change.
    private var unwritten: [ReleaseTable.DiskWrite] = []
    weak var delegate: (any ReleaseStoreDelegate)?
    let line = ChangeLine()
    /// Called on the thread that waits for the disk, before each of its works: a test holds it up there.
    var beforeDiskWork: (@Sendable () -> Void)?

    private let disk: ReleaseDisk

    private init(_ start: ReleaseDisk.Start) {
        disk = start.disk
        root = start.disk.root
        table = start.table
        recoveryNotes = start.notes
        repairs = start.repairs
        exposures = start.exposures
        earlierRun = start.earlierRun
        findings = start.findings
        obstacle = start.obstacle
        unwritten = start.unwritten
    }

    /// Takes the root into use and repairs what was cut short.
    ///
    /// - Parameter start: what the run before has left for this one.
    static func open(_ root: ReleaseRoot, _ start: RunStart = .ordinary) async throws(BootError) -> ReleaseStore {
        ReleaseStore(try await DiskWork.run { () throws(BootError) in try ReleaseDisk.open(root, start) })
    }

    // MARK: Over the daemon's own re-execution

    struct State: Codable {
        let table: ReleaseTable
        /// The descriptor that holds the root's lock.
        let lock: Int32
        /// Nil too where the daemon before did not keep it.
        let obstacle: String?
        /// The same.
        let repairs: [String]?
    }

    /// Nil while a change of the disk is under way.
    var state: State? {
        line.current == nil && unwritten.isEmpty
            ? State(table: table, lock: disk.lock.raw, obstacle: obstacle, repairs: repairs) : nil
    }

    /// Goes on where the daemon before stood: nothing is read.
    init(_ root: ReleaseRoot, _ state: State) {
        disk = ReleaseDisk(root: root, lock: FileLock(held: state.lock))
        self.root = root
        table = state.table
        recoveryNotes = []
        repairs = state.repairs ?? []
        exposures = []
        earlierRun = ""
        findings = []
        obstacle = state.obstacle
    }

    /// From now on the processes of this run are those that the next one looks for.
    func beginRun() async throws(SystemError) {
        let mark = EarlierRun.currentMark
        try await onDisk { [disk] () throws(SystemError) in try disk.beginRun(mark: mark) }
    }

    // MARK: Questions

    var releases: ReleasesFile { table.releases }

    var summaries: [ReleaseSummary] { releases.releases.map(\.summary) }

    func summary(_ vsn: String) throws(ControlError) -> ReleaseSummary {
        do {
            return try table.release(vsn).summary
        } catch {
            throw error.controlError
        }
    }

    /// The release that boots, with everything that it says of itself.
    func loadBooting() async throws(BootError) -> LoadedRelease {
        guard let permanent = table.running ?? releases.permanent else {
            throw BootError("\(root.releasesFile): no release is permanent, so nothing can boot")
        }
        do {
            return try await onDisk { [root] () throws(FileError) in try root.load(permanent) }
        } catch {
            throw BootError("\(error)")
        }
    }

    // MARK: Changes of the table

    /// After a script that was evaluated to its end. An install lasts as long as the node does: nothing is written, so
    /// that it waits for no turn either. (None has begun: each asks first whether an upgrade is under way.)
    func installed(_ vsn: String) throws(ReleaseError) { table = try table.installed(vsn).table }

    /// Decides by the table as it is now, on the disk's thread, since what stands there may be asked, and writes.
    func change(
        staging: String? = nil, tell: WorkTeller? = nil,
        _ decide: @escaping @Sendable (ReleaseTable) throws(ReleaseError) -> ReleaseTable.Change
    ) async throws(ControlError) {
        let before = table
        let outcome: ReleaseDisk.Outcome
        do {
            outcome = try await onDisk { [disk, unwritten] () throws(ReleaseError) in
                disk.apply(try decide(before), to: before, after: unwritten, staging: staging, tell: tell)
            }
        } catch {
            throw error.controlError
        }
        // What only the memory knows may have changed meanwhile.
        table = table == before ? outcome.table : table.adopting(outcome.table)
        if outcome.hasWritten { obstacle = nil }
        if outcome.hasCaughtUp { unwritten = [] }
        // Others say something of one directory, and nothing of the root.
        if let failure = outcome.failure as? SystemError, failure.isOfDisk { obstacle = "\(failure)" }
        if let failure = outcome.failure as? SystemError {
            throw .notWritten(
                failure, root: root.path, outcome: sentence(since: before), isUnchanged: table == before)
        }
        if let failure = outcome.failure {
            throw ControlError(.systemError, "\(failure); \(sentence(since: before))")
        }
    }

    func onDisk<Value: Sendable, Failure: Error>(
        _ work: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let hold = beforeDiskWork
        return try await DiskWork.run { () throws(Failure) in
            hold?()
            return try work()
        }
    }

    /// What a change that failed has come to, for its error.
    private func sentence(since before: ReleaseTable) -> String {
        guard table != before else { return "the releases are as they were" }
        let boots = table.startErlData.releaseVsn
        return "it was half done, and which-releases shows what it came to; release \(boots) boots next"
    }
}
