import Logging
import Wire

/// What an event of each kind has beside its message; `docs/events.md` says the same, and a test holds both to it.
extension NodeEventKind {
    /// The levels at which it may be logged, the lowest first.
    var levels: [Logger.Level] {
        switch self {
        case .log: [.debug, .info, .notice, .warning, .error, .critical]
        case .workerExited, .purged: [.info, .warning]
        case .supervisorExited, .reloaded: [.notice, .warning]
        case .stopped, .workerStarted, .workerStopped, .workerHandedOff, .output, .applicationStarted,
            .applicationStopped, .healthCheck:
            [.info]
        case .boot, .running, .stopping, .watchdogFed, .signalIgnored, .reexecuted, .workerRestart, .restartDelayed,
            .supervisorAutoShutdown,
            .unpacked, .removed, .fileInstalled,
            .recovered, .bootProved, .madePermanent, .installRelease, .releaseInstalled, .upgradeApplication,
            .applicationUpgraded, .relupOutput, .traceWritten,
            .probationStarted, .probationPassed:
            [.notice]
        case .earlierRunEnded, .earlierRunUnknown, .nodeNotRegistered, .rootExposed, .rootRepaired, .rootUnwritable,
            .bootRetried,
            .startDelayed, .boundsIgnored,
            .workerHung, .processesLeft,
            .modulesNotLoaded,
            .notificationIgnored,
            .mainPidIgnored,
            .configChangeFailed, .unknownStartPhase, .outputLimited, .outputDropped, .installStopped, .traceFailed:
            [.warning]
        case .earlierRunRemains, .startError, .shutdownError, .supervisorShutdown, .applicationFailed,
            .applicationExited, .internalError, .installRefused, .installAborted, .installTakingBack,
            .workerLost, .reloadFailed, .reexecutionFailed, .releaseDropped:
            [.error]
        case .watchdogStarved, .makePermanentFailed, .installFailed, .probationFailed, .bootFallback,
            .bootFallbackFailed:
            [.critical]
        }
    }

    var fields: EventFields {
        switch self {
        case .boot, .running, .stopping, .stopped, .earlierRunUnknown, .watchdogFed, .workerHung, .configChangeFailed,
            .outputLimited, .applicationStarted, .applicationStopped, .internalError, .recovered, .installRefused,
            .installAborted, .installStopped, .installFailed, .relupOutput, .purged, .traceFailed, .rootUnwritable,
            .rootRepaired:
            EventFields()
        case .earlierRunEnded, .earlierRunRemains: EventFields(["count"])
        case .reloaded: EventFields(["failures"])
        case .nodeNotRegistered: EventFields(["node", "reason"])
        case .signalIgnored: EventFields(["signal"])
        case .rootExposed: EventFields(["path"])
        case .reexecuted: EventFields(["erts", "previous_erts", "workers", "pause_us"])
        case .watchdogStarved, .reloadFailed, .reexecutionFailed, .startError, .shutdownError, .supervisorExited,
            .applicationFailed,
            .applicationExited, .boundsIgnored:
            EventFields(["reason"])
        case .workerStarted: EventFields(["pid", "generation"])
        case .startDelayed: EventFields(["reason", "ms"])
        case .workerExited, .workerStopped: EventFields(["reason"], optional: ["pid", "generation", "age_ms"])
        case .workerRestart: EventFields(["restarts", "supervisor"], optional: ["reason", "with"])
        case .restartDelayed: EventFields(["delay_ms", "reason", "supervisor"])
        case .workerHandedOff: EventFields(["pid", "old_pid", "generation"])
        case .workerLost: EventFields(["what", "why"])
        case .processesLeft: EventFields(["pid", "count"])
        case .modulesNotLoaded: EventFields(["pid", "modules"])
        case .notificationIgnored: EventFields(["pid", "sender"])
        case .mainPidIgnored: EventFields(["pid", "main_pid"])
        case .unknownStartPhase: EventFields(["phase"])
        case .log: EventFields(["pid"], hasOthers: true)
        case .output: EventFields(["pid", "stream"])
        case .outputDropped: EventFields(["dropped", "dropped_bytes"])
        case .supervisorAutoShutdown: EventFields(["child"])
        case .supervisorShutdown: EventFields(["child", "reason"])
        case .unpacked: EventFields(["vsn", "package"])
        case .fileInstalled: EventFields(["vsn", "file"])
        case .removed, .makePermanentFailed, .probationPassed, .bootProved: EventFields(["vsn"])
        case .releaseDropped: EventFields(["vsn", "permanent", "why"])
        case .bootRetried: EventFields(["vsn", "boot", "allowed"])
        case .bootFallback: EventFields(["vsn", "from", "boots", "why"])
        case .bootFallbackFailed: EventFields(["vsn", "boots"])
        case .madePermanent: EventFields(["vsn", "by"])
        case .upgradeApplication, .applicationUpgraded: EventFields(["application", "from", "to", "directory"])
        case .installRelease, .releaseInstalled, .installTakingBack: EventFields(["from", "to"])
        case .traceWritten: EventFields(["file"])
        case .probationStarted: EventFields(["vsn", "fallback", "ms", "make_permanent"])
        case .healthCheck: EventFields(["program"])
        case .probationFailed: EventFields(["vsn", "fallback", "reason"])
        }
    }
}

/// The names of an event's fields.
struct EventFields: Equatable {
    let always: [String]
    let optional: [String]
    /// Whether a worker adds some of its own.
    let hasOthers: Bool

    init(_ always: [String] = [], optional: [String] = [], hasOthers: Bool = false) {
        self.always = always
        self.optional = optional
        self.hasOthers = hasOthers
    }
}
