import Host
import Instructions
import ReleaseHandling
import Supervision
import Wire

/// The driver of the `Probation` machine: a release that was installed becomes permanent by itself or is taken back.
///
/// It owns the trial, its timer and its health command. What it decides about the node, it asks of others.
@HostActor
final class ProbationDriver {
    /// What a probation comes to that is not its own to do.
    enum Demand {
        case makePermanent(String)
        /// Install this release over the one that failed.
        case goBack(to: String)
        case restartNode(reason: String)
    }

    private let root: ReleaseRoot
    private let events: EventHub
    private let processes: Processes
    var onDemand: @HostActor (Demand) -> Void = { _ in }
    /// Called after each event.
    var onChange: @HostActor () -> Void = {}
    /// Who of the workers that run what was changed is not there.
    var absent: @HostActor (ChangedCode, @escaping @HostActor ([Probation.Absence]) -> Void) -> Void = { $1([]) }
    /// What a boot of the release that runs would start and could not.
    var bootProblems: @HostActor () async -> [String] = { [] }
    /// Grows with each question and what makes it void: an answer to an earlier one is none.
    private var question = 0
    private var machine = Probation()
    private var timer: ScheduledTimer?
    private var command: HealthCommand?
    /// In place of the length that `sys.config` says.
    var milliseconds: Int?

    init(root: ReleaseRoot, events: EventHub, processes: Processes) {
        self.root = root
        self.events = events
        self.processes = processes
    }

    var state: Probation.State { machine.state }

    func judge(_ event: Probation.Event) {
        for action in machine.handle(event, now: Reactor.nowMilliseconds()) { perform(action) }
        onChange()
    }

    // MARK: Over the daemon's own re-execution

    struct State: Codable {
        let machine: Probation
        let milliseconds: Int?
    }

    var machineState: State { State(machine: machine, milliseconds: milliseconds) }

    /// A health command that runs is begun anew by who goes on: it only looks.
    func rest() {
        command?.cancel()
        command = nil
        timer?.cancel()
        timer = nil
        question += 1
    }

    /// Goes on where the daemon before stood, or after a `rest`.
    func goOn(_ state: State) {
        machine = state.machine
        milliseconds = state.milliseconds
        for action in machine.goOn() { perform(action) }
    }

    private func perform(_ action: Probation.Action) {
        switch action {
        case .schedule(let milliseconds):
            timer?.cancel()
            let rest = milliseconds - Reactor.nowMilliseconds()
            timer = Reactor.shared.schedule(afterMilliseconds: rest) { [weak self] in
                self?.judge(.timerFired)
            }
        case .runHealthCheck(let check): runHealthCheck(check, of: machine.state.trial?.release ?? "")
        case .cancel:
            timer?.cancel()
            timer = nil
            command?.cancel()
            command = nil
            question += 1
        case .askWorkers(let changed): ask(changed)
        case .report(let report): tell(report)
        case .makePermanent(let vsn): onDemand(.makePermanent(vsn))
        case .goBack(let vsn): onDemand(.goBack(to: vsn))
        case .restartNode(let reason): onDemand(.restartNode(reason: reason))
        }
    }

    // MARK: What it is told

    /// A release that was installed runs from now on.
    func begin(_ install: Probation.Install) {
        var options = install.options
        if let milliseconds { options.milliseconds = milliseconds }
        judge(
            .installed(
                Probation.Install(
                    release: install.release, previous: install.previous, permanent: install.permanent,
                    changed: install.changed, options: options)))
    }

    /// What of a supervisor's report is held against a release.
    ///
    /// - Parameter spec: of a child at that place, where it is in the tree.
    func judge(_ report: SupervisorReport, spec: (ChildAddress) -> ChildSpec?) {
        switch report {
        case .childTerminated(let child, _, _), .startError(let child, _):
            guard let spec = spec(child), spec.type == .worker else { return }
            judge(.workerFailed(child, listed: spec.listedModules))
        // One that waits counts as what it will be: the wait may be longer than the probation.
        case .restart(let child, _, _), .restartDelayed(let child, _, _): judge(.workerRestarted(child))
        case .shutdown(let supervisor, _, _):
            judge(
                .supervisorGaveUp(
                    supervisor.description, application: supervisor.application, isTop: supervisor.parent == nil))
        case .progress, .requestedStartError, .shutdownError, .childEnded, .autoShutdown: return
        }
    }

    // MARK: What it does

    private func runHealthCheck(_ check: ProbationOptions.HealthCheck, of release: String) {
        let program = root.resolve(check.program)
        let command = HealthCommand(
            program: program, among: processes,
            onLine: { [events] line in events.post(.probation(.healthCheck(program: program, line: line))) })
        self.command = command
        command.start(
            arguments: check.arguments, root: root.path, vsn: release,
            timeoutMilliseconds: check.timeoutMilliseconds
        ) { [weak self] reason in
            self?.command = nil
            self?.judge(reason.map { .healthCheckFailed(reason: $0) } ?? .healthCheckPassed)
        }
    }

    private func ask(_ changed: ChangedCode) {
        question += 1
        let asked = question
        absent(changed) { [weak self] absent in
            guard let self, asked == question else { return }
            // Who is not there is enough.
            guard absent.isEmpty else { return judge(.workersAnswered(absent: absent)) }
            Task { @HostActor in
                let problems = await self.bootProblems()
                guard asked == self.question else { return }
                self.judge(.workersAnswered(absent: [], problems: problems))
            }
        }
    }

    private func tell(_ report: Probation.Report) {
        switch report {
        case .started(let trial):
            let milliseconds = max(trial.deadlineMilliseconds - Reactor.nowMilliseconds(), 0)
            events.post(
                .probation(
                    .started(
                        vsn: trial.release, fallback: trial.fallback, milliseconds: milliseconds,
                        trial.options.makePermanent)))
        case .passed(let trial):
            events.post(.probation(.passed(vsn: trial.release, trial.options.makePermanent)))
        case .failed(let trial, let failure):
            events.post(.probation(.failed(vsn: trial.release, fallback: trial.fallback, failure)))
        case .kept(let trial, let reason, let obstacle):
            events.post(.probation(.kept(vsn: trial.release, reason: reason, obstacle: obstacle)))
        }
    }
}
