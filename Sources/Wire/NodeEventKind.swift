/// What an event is about: `kind` of a `NodeEvent`, and the field `EVENT=` of the journal. `docs/events.md` has them all.
public enum NodeEventKind: String, Hashable, Sendable, CaseIterable {
    case boot
    case running
    case stopping
    case stopped
    case earlierRunEnded = "earlier_run_ended"
    case earlierRunRemains = "earlier_run_remains"
    case earlierRunUnknown = "earlier_run_unknown"
    case watchdogStarved = "watchdog_starved"
    case watchdogFed = "watchdog_fed"
    case reloaded
    case reloadFailed = "reload_failed"
    case signalIgnored = "signal_ignored"
    case reexecuted
    case reexecutionFailed = "reexecution_failed"
    case nodeNotRegistered = "node_not_registered"

    case workerStarted = "worker_started"
    case startDelayed = "start_delayed"
    case boundsIgnored = "bounds_ignored"
    case workerExited = "worker_exited"
    case workerStopped = "worker_stopped"
    case workerRestart = "worker_restart"
    case restartDelayed = "restart_delayed"
    case workerHandedOff = "worker_handed_off"
    case workerHung = "worker_hung"
    case workerLost = "worker_lost"
    case processesLeft = "processes_left"
    case modulesNotLoaded = "modules_not_loaded"
    case notificationIgnored = "notification_ignored"
    case mainPidIgnored = "main_pid_ignored"
    case configChangeFailed = "config_change_failed"
    case unknownStartPhase = "unknown_start_phase"

    case log
    case output
    case outputLimited = "output_limited"
    case outputDropped = "output_dropped"

    case startError = "start_error"
    case shutdownError = "shutdown_error"
    case supervisorExited = "supervisor_exited"
    case supervisorAutoShutdown = "supervisor_auto_shutdown"
    case supervisorShutdown = "supervisor_shutdown"

    case applicationStarted = "application_started"
    case applicationStopped = "application_stopped"
    case applicationFailed = "application_failed"
    case applicationExited = "application_exited"
    case internalError = "internal_error"

    case unpacked
    case removed
    case fileInstalled = "file_installed"
    case recovered
    case rootRepaired = "root_repaired"
    case releaseDropped = "release_dropped"
    case bootRetried = "boot_retried"
    case bootProved = "boot_proved"
    case bootFallback = "boot_fallback"
    case bootFallbackFailed = "boot_fallback_failed"
    case rootUnwritable = "root_unwritable"
    case rootExposed = "root_exposed"
    case madePermanent = "made_permanent"
    case makePermanentFailed = "make_permanent_failed"

    case installRelease = "install_release"
    case releaseInstalled = "release_installed"
    case upgradeApplication = "upgrade_app"
    case applicationUpgraded = "app_upgraded"
    case installRefused = "install_refused"
    case installAborted = "install_aborted"
    case installTakingBack = "install_taking_back"
    case installStopped = "install_stopped"
    case installFailed = "install_failed"
    case relupOutput = "relup_output"
    case purged
    case traceWritten = "trace_written"
    case traceFailed = "trace_failed"

    case probationStarted = "probation_started"
    case healthCheck = "health_check"
    case probationPassed = "probation_passed"
    case probationFailed = "probation_failed"
}

extension NodeEventKind {
    /// Those whose message and fields are a worker's own.
    public static let spoken: [Self] = [.log, .output]
}
