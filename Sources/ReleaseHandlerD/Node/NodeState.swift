import Host
import ReleaseHandling
import Terms
import Wire

/// All that a node knows, for another daemon that goes on in this one's place: the one list of it.
///
/// What is not here is said in `StateInventory`, with the reason: derived from the rest, or not there while nothing is under way.
struct NodeState: Codable {
    /// The version of what is written. One that takes more away than keys, renames one (what is missing is read as zero), or gives others a new meaning, is another version, and
    /// `StateVersions` brings what older ones wrote up to it.
    static let version = 3

    let startedAtMilliseconds: Int
    let release: LoadedRelease.State
    let store: ReleaseStore.State
    let events: EventHub.State
    let code: CodeServer.State
    let sockets: ListeningSockets.State
    let tree: TreeDriver.State
    let applications: ApplicationDriver.State
    let unpurged: Unpurged
    let probation: ProbationDriver.State
    let processes: OwnProcesses.State
    let membership: NodeMembership.State
    let unwrittenPermanent: UnwrittenPermanent?
    let history: [HistoryRecord]?
    let bootedAtMilliseconds: Int?
    let upgrades: UpgradeCounts?

    /// All that are to be open in the next program, under their numbers.
    var descriptors: [Int32] {
        [store.lock] + membership.descriptors + code.descriptors + sockets.descriptors + tree.descriptors
    }
}

extension Node {
    /// All that is known, where nothing is under way that can't be handed on.
    ///
    /// - Parameters:
    ///   - before: what was written a moment ago, of which most is the same.
    ///   - awaitsHistory: not in an upgrade, which would stop all workers where the disk takes its time: a record that is there twice is less.
    func state(like before: NodeState? = nil, awaitsHistory: Bool = true) throws(HandoverObstacle) -> NodeState {
        guard case .running = phase, let release = running.current else {
            throw HandoverObstacle("the node does not run", isLasting: true)
        }
        if let continued { throw HandoverObstacle("the upgrade to \(continued.vsn) goes on") }
        if let upgrade = installer.upgrade { throw HandoverObstacle("an upgrade to \(upgrade.target) is under way") }
        if installer.isChecking { throw HandoverObstacle("a check of an install is under way") }
        if case .goingBack(let trial) = probation.state {
            throw HandoverObstacle("release \(trial.release) failed its probation and is taken back")
        }
        if let change = changes.first(besides: ChangesByHand.reexecution) {
            throw HandoverObstacle("\(change) is under way")
        }
        guard let store = store.state else {
            throw HandoverObstacle("\(self.store.line.current ?? "a change of the releases") is under way")
        }
        guard let applications = applications.state else {
            throw HandoverObstacle("an application is being started or stopped")
        }
        guard let events = events.state else { throw HandoverObstacle("events are held back") }
        // The next program would write the same once more. Nor can any program be executed while a thread waits for a disk that hangs: the
        // kernel awaits the thread's end first, and the whole daemon with it.
        if awaitsHistory, history.isWriting {
            throw HandoverObstacle("the history of the releases is being written", isBrief: true)
        }
        return NodeState(
            startedAtMilliseconds: startedAtMilliseconds, release: release.state, store: store, events: events,
            code: code.state, sockets: sockets.state, tree: try tree.state(like: before?.tree),
            applications: applications,
            unpurged: purger.state, probation: probation.machineState, processes: OwnProcesses.state,
            membership: membership.state, unwrittenPermanent: unwrittenPermanent,
            history: history.state, bootedAtMilliseconds: bootedAtMilliseconds,
            upgrades: installer.counts)
    }

    /// Goes on where the daemon before stood. Nobody is told of it: for workers and their users nothing has happened.
    func goOn(_ state: NodeState, _ release: LoadedRelease, followers: Int) throws {
        running.boots(release)
        events.goOn(state.events, followers: followers)
        code.goOn(state.code)
        try sockets.goOn(state.sockets)
        try applications.goOn(state.applications, release.applicationSpecs)
        try tree.goOn(state.tree)
        purger.goOn(state.unpurged)
        installer.counts = state.upgrades ?? UpgradeCounts()
        phase = .running
        probation.goOn(state.probation)
        bootedAtMilliseconds = state.bootedAtMilliseconds
        watchBoot()
        toldStatus = statusLine
        if let unwritten = state.unwrittenPermanent { makePermanentByItself(unwritten.vsn) }
    }
}
