import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms
import Wire

/// What whoever asks how the node does has to know beyond the release that runs.
extension Node {
    var notices: [NodeStatus.Notice] {
        var notices: [NodeStatus.Notice] = []
        if let unwrittenPermanent {
            notices.append(
                .init(
                    kind: .notPermanentYet,
                    message: """
                        release \(unwrittenPermanent.vsn) passed its probation and can't be written down as permanent, which is tried \
                        again: \(unwrittenPermanent.reason)
                        """))
        }
        if let vsn = waitingToBePermanent {
            notices.append(
                .init(
                    kind: .notPermanent,
                    message: """
                        release \(vsn) runs and a restart boots \(store.table.startErlData.releaseVsn): `releasectl make-permanent \(vsn)` \
                        keeps it
                        """))
        }
        if let trial = probation.state.trial {
            let message =
                switch probation.state {
                case .none, .onProbation:
                    "release \(trial.release) is on probation; what fails takes it back to \(trial.fallback)"
                        + (trial.options.makePermanent == .auto
                            ? "" : "; it stays current then until `releasectl make-permanent \(trial.release)`")
                case .asking, .proving: "release \(trial.release) is at the end of its probation, and is looked at"
                case .interrupted: "the probation of release \(trial.release) waits for an install to end"
                case .goingBack: "release \(trial.release) failed its probation and is taken back to \(trial.fallback)"
                }
            notices.append(.init(kind: .probation, message: message))
        }
        let waiting = tree.waitingChildren
        if let first = waiting.first {
            let others = waiting.count > 1 ? " and \(waiting.count - 1) more wait" : " waits"
            notices.append(.init(kind: .restartsWaiting, message: "\(first)\(others) for a restart (restart_delay)"))
        }
        for library in changedApplications {
            let release = running.current?.vsn ?? ""
            let own = store.table.releases.release(release)?.library(library.name)?.vsn ?? "none"
            notices.append(
                .init(
                    kind: .applicationChanged,
                    message: """
                        application \(library.name.name) is \(library.vsn), from \(library.directory), and \(own) in release \
                        \(release): a restart boots the permanent release as it is on disk
                        """))
        }
        let assessment = store.table.assessment
        if let fallback = assessment?.fallback {
            notices.append(.init(kind: .bootFallback, message: fallback.sentence))
        }
        if let dropped = assessment?.dropped { notices.append(.init(kind: .releaseDropped, message: dropped.sentence)) }
        for sentence in store.repairs { notices.append(.init(kind: .rootRepaired, message: sentence)) }
        if let obstacle = store.obstacle {
            notices.append(
                .init(kind: .rootUnwritable, message: "the release root could not be written to: \(obstacle)"))
        }
        return notices
    }

    /// Those that are not as the release that runs has them.
    var changedApplications: [LibraryRecord] {
        guard let release = running.current else { return [] }
        return release.changedLibraries(since: store.table.releases.release(release.vsn))
    }

    /// The release that runs, where it has come through its probation and is not permanent.
    private var waitingToBePermanent: String? {
        guard case .running = phase, case .none = probation.state, unwrittenPermanent == nil, makingPermanent == nil,
            !running.isChanging,
            let vsn = running.current?.vsn, vsn != store.table.startErlData.releaseVsn
        else { return nil }
        return vsn
    }

    /// What the service manager shows of a node that runs.
    var statusLine: String {
        (["release \(running.current?.vsn ?? "") runs"] + notices.map(\.message)).joined(separator: "; ")
    }

    /// A restart waits from now on, or does no longer.
    func tellWaiting(_ report: SupervisorReport) {
        switch report {
        case .restartDelayed, .restart: tellStatus()
        case .progress, .childTerminated, .childEnded, .autoShutdown, .startError, .requestedStartError,
            .shutdownError, .shutdown:
            return
        }
    }

    /// Where it has changed.
    func tellStatus() {
        guard case .running = phase, let toldStatus else { return }
        let line = statusLine
        guard line != toldStatus else { return }
        self.toldStatus = line
        SystemdNotify.status(line)
    }
}
