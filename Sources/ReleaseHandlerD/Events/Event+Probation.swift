import ReleaseHandling
import Wire
import Logging

/// A release on probation.
enum ProbationEvent {
    case started(vsn: String, fallback: String, milliseconds: Int, ProbationOptions.MakePermanent)
    /// A line that the health command prints.
    case healthCheck(program: String, line: String)
    case passed(vsn: String, ProbationOptions.MakePermanent)
    case failed(vsn: String, fallback: String, Probation.Failure)
    /// It failed, and stays current: there is nothing else that could run.
    case kept(vsn: String, reason: String, obstacle: String)

    var entry: EventEntry {
        switch self {
        case .started(let vsn, let fallback, let milliseconds, let makePermanent):
            EventEntry(
                .probationStarted,
                "release \(vsn) is on probation for \(Double(milliseconds) / 1000) s"
                    + (makePermanent == .auto ? "" : ", and stays current then until it is made permanent"),
                level: .notice,
                fields: [
                    "vsn": vsn, "fallback": fallback, "ms": "\(milliseconds)",
                    "make_permanent": makePermanent == .auto ? "auto" : "manual",
                ])
        case .healthCheck(let program, let line): EventEntry(.healthCheck, line, fields: ["program": program])
        case .passed(let vsn, let makePermanent):
            EventEntry(
                .probationPassed,
                "release \(vsn) passed its probation"
                    + (makePermanent == .auto ? "" : "; it stays current until `releasectl make-permanent \(vsn)`"),
                level: .notice, fields: ["vsn": vsn])
        case .failed(let vsn, let fallback, let failure):
            EventEntry(
                .probationFailed, "release \(vsn) failed its probation: \(failure)", level: .critical,
                fields: ["vsn": vsn, "fallback": fallback, "reason": "\(failure)"])
        case .kept(let vsn, let reason, let obstacle):
            EventEntry(
                .makePermanentFailed,
                """
                release \(vsn) failed its probation and stays current: it can't be taken back by a script: \(reason); and \(obstacle); \
                mend that, or `releasectl make-permanent \(vsn)` keeps this one
                """, level: .critical, fields: ["vsn": vsn])
        }
    }
}
