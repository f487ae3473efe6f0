import DequeModule
import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms
import Wire

/// The driver of one `RelupMachine`: performs its actions on the node's places and feeds the outcomes back.
@HostActor
final class Upgrade {
    /// What it waits for on its own account, whatever the release says.
    struct Patience: Sendable {
        /// A disk that does not answer must not keep the upgrade from its end for longer.
        var traceMilliseconds = 5_000
        /// How long a resumed worker may take to say so.
        var resumeMilliseconds = 5_000
        /// How long a barrier program has for its last words.
        var lastWordsMilliseconds = 5_000
    }

    let from: LoadedRelease
    let to: LoadedRelease
    let entry: RelupEntry
    /// What is changed where the release stays.
    let application: ApplicationChange?
    /// Sentences that were known before it.
    let ownWarnings: [String]
    let site: UpgradeSite
    private var machine: RelupMachine
    var options: RelupMachine.Options { machine.options }
    var isPastPointOfNoReturn: Bool { machine.isPastPointOfNoReturn }
    private(set) var trace: MachineTrace
    /// Where the trace of a failed upgrade is; nil while there is none.
    private(set) var writtenTrace: WrittenTrace?
    private let progress: (InstallProgress) -> Void
    private let then: (Upgrade, RelupMachine.Outcome) -> Void

    private(set) var lastToldStep = 0
    /// What each instruction did, and the milliseconds that it took. It is put into words at the end: an address as text
    /// costs as much as a message, and is nothing to wait for.
    private var told: [(report: RelupMachine.InstructionReport, milliseconds: Double)] = []
    /// What was read and asked before it began; `survey` is asked on.
    let findings: InstallPreflight.Findings
    var survey: ModuleSurvey { findings.survey }
    /// The workers that any instruction touched.
    var touched: Set<ChildAddress> { Set(told.flatMap(\.report.touched)) }
    private let startedNanoseconds = Reactor.nowNanoseconds()
    /// When it began, monotonic.
    var beganMilliseconds: Int { site.membership.beganMilliseconds ?? startedNanoseconds / 1_000_000 }
    private var instructionNanoseconds = Reactor.nowNanoseconds()
    private var firstSuspendNanoseconds: Int?
    private(set) var suspendToResumeNanoseconds: Int?
    /// The applications that were loaded before it.
    let loadedBefore: Set<Atom>
    /// What was set in their environments before it.
    let environmentsBefore: [String: EnvironmentChanges]
    /// Workers of this upgrade that were terminated as hung and wait for `startAgain`.
    var terminated: Set<ChildAddress> = []
    var sleepTimer: ScheduledTimer?
    /// The specs that workers are handed over with.
    lazy var handedOffSpecs = HandedOffSpecs(entry.script, findings, to: to, site: site)
    /// Supervisors that were changed, as they were before, and what each change did.
    var supervisors: [ChangedSupervisor] = []
    /// So many of them stay changed where the rest of the script is undone.
    private(set) var committedSupervisors = 0
    private(set) var hasCommitted = false
    /// Whether it failed and the old code is current again.
    private(set) var isUndoing = false
    /// Whose state and connections it costs.
    var ledger: LossLedger
    /// The call of the script that is being made.
    private(set) var applying: MFA?
    /// The program that it runs.
    var program: ProgramRun?
    /// Those that wait, or have waited, for other nodes.
    var barriers: [BarrierProgram] = []
    /// Workers that have not answered their suspend yet, with what each came to since.
    var suspensions: [ChildAddress: Suspension] = [:]
    /// Those of `stoppedChildren` whose supervisor had forgotten them.
    var startedAnew: Set<ChildAddress> = []
    /// Children that the script has stopped, as they were.
    var stoppedChildren: [ChildAddress: StoppedRecord] = [:]
    private(set) var isOver = false
    /// Whether its outcome was told.
    private var hasEnded = false
    let patience: Patience
    /// Whether its release becomes permanent by itself, where whoever asked for it has said so.
    var makePermanent: InstallRequest.MakePermanent?
    /// What it came to, while its trace is being written.
    private var untold: RelupMachine.Outcome?
    /// Answers that came while actions were being performed.
    private var answers: Deque<RelupMachine.Event> = []
    private var isPerforming = false
    private var step = UpgradeStep(began: Reactor.nowMilliseconds(), limit: .standard)
    /// Which process stood at each place whose worker the script has ended.
    var ended: [ChildAddress: Generation] = [:]

    init(
        site: UpgradeSite, from: LoadedRelease, to: LoadedRelease, entry: RelupEntry,
        application: ApplicationChange? = nil, warnings: [String] = [], machine: RelupMachine,
        findings: InstallPreflight.Findings, patience: Patience,
        progress: @escaping @HostActor (InstallProgress) -> Void,
        then: @escaping @HostActor (Upgrade, RelupMachine.Outcome) -> Void
    ) {
        self.site = site
        self.from = from
        self.to = to
        self.entry = entry
        self.application = application
        ownWarnings = warnings
        self.machine = machine
        self.findings = findings
        trace = MachineTrace(of: machine, code: site.code.table)
        loadedBefore = site.applications.loaded
        environmentsBefore = site.applications.environmentChanges
        ledger = LossLedger(running: site.tree.runningStarts())
        self.patience = patience
        self.progress = progress
        self.then = then
    }

