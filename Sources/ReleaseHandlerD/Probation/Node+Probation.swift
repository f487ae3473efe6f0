import Host
import Instructions
import Logging
import ReleaseHandling
import Supervision
import Wire

/// What the node holds for the probation of its release.
struct ProbationDriver {
    var machine = Probation()
    var timer: ScheduledTimer?
    var command: HealthCommand?
    /// Health commands whose process has not ended, cancelled ones included.
    var runningCommands = 0
    /// In place of the length that `sys.config` says.
    var milliseconds: Int?
}

/// The driver of the `Probation` machine: a release that was installed becomes permanent by itself or is taken back.
extension Node {
    var probationState: Probation.State { probation.machine.state }

    func judge(_ event: Probation.Event) {
        for action in probation.machine.handle(event, now: Reactor.nowMilliseconds()) { perform(action) }
    }

    private func perform(_ action: Probation.Action) {
        switch action {
        case .schedule(let milliseconds):
            probation.timer?.cancel()
            let rest = milliseconds - Reactor.nowMilliseconds()
            probation.timer = Reactor.shared.schedule(afterMilliseconds: rest) { [weak self] in
                self?.judge(.timerFired)
            }
        case .runHealthCheck(let check): runHealthCheck(check)
        case .cancel:
            probation.timer?.cancel()
            probation.timer = nil
            probation.command?.cancel()
            probation.command = nil
        case .report(let report): tell(report)
        case .makePermanent(let vsn): makePermanentByItself(vsn)
        case .goBack(let vsn): goBack(to: vsn)
        case .restartNode(let reason): stop(.restart(reason: reason))
        }
    }

    // MARK: What it is told

    /// The release of an upgrade that is done runs from now on.
    func beginProbation(_ upgrade: Upgrade) {
        var options = upgrade.to.probation
        if let milliseconds = probation.milliseconds { options.milliseconds = milliseconds }
        let changed = ChangedCode(
            script: upgrade.entry.script, from: upgrade.from.record.libraries, to: upgrade.to.record.libraries,
            touched: upgrade.touched)
        judge(
            .installed(
                Probation.Install(
                    release: upgrade.to.vsn, previous: upgrade.from.vsn, permanent: store.table.startErlData.releaseVsn,
                    changed: changed, options: options)))
    }

    /// What of a supervisor's report is held against a release.
    func judge(_ report: SupervisorReport) {
        switch report {
        case .childTerminated(let child, _, _), .startError(let child, _):
            guard let spec = tree.child(at: child)?.spec, spec.type == .worker else { return }
            judge(.workerFailed(child, listed: spec.listedModules))
        case .restart(let child, _, _): judge(.workerRestarted(child))
        case .shutdown(let supervisor, _, _):
            judge(
                .supervisorGaveUp(
                    supervisor.description, application: supervisor.application, isTop: supervisor.parent == nil))
        case .progress, .requestedStartError, .shutdownError, .childEnded, .autoShutdown: return
        }
    }

    /// A node that can't go on ends with failure, so that the service manager starts it anew; one that runs a release
    /// which is not permanent goes back to the one that is, by its own restart.
    func endOfNode(_ reason: String) -> NodeEnd {
        guard let running = store.table.running, running.status != .permanent else { return .failed(reason) }
        return .restart(reason: "\(reason), and release \(running.vsn) is not permanent")
    }

    // MARK: What it does

    private func runHealthCheck(_ check: ProbationOptions.HealthCheck) {
        let program = root.resolve(check.program)
        let command = HealthCommand(
            program: program,
            onLine: { [weak self] line in self?.events.post("health_check", line, fields: ["program": program]) },
            onEnd: { [weak self] in
                self?.probation.runningCommands -= 1
                self?.processEnded()
            })
        probation.command = command
        probation.runningCommands += 1
        command.start(
            arguments: check.arguments, root: root.path, vsn: release?.vsn ?? "",
            timeoutMilliseconds: check.timeoutMilliseconds
        ) { [weak self] reason in
            self?.probation.command = nil
            self?.judge(reason.map { .healthCheckFailed(reason: $0) } ?? .healthCheckPassed)
        }
    }

    private func makePermanentByItself(_ vsn: String) {
        Task { @HostActor in
            do throws(ControlError) {
                _ = try await store.makePermanent(vsn, by: "probation", isOwn: true)
            } catch {
                let isPermanent = releases.permanent?.vsn == vsn
                let next = isPermanent ? "" : "; it runs until the next restart unless make-permanent \(vsn) succeeds"
                events.post(
                    "make_permanent_failed",
                    "release \(vsn) passed its probation and could not be made permanent: \(error.message)\(next)",
                    level: .critical, fields: ["vsn": vsn])
            }
        }
    }

    /// By the ordinary way of an install; where there is none, the machine restarts the node.
    private func goBack(to vsn: String) {
        Task { @HostActor in
            do throws(ControlError) {
                _ = try await install(vsn, isGoingBack: true)
            } catch {
                judge(.upgradeFailed(reason: error.message))
            }
        }
    }

    private func tell(_ report: Probation.Report) {
        switch report {
        case .started(let trial):
            let milliseconds = max(trial.deadlineMilliseconds - Reactor.nowMilliseconds(), 0)
            let seconds = Double(milliseconds) / 1000
            events.post(
                "probation_started", "release \(trial.release) is on probation for \(seconds) s", level: .notice,
                fields: [
                    "vsn": trial.release, "fallback": trial.fallback, "ms": "\(milliseconds)",
                    "make_permanent": trial.options.makePermanent == .auto ? "auto" : "manual",
                ])
        case .passed(let trial):
            let end = trial.options.makePermanent == .auto ? "" : "; it stays current until it is made permanent"
            events.post(
                "probation_passed", "release \(trial.release) passed its probation\(end)", level: .notice,
                fields: ["vsn": trial.release])
        case .failed(let trial, let failure):
            events.post(
                "probation_failed", "release \(trial.release) failed its probation: \(failure)", level: .critical,
                fields: ["vsn": trial.release, "fallback": trial.fallback, "reason": "\(failure)"])
        }
    }
}
