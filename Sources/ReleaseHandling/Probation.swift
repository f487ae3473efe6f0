public import Terms
public import Wire

/// Whether a release that was installed proves itself: it becomes permanent, or it is taken back.
///
/// ```
///                   time over        all answered, health command          passed
/// installed ─> onProbation ─────> asking ──────────────────────────> proving ─────────> none (made permanent, unless manual)
///                │  ▲  │            │ │ all answered, no health command ───────────────>
///  upgrade began │  │  │            │ one is silent                   │
///                ▼  │  └─ failed ─┐ └───────┐               failed ───┤
///           interrupted           ▼         ▼                         ▼
///           (upgrade failed: goes on)  goingBack: by an install of the previous release
///                                         │ can't be ─> the node restarts into the permanent release, or,
///                                         │             where that could not boot, none: the release is kept
///                                         └ installed ─> none where that one is permanent, else onProbation
/// ```
///
/// A failure is: more restarts than allowed of workers whose modules the install changed, each caused by the worker's
/// own end or by a start that failed, also where the restart itself is to come (`restart_delay`); a supervisor of a changed application
/// that gives up; a worker of changed modules that does not answer when the time is over, which is the proof that it does not hang, or
/// whose restart waits then; a child that a boot of the release would start, that nothing has started yet, and that could not be; a health
/// command that fails.
/// The health command runs twice: when the release was installed, which finds a broken one early, and when the time is
/// over, which is the proof.
///
/// What happens while another release is being installed is that install's doing and not counted.
///
/// The driver's obligations:
/// 1. perform the actions of one `handle` in their order, and answer each `runHealthCheck` and each `askWorkers` once, later;
/// 2. after `cancel`, tell neither `timerFired` nor how a health command ended, nor who answered;
/// 3. answer `goBack` by `installed` or `upgradeFailed`.
///
/// Source: docs/design.md, "Permanent on success"; OTP leaves all this to who installs, release_handler(3).
public struct Probation: Hashable, Sendable, Codable {
    /// An install that ended well.
    public struct Install: Hashable, Sendable {
        public let release: String
        /// What ran before.
        public let previous: String
        /// What boots.
        public let permanent: String
        public let changed: ChangedCode
        public let options: ProbationOptions

        public init(
            release: String, previous: String, permanent: String, changed: ChangedCode, options: ProbationOptions
        ) {
            self.release = release
            self.previous = previous
            self.permanent = permanent
            self.changed = changed
            self.options = options
        }
    }

    /// A release under observation.
    public struct Trial: Hashable, Sendable, Codable {
        public let release: String
        /// What it is taken back to.
        public let fallback: String
        public let changed: ChangedCode
        public let options: ProbationOptions
        /// Monotonic milliseconds.
        public let deadlineMilliseconds: Int
        /// Restarts that count, of all workers together.
        public internal(set) var restarts = 0
        /// Workers that ended badly or failed to start and were not started again yet. A restart of one that is not
        /// among them is its supervisor's strategy's doing.
        var failed: Set<ChildAddress> = []
        /// Whether the first health command still runs.
        var isChecking: Bool
    }

    public enum State: Hashable, Sendable, Codable {
        case none
        case onProbation(Trial)
        /// The time is over; the workers are asked whether they are there.
        case asking(Trial)
        /// The time is over and the workers have answered; the health command decides.
        case proving(Trial)
        /// Another upgrade is under way.
        case interrupted(Trial)
        case goingBack(Trial)

        /// The release under observation.
        public var trial: Trial? {
            switch self {
            case .none: nil
            case .onProbation(let trial), .asking(let trial), .proving(let trial), .interrupted(let trial),
                .goingBack(let trial):
                trial
            }
        }
    }

    public enum Event: Hashable, Sendable {
        /// An install ended `done`; the release runs.
        case installed(Install)
        case upgradeBegan
        /// Refused, aborted, or it could not even begin: the release that ran runs on.
        ///
        /// `obstacle`: why the permanent release could not boot, a clause that names it; nil where nothing is known against it. Needed of a way back.
        case upgradeFailed(reason: String, obstacle: String? = nil)
        /// A worker ended so that it is started again, or a start of it failed. `listed`: its child spec's modules.
        case workerFailed(ChildAddress, listed: [Atom])
        /// Told once its start was made, whatever came of it, or has to wait; the second time of one restart does not count.
        case workerRestarted(ChildAddress)
        /// `isTop`: its application ends with it.
        case supervisorGaveUp(String, application: Atom, isTop: Bool)
        case healthCheckPassed
        case healthCheckFailed(reason: String)
        /// All of them, but for these. `problems`: what a boot of the release would start and could not.
        case workersAnswered(absent: [Absence], problems: [String] = [])
        case timerFired
        /// By whomever.
        case madePermanent(String)
        case nodeStopping
    }