    /// What it leads from and to, for people: the releases' vsns, or the application's versions.
    var source: String { application?.source ?? from.vsn }
    var target: String { application?.target ?? to.vsn }

    var tree: TreeDriver { site.tree }
    var applications: ApplicationDriver { site.applications }
    var code: CodeServer { site.code }
    var events: EventHub { site.events }

    var totalMilliseconds: Double { Double(Reactor.nowNanoseconds() - startedNanoseconds) / 1e6 }

    /// Whether the present step takes longer than any that is on its way may.
    var isWedged: Bool { step.isOverdue(now: Reactor.nowMilliseconds()) }

    var stepLimit: UpgradeStep.Limit { step.limit }

    /// A part of the present step is done.
    func progressed() { step.progressed(now: Reactor.nowMilliseconds()) }

    func start() {
        tellStep(0)
        trace = MachineTrace(of: machine, code: code.table)
        code.onLoad = { [weak self] version, isFirst in
            self?.trace.note(.loaded(version))
            if isFirst { self?.machine.noteFirstUse(of: version) }
        }
        tree.onWorkerEnd = { [weak self] place, start, reason, asked in
            self?.noteEnd(of: place, start, reason, asked: asked)
        }
        perform(machine.start(code: code.table))
        performAnswers()
    }

    /// The node stops: what comes back from now on changes nothing any more.
    func overtakenByStop() {
        guard !hasEnded else { return }
        cancelBarriers()
        // One whose trace is being written is not told yet; it is what it came to.
        if let untold { return end(untold) }
        isOver = true
        program?.cancel()
        Reactor.shared.gathersAnswers(false)
        holdBack(false)
        code.onLoad = nil
        tree.onWorkerEnd = nil
        tree.forgetHeldModules()
        let failure = RelupMachine.Failure(
            index: nil, instruction: nil, error: .unexpectedEvent("the node was stopped during the upgrade"))
        end(.restartNode(failure))
    }

    func answer(_ event: RelupMachine.Event) {
        guard !isOver else { return }
        progressed()
        applying = nil
        answers.append(event)
        performAnswers()
    }

    /// One after the other, however many are given at once: a script may be as long as it likes, the stack not.
    private func performAnswers() {
        guard !isPerforming else { return }
        while !answers.isEmpty, !isOver {
            let event = answers.removeFirst()
            trace.note(.event(event))
            perform(machine.handle(event, code: code.table))
        }
    }

    private func perform(_ actions: [RelupMachine.Action]) {
        isPerforming = true
        trace.note(actions)
        for action in actions where !isOver { perform(action) }
        isPerforming = false
    }

    /// What is told of handoffs, and the ends of old processes, wait until the last of a commit has been resumed.
    private func holdBack(_ isHeld: Bool) {
        if isHeld {
            events.hold()
            tree.launcher.departures.hold()
        } else {
            events.letGo()
            tree.launcher.departures.release()
        }
    }

    private func perform(_ action: RelupMachine.Action) {
        if case .resume = action { holdBack(true) } else { holdBack(false) }
        step = UpgradeStep(began: Reactor.nowMilliseconds(), limit: limit(of: action))
        switch action {
        case .findWorkers(let modules):
            tree.workers(listing: modules, survey: survey) { [weak self] in self?.answer(.workersFound($0)) }
        case .readObjectCode(let library, let modules): readObjectCode(library, modules)
        case .startStandbys(let orders): startStandbys(orders)
        case .changeCode(let change):
            code.apply(change)
            if case .restore = change {
                isUndoing = true
                site.running.switches(toNew: hasCommitted)
            } else {
                site.running.switches(toNew: true)
            }
            answer(.codeChanged)
        case .updateModules(let modules): updateModules(modules)
        case .changeModules(let changes, let milliseconds): changeModules(changes, milliseconds)
        case .restoreModules(let targets): restoreModules(targets)
        case .copyAhead(let orders, let milliseconds): copyAhead(orders, milliseconds)
        case .holdStarts(let modules):
            tree.hold(modules)
            answer(.startsHeld)
        case .suspend(let orders, let isFirst, let grace):
            if isFirst { firstSuspendNanoseconds = Reactor.nowNanoseconds() }
            Reactor.shared.gathersAnswers(true)
            suspend(orders, grace: grace)
        case .awaitSuspended(let orders): awaitSuspended(orders)
        case .terminateHung(let workers): terminateHung(workers)
        case .handOff(let handoffs, let milliseconds): handOff(handoffs, milliseconds)
        case .changeSupervisors(let workers): changeSupervisors(workers)
        case .restoreSupervisors: restoreSupervisors(from: committedSupervisors)
        case .resume(let workers, let isLast): resume(workers, isLast: isLast)
        case .resumeOld(let workers, let leavingHung): resumeOld(workers, leavingHung: leavingHung)
        case .startAgain(let workers): startAgain(workers)
        case .releaseStarts(let modules):
            tree.release(modules)
            answer(.startsReleased)
        case .endWorkers(let workers, let reason): endWorkers(workers, reason)
        case .awaitRestarts(let workers): awaitRestarts(workers)
        case .stopChildren(let modules): stopChildren(modules)
        case .startChildren(let workers): startChildren(workers)
        case .restoreChildren(let children): restoreChildren(children)
        case .committed:
            hasCommitted = true
            committedSupervisors = supervisors.count
        case .syncNodes(let id, let nodes): syncNodes(id, nodes)
        case .apply(let function):
            applying = function
            apply(function)
        case .endStandbys:
            tree.endStandbys()
            answer(.standbysEnded)
        case .report(let report): tell(report)
        case .finished(let outcome): finish(outcome)
        }
    }

