import ReleaseHandling
import Terms
import Wire
import Logging

/// An install, from its request to its end, and what it leaves to be done.
enum UpgradeEvent {
    case began(from: String, to: String, makePermanent: InstallRequest.MakePermanent? = nil)
    case done(from: String, to: String)
    case refused(to: String, RelupMachine.Failure)
    /// One application, in the release that runs.
    case applicationBegan(ApplicationChange)
    case applicationDone(ApplicationChange)
    case applicationRefused(ApplicationChange, RelupMachine.Failure)
    case aborted(from: String, to: String, RelupMachine.Failure)
    /// What was committed is taken back by the script for the other direction.
    case takingBack(from: String, to: String, RelupMachine.Failure)
    /// By the node's stop.
    case stopped(to: String)
    /// Where it can't be undone.
    case failed(to: String, RelupMachine.Failure)
    /// What an `apply` of the script says.
    case said(String)
    case purged(Atom)
    /// The worker ran old code that is purged brutally.
    case purgedBrutally(ChildAddress)
    case traceWritten(to: String, file: String)
    case traceFailed(to: String, reason: String)

    var entry: EventEntry {
        switch self {
        case .began(let from, let to, let makePermanent):
            EventEntry(
                .installRelease,
                "installing release \(to) over \(from)"
                    + (makePermanent == .manual ? ", to stay current until it is made permanent" : ""), level: .notice,
                fields: ["from": from, "to": to])
        case .done(let from, let to):
            EventEntry(
                .releaseInstalled, "release \(to) runs, installed over \(from)", level: .notice,
                fields: ["from": from, "to": to])
        case .refused(let to, let failure):
            EventEntry(.installRefused, "release \(to) refused, nothing changed: \(failure)", level: .error)
        case .applicationBegan(let change):
            EventEntry(
                .upgradeApplication,
                "changing application \(change.source) to \(change.target) from \(change.directory)",
                level: .notice, fields: change.fields)
        case .applicationDone(let change):
            EventEntry(
                .applicationUpgraded,
                "application \(change.target) runs, from \(change.directory); it was \(change.source)",
                level: .notice, fields: change.fields)
        case .applicationRefused(let change, let failure):
            EventEntry(
                .installRefused, "application \(change.target) refused, nothing changed: \(failure)", level: .error)
        case .aborted(let from, let to, let failure):
            EventEntry(.installAborted, "upgrade to \(to) aborted, \(from) runs on: \(failure)", level: .error)
        case .takingBack(let from, let to, let failure):
            EventEntry(
                .installTakingBack,
                "upgrade to \(from) failed; what was committed is taken back by the script to \(to): \(failure)",
                level: .error, fields: ["from": from, "to": to])
        case .stopped(let to):
            EventEntry(.installStopped, "upgrade to \(to) ended by the node's stop", level: .warning)
        case .failed(let to, let failure):
            EventEntry(
                .installFailed, "upgrade to \(to) failed where it can't be undone: \(failure)", level: .critical)
        case .said(let text): EventEntry(.relupOutput, text, level: .notice)
        case .purged(let module):
            EventEntry(.purged, "old code of \(module.name) is purged: nobody runs it any more")
        case .purgedBrutally(let worker):
            EventEntry(
                .purged, "\(worker) ran old code that is purged brutally; it is ended", level: .warning, worker: worker)
        case .traceWritten(let to, let file):
            EventEntry(
                .traceWritten, "what the upgrade to \(to) did is in \(file)", level: .notice, fields: ["file": file])
        case .traceFailed(let to, let reason):
            EventEntry(
                .traceFailed, "what the upgrade to \(to) did could not be written: \(reason)", level: .warning)
        }
    }
}

extension ApplicationChange {
    fileprivate var fields: [String: String] {
        ["application": application.name, "from": from, "to": to, "directory": directory]
    }
}