    public enum Action: Hashable, Sendable {
        /// Answer with `timerFired` then; in place of an earlier one.
        case schedule(atMilliseconds: Int)
        case runHealthCheck(ProbationOptions.HealthCheck)
        /// Whether each worker that runs what was changed, or would, answers, and what only a boot starts could be started.
        case askWorkers(ChangedCode)
        /// Drop the timer, end the health command.
        case cancel
        case report(Report)
        case makePermanent(String)
        /// Install this release.
        case goBack(to: String)
        /// Restart the node into the permanent release.
        case restartNode(reason: String)
    }

    public enum Report: Hashable, Sendable {
        case started(Trial)
        case passed(Trial)
        case failed(Trial, Failure)
        /// It failed and stays current all the same: neither a script nor a restart leads to anything that runs.
        case kept(Trial, reason: String, obstacle: String)
    }

    public private(set) var state = State.none

    public init() {}

    /// `now`: monotonic milliseconds.
    public mutating func handle(_ event: Event, now: Int) -> [Action] {
        switch event {
        case .installed(let install): return installed(install, now)
        case .upgradeBegan: return interrupt()
        case .upgradeFailed(let reason, let obstacle): return upgradeFailed(reason, obstacle)
        case .workerFailed(let worker, let listed):
            note(worker, listed)
            return []
        case .workerRestarted(let worker): return count(worker)
        case .supervisorGaveUp(let supervisor, let application, let isTop):
            return supervisorGaveUp(supervisor, application, isTop: isTop)
        case .healthCheckPassed: return healthCheckPassed()
        case .healthCheckFailed(let reason): return healthCheckFailed(reason)
        case .workersAnswered(let absent, let problems): return workersAnswered(absent, problems)
        case .timerFired: return timeIsOver()
        case .madePermanent(let vsn): return madePermanent(vsn)
        case .nodeStopping: return end()
        }
    }

    /// What its driver has at work in this state, for a driver that has nothing at work yet.
    public func goOn() -> [Action] {
        switch state {
        case .none, .interrupted, .goingBack: return []
        case .onProbation(let trial):
            let check: [Action] = trial.isChecking ? trial.options.healthCheck.map { [.runHealthCheck($0)] } ?? [] : []
            return [.schedule(atMilliseconds: trial.deadlineMilliseconds)] + check
        case .asking(let trial):
            let check: [Action] = trial.isChecking ? trial.options.healthCheck.map { [.runHealthCheck($0)] } ?? [] : []
            return [.askWorkers(trial.changed)] + check
        case .proving(let trial): return trial.options.healthCheck.map { [.runHealthCheck($0)] } ?? []
        }
    }

    // MARK: Beginning and end

    private mutating func installed(_ install: Install, _ now: Int) -> [Action] {
        guard install.release != install.permanent else { return end() }
        var fallback = install.previous
        // Each step back comes nearer to the permanent release: two bad ones must not take turns.
        if case .goingBack = state { fallback = install.permanent }
        let check = install.options.healthCheck
        let trial = Trial(
            release: install.release, fallback: fallback, changed: install.changed, options: install.options,
            deadlineMilliseconds: now + install.options.milliseconds, isChecking: check != nil)
        let cancel = end()
        state = .onProbation(trial)
        let begin: [Action] = [.report(.started(trial)), .schedule(atMilliseconds: trial.deadlineMilliseconds)]
        return cancel + begin + (check.map { [.runHealthCheck($0)] } ?? [])
    }

    private mutating func end() -> [Action] {
        switch state {
        case .none: return []
        case .onProbation, .asking, .proving, .interrupted, .goingBack:
            state = .none
            return [.cancel]
        }
    }

    private mutating func madePermanent(_ vsn: String) -> [Action] {
        state.trial?.release == vsn ? end() : []
    }

    private mutating func pass(_ trial: Trial) -> [Action] {
        state = .none
        switch trial.options.makePermanent {
        case .auto: return [.report(.passed(trial)), .makePermanent(trial.release)]
        case .manual: return [.report(.passed(trial))]
        }
    }

    // MARK: Time and health

    private mutating func timeIsOver() -> [Action] {
        switch state {
        case .onProbation(let trial):
            state = .asking(trial)
            return [.askWorkers(trial.changed)]
        case .none, .asking, .proving, .interrupted, .goingBack: return []
        }
    }