    /// One that failed is told once it is known where its trace is.
    private func finish(_ outcome: RelupMachine.Outcome) {
        isOver = true
        Reactor.shared.gathersAnswers(false)
        code.onLoad = nil
        tree.onWorkerEnd = nil
        untold = outcome
        endBarriers { [self] warnings in finish(outcome.warning(of: warnings), isTraced: Self.isTraced(outcome)) }
    }

    private func finish(_ outcome: RelupMachine.Outcome, isTraced: Bool) {
        guard isTraced else { return end(outcome) }
        untold = outcome
        writeTrace { [self] written in
            writtenTrace = written
            end(outcome)
        }
    }

    private func end(_ outcome: RelupMachine.Outcome) {
        guard !hasEnded else { return }
        hasEnded = true
        for (report, _) in told { ledger.concerns(report.touched) }
        then(self, outcome)
    }

    // MARK: Progress

    private func tell(_ report: RelupMachine.InstructionReport) {
        let now = Reactor.nowNanoseconds()
        told.append((report, milliseconds: Double(now - instructionNanoseconds) / 1e6))
        instructionNanoseconds = now
        tellStep(report.index + 1)
    }

    var reports: [InstallResult.Instruction] {
        told.map { report, milliseconds in
            InstallResult.Instruction(
                index: report.index, text: report.instruction.term.description,
                workers: report.touched.map(\.description), milliseconds: milliseconds,
                note: report.notes.isEmpty ? nil : report.notes.joined(separator: "; "))
        }
    }

    private func tellStep(_ index: Int) {
        // A resume that was carried out later is told later, too.
        guard entry.script.indices.contains(index), index >= lastToldStep else { return }
        lastToldStep = index
        progress(
            .progress(.init(index: index, count: entry.script.count, text: entry.script[index].term.description)))
    }

    func place(_ worker: ChildAddress) -> Place? { tree.places[worker] }

    /// Asks all at once, gathers what each answered, then goes on.
    func each<Order: Sendable, Result: Sendable>(
        _ orders: [Order], _ ask: (Order, @escaping @HostActor (Result) -> Void) -> Void,
        then: @escaping @HostActor ([(Order, Result)]) -> Void
    ) {
        let gather = Gather<Result>(count: orders.count) { results in then(Array(zip(orders, results))) }
        for (index, order) in orders.enumerated() { put(order, index, gather, ask) }
    }

    private func put<Order: Sendable, Result: Sendable>(
        _ order: Order, _ index: Int, _ gather: Gather<Result>,
        _ ask: (Order, @escaping @HostActor (Result) -> Void) -> Void
    ) {
        ask(order) { [weak self] in
            self?.progressed()
            gather.set(index, $0)
        }
    }

    /// As `each`, some in a turn, so that the answers of the first are taken while others are asked: who is asked is woken, and
    /// where there are few processors, its answer is there before all are asked.
    func eachInTurns<Order: Sendable, Result: Sendable>(
        _ orders: [Order], _ body: @escaping @HostActor (Order, @escaping @HostActor (Result) -> Void) -> Void,
        then: @escaping @HostActor ([(Order, Result)]) -> Void
    ) {
        let gather = Gather<Result>(count: orders.count) { results in then(Array(zip(orders, results))) }
        inTurns(Array(orders.enumerated())[...]) { [weak self] in self?.put($0.element, $0.offset, gather, body) }
    }

    /// `then` comes with the last turn; neither, where the upgrade is over before.
    func inTurns<Order: Sendable>(
        _ orders: ArraySlice<Order>, _ ask: @escaping @HostActor (Order) -> Void,
        then: @escaping @HostActor () -> Void = {}
    ) {
        for order in orders.prefix(Self.askedInATurn) { ask(order) }
        let rest = orders.dropFirst(Self.askedInATurn)
        guard !rest.isEmpty else { return then() }
        Reactor.shared.schedule(afterMilliseconds: 0) { [weak self] in
            guard let self, !isOver else { return }
            inTurns(rest, ask, then: then)
        }
    }

    static let askedInATurn = 16

    func noteResumed(isLast: Bool) {
        guard isLast, let first = firstSuspendNanoseconds else { return }
        suspendToResumeNanoseconds = Reactor.nowNanoseconds() - first
        Reactor.shared.gathersAnswers(false)
        holdBack(false)
    }
}