    private mutating func workersAnswered(_ absent: [Absence], _ problems: [String]) -> [Action] {
        switch state {
        case .asking(let trial):
            guard absent.isEmpty else { return goBack(trial, .absent(absent)) }
            guard problems.isEmpty else { return goBack(trial, .wouldNotBoot(problems)) }
            guard let check = trial.options.healthCheck else { return pass(trial) }
            state = .proving(trial)
            // One that is still at it ends after the time is over, which is what was asked.
            return trial.isChecking ? [] : [.runHealthCheck(check)]
        case .none, .onProbation, .proving, .interrupted, .goingBack: return []
        }
    }

    private mutating func healthCheckPassed() -> [Action] {
        switch state {
        case .onProbation(var trial):
            trial.isChecking = false
            state = .onProbation(trial)
            return []
        case .asking(var trial):
            trial.isChecking = false
            state = .asking(trial)
            return []
        case .proving(let trial): return pass(trial)
        case .none, .interrupted, .goingBack: return []
        }
    }

    private mutating func healthCheckFailed(_ reason: String) -> [Action] {
        switch state {
        case .onProbation(let trial), .asking(let trial), .proving(let trial):
            return goBack(trial, .healthCheck(reason))
        case .none, .interrupted, .goingBack: return []
        }
    }

    // MARK: Workers and supervisors

    private mutating func note(_ worker: ChildAddress, _ listed: [Atom]) {
        switch state {
        case .onProbation(var trial) where trial.changed.concerns(worker, listing: listed):
            trial.failed.insert(worker)
            state = .onProbation(trial)
        case .asking(var trial) where trial.changed.concerns(worker, listing: listed):
            trial.failed.insert(worker)
            state = .asking(trial)
        case .proving(var trial) where trial.changed.concerns(worker, listing: listed):
            trial.failed.insert(worker)
            state = .proving(trial)
        case .none, .onProbation, .asking, .proving, .interrupted, .goingBack: return
        }
    }

    private mutating func count(_ worker: ChildAddress) -> [Action] {
        switch state {
        case .onProbation(var trial):
            guard let failure = trial.count(worker) else {
                state = .onProbation(trial)
                return []
            }
            return goBack(trial, failure)
        case .asking(var trial):
            guard let failure = trial.count(worker) else {
                state = .asking(trial)
                return []
            }
            return goBack(trial, failure)
        case .proving(var trial):
            guard let failure = trial.count(worker) else {
                state = .proving(trial)
                return []
            }
            return goBack(trial, failure)
        case .none, .interrupted, .goingBack: return []
        }
    }

    private mutating func supervisorGaveUp(_ supervisor: String, _ application: Atom, isTop: Bool) -> [Action] {
        switch state {
        case .onProbation(let trial), .asking(let trial), .proving(let trial):
            guard trial.changed.applications.contains(application) else { return [] }
            let failure = Failure.supervisorGaveUp(supervisor)
            guard isTop else { return goBack(trial, failure) }
            // Its application ends: no script brings that back.
            state = .none
            return [.cancel, .report(.failed(trial, failure)), .restartNode(reason: trial.sentence(failure))]
        case .none, .interrupted, .goingBack: return []
        }
    }

    private mutating func goBack(_ trial: Trial, _ failure: Failure) -> [Action] {
        state = .goingBack(trial)
        return [.cancel, .report(.failed(trial, failure)), .goBack(to: trial.fallback)]
    }

    // MARK: Other upgrades

    private mutating func interrupt() -> [Action] {
        switch state {
        case .onProbation(var trial), .asking(var trial), .proving(var trial):
            trial.isChecking = false
            state = .interrupted(trial)
            return [.cancel]
        case .none, .interrupted, .goingBack: return []
        }
    }

    private mutating func upgradeFailed(_ reason: String, _ obstacle: String?) -> [Action] {
        switch state {
        case .interrupted(let trial):
            state = .onProbation(trial)
            return [.schedule(atMilliseconds: trial.deadlineMilliseconds)]
        case .goingBack(let trial):
            state = .none
            if let obstacle { return [.report(.kept(trial, reason: reason, obstacle: obstacle))] }
            let sentence =
                "release \(trial.release) failed its probation and can't be taken back by a script: \(reason)"
            return [.restartNode(reason: sentence)]
        case .none, .onProbation, .asking, .proving: return []
        }
    }
}

extension Probation.Trial {
    /// Counts a restart that the worker itself caused; the failure where that was one too many.
    fileprivate mutating func count(_ worker: ChildAddress) -> Probation.Failure? {
        guard failed.remove(worker) != nil else { return nil }
        restarts += 1
        guard restarts > options.restarts else { return nil }
        return .restarts(count: restarts, allowed: options.restarts, last: worker)
    }

    fileprivate func sentence(_ failure: Probation.Failure) -> String {
        "release \(release) failed its probation: \(failure)"
    }
}
