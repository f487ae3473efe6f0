import Host
import ReleaseHandling
import Supervision
import Terms
import Wire

/// A worker's place in the tree: what stays while the OS processes behind it come and go.
///
/// The place owns the mailbox and the calls that await a reply, which is why a call survives a handoff: the old
/// generation took it, the new one may answer it. What becomes of its processes is decided by `PlaceMachine`; this is
/// its driver: it feeds what happens and performs what is answered.
@HostActor
final class Place {
    let address: ChildAddress
    private(set) var spec: ChildSpec
    /// What a standby is started by.
    var standbySpec: ChildSpec
    /// Functional modules of an upgrade, which a standby begins with though they are not current yet.
    var standbyLibraries: [Atom: LoadedCode] = [:]
    private(set) var machine = PlaceMachine()
    /// Those that the machine speaks of, and old ones that are on their way out: two or three.
    private(set) var processes: [Generation] = []
    private var timer: ScheduledTimer?
    /// Where the spec has one, or had.
    var watchdog: PlaceWatchdog?
    /// Processes that could not be made yet.
    var launches: [PlaceMachine.Generation: WaitingLaunch] = [:]
    /// Who waits for a step, until it is answered.
    private var steps: [(step: PlaceMachine.Step, then: (StepResult) -> Void)] = []
    private var lastStep = 0
    /// What came with the packet in hand.
    private var descriptorsInHand: [OwnedDescriptor] = []
    var mailbox = Mailbox()
    /// All processes of the place write there.
    let outputs: OutputPipes
    var outputBudget = OutputBudget()
    var statistics = PlaceStatistics()
    /// The process that ended last, for what is told of its end.
    private(set) var lastEnded: EndedProcess?
    var calls: [Int: PendingCall] = [:]
    let launcher: Launcher
    unowned let observer: any PlaceObserver

    struct PendingCall {
        let milliseconds: Int
        var timer: ScheduledTimer
        var reply: (Result<Term, CallFailure>) -> Void
    }

    init(
        address: ChildAddress, spec: ChildSpec, outputs: OutputPipes = OutputPipes(), launcher: Launcher,
        observer: any PlaceObserver
    ) {
        self.address = address
        self.spec = spec
        standbySpec = spec
        self.outputs = outputs
        self.launcher = launcher
        self.observer = observer
    }

    /// Goes on where the daemon before stood.
    convenience init(
        _ state: State, spec: ChildSpec, launcher: Launcher, observer: any PlaceObserver
    ) throws(SystemError) {
        self.init(
            address: state.address, spec: state.spec ?? spec, outputs: OutputPipes(state.outputs), launcher: launcher,
            observer: observer)
        machine = PlaceMachine(state.machine)
        outputBudget = state.outputBudget ?? OutputBudget()
        statistics = state.statistics
        processes = try state.processes.map { (process) throws(SystemError) in try launcher.goOn(self, process) }
        try outputs.goOn(state.outputs)
        if let deadline = machine.deadlineMilliseconds { schedule(at: deadline) }
        for process in state.processes { awaitInit(of: process) }
        goOn(with: state.calls)
        // Who was asked by the daemon before is asked anew, and has all its time.
        watch()
    }

    /// Nil where something is under way that can't be handed on.
    func state(specInTree: ChildSpec?) -> State? {
        guard let settled = machine.settled, steps.isEmpty, launches.isEmpty, mailbox.count == 0 else { return nil }
        let states = processes.compactMap { $0.state(spec: spec) }
        guard states.count == processes.count, processes.allSatisfy({ $0 == current }) else { return nil }
        return State(
            address: address, spec: spec == specInTree ? nil : spec, machine: settled, outputs: outputs.state,
            outputBudget: outputBudget == OutputBudget() ? nil : outputBudget, statistics: statistics,
            calls: callStates, processes: states)
    }

    private func awaitInit(of process: Generation.State) {
        guard let ref = process.initReference, let deadline = process.initDeadlineMilliseconds,
            let generation = self.process(process.number)
        else { return }
        let left = max(0, deadline - Reactor.nowMilliseconds())
        generation.expect(ref, within: left) { [weak self] in self?.feed(.initAnswered(process.number, $0)) }
    }

    // MARK: Asking

    /// The process that serves the place now.
    var current: Generation? { machine.look.current.flatMap { process($0) } }
    var startID: StartID? { machine.look.startID }
    var phase: PlaceMachine.Phase { machine.look.phase }
    var isStarting: Bool { machine.look.phase == .starting }
    var isRunning: Bool { machine.look.phase == .running }
    /// The process of a worker that runs and takes requests.
    var running: Generation? { isRunning ? current : nil }
    var speaksProtocol: Bool { !spec.isUnmodifiedProgram }

    /// The process that serves the place, and its standby.
    var standing: [Generation] { [current, standbyProcess].compactMap(\.self) }

    func process(_ number: PlaceMachine.Generation) -> Generation? { processes.first { $0.number == number } }

    // MARK: Telling

    /// Starts the worker; the outcome is told as a notice once it is known.
    func start(_ id: StartID, spec: ChildSpec) {
        self.spec = spec
        statistics = PlaceStatistics(startedAtMilliseconds: WallClock.milliseconds())
        let kind: PlaceMachine.Kind = speaksProtocol ? .worker : spec.notify ? .notifyingProgram : .program
        feed(.start(id, kind, timeoutMilliseconds: spec.startTimeoutMilliseconds))
    }

    /// Another spec for what runs, from its supervisor's code_change: counts for what is started from now on. What kind
    /// of program it is stays with the process.
    func adopt(_ spec: ChildSpec) {
        guard spec.isUnmodifiedProgram == self.spec.isUnmodifiedProgram else { return }
        self.spec = spec
        watch()
    }

    /// Ends the worker as its spec's shutdown says; the end is told as a notice.
    func stop(_ shutdown: Shutdown) { feed(.stop(shutdown, spec.killSignal)) }

    /// Ends whatever process of the worker stands, as if it had crashed.
    func end(reason: Term) { feed(.end(reason: reason)) }

    /// Nobody will start the worker here again: a standby for it has nothing to wait for.
    func noneAwaited() { feed(.noneAwaited) }

    /// A step that is answered once.
    func step(_ then: @escaping @HostActor (StepResult) -> Void) -> PlaceMachine.Step {
        lastStep += 1
        steps.append((lastStep, then))
        return lastStep
    }

    func feed(_ event: PlaceMachine.Event) {
        for action in machine.handle(event, now: Reactor.nowMilliseconds()) { perform(action) }
        watch()
    }

    // MARK: What the process tells

    func heard(_ generation: Generation, _ notice: Generation.Notice) {
        switch notice {
        case .reply(let ref, let result):
            statistics.messagesOut += 1
            settle(ref, result)
        case .log(let level, let text, let metadata): observer.workerLog(self, generation, level, text, metadata)
        case .output(let stream, let line): observer.workerOutput(self, generation, stream, line)
        case .notLoaded(let modules): observer.modulesNotLoaded(self, generation, modules)
        case .modulesKnown: observer.modulesKnown(self, generation)
        case .loaded(let version): observer.loadedModule(self, generation, version)
        case .wantModule(let module): observer.wantedModule(self, generation, module)
        case .packet(let packet, let descriptors): received(packet, descriptors, from: generation)
        case .notification(let notification): notified(generation, notification)
        case .strangeNotification(let pid): observer.strangeNotification(self, generation, pid)
        case .leftBehind(let left, let exit): observer.leftBehind(self, generation, left, exit)
        case .ended(let reason):
            let age = Reactor.nowMilliseconds() - generation.startedAtMilliseconds
            lastEnded = EndedProcess(
                pid: generation.pid, generation: generation.number, ageMilliseconds: age)
            feed(.ended(generation.number, reason: reason))
            forgetEnded()
        }
    }

    /// One that ended in the middle of its handoff is spoken of until that is over.
    private func forgetEnded() {
        processes.removeAll { !$0.isAlive && machine.look.current != $0.number }
    }

    private func received(_ packet: TransferPacket, _ descriptors: [OwnedDescriptor], from generation: Generation) {
        if case .latch(let ref) = packet {
            // Another one is of an image that nobody waits for any more.
            guard generation.number == machine.look.current, machine.awaitsImage(ref: ref) else { return }
            return feed(.packet(generation.number, packet, Self.takeLatch(descriptors, of: generation)))
        }
        descriptorsInHand = descriptors
        feed(.packet(generation.number, packet, Self.memory(packet, descriptors)))
        descriptorsInHand = []
    }

    private static func takeLatch(
        _ descriptors: [OwnedDescriptor], of generation: Generation
    ) -> StateTransfer.Memory {
        guard let descriptor = descriptors.first else { return .unsound("a latch came without its descriptor") }
        do {
            generation.latch = try Latch(descriptor)
            return .sound
        } catch {
            return .unsound(error.description)
        }
    }

    /// The daemon never looks into a state: it stays in the memfd, whose seals and size are checked.
    private static func memory(_ packet: TransferPacket, _ descriptors: [OwnedDescriptor]) -> StateTransfer.Memory {
        guard descriptors.count == packet.descriptorCount else {
            return .unsound("\(descriptors.count) descriptors came with a packet of \(packet.descriptorCount)")
        }
        guard case .state(_, let size) = packet else { return .sound }
        do {
            try StateDescriptor.check(descriptors[0], size: size)
            return .sound
        } catch {
            return .unsound(error.description)
        }
    }

    private func notified(_ generation: Generation, _ notification: ProgramNotification) {
        if let pid = notification.mainPid, pid != generation.pid {
            observer.foreignMainPid(self, generation, pid)
        }
        if let milliseconds = notification.extendTimeoutMilliseconds {
            feed(.extendLimit(generation.number, byMilliseconds: milliseconds))
        }
        if notification.isReady { feed(.ready(generation.number)) }
        guard generation.number == running?.number else { return }
        switch notification.watchdog {
        case .alive?: watchdog?.feed(.alive)
        case .trigger?: watchdog?.feed(.triggered)
        case nil: break
        }
    }

    // MARK: Performing

    private func perform(_ action: PlaceMachine.Action) {
        switch action {
        case .launch(let number):
            launch(number, .start) { (launcher) throws(StartFailure) in
                try launcher.launch(self, number)
            }
        case .launchStandby(let number, let version):
            launch(number, .standby) { (launcher) throws(StartFailure) in
                try launcher.launchStandby(self, number, version)
            }
        case .suspend(let number, let milliseconds, let export): suspend(number, within: milliseconds, export)
        case .export(let number, let request):
            ask(number, ref: request.ref, { _ in request.message }) { .exportAnswered(number, ref: request.ref, $0) }
        case .endSnapshot(let number):
            process(number)?.latch = nil
            process(number)?.ask(within: nil, isRepeatable: true) {
                .endSnapshot(ref: $0)
            } then: { _ in
            }
        case .relay(let number, let packet): process(number)?.send(packet, descriptorsInHand)
        case .importState(let number, let ref, let part, let content):
            ask(number, ref: ref, { part.importing(ref: $0, content) }) { .importAnswered(number, ref: ref, $0) }
        case .resume(let number, let milliseconds):
            // Before it runs: what is there was written by who was the worker up to now.
            guard let process = process(number) else { return feed(.resumeAnswered(number, .died(.atom("noproc")))) }
            process.latch = nil
            process.speaks()
            ask(process, within: milliseconds, { .resume(ref: $0) }) { .resumeAnswered(number, $0) }
        case .terminate(let number): process(number)?.terminate(.shutdown)
        case .signal(let number, let signal): process(number)?.terminate(signal: signal.number)
        case .letGo(let number): if let process = process(number) { launcher.departures.letGo(process) }
        case .kill(let number, let reason):
            // One that waits to be made is gone with that.
            if launches.removeValue(forKey: number)?.cancel() != nil { return feed(.ended(number, reason: reason)) }
            process(number)?.kill(reason: reason)
        case .schedule(let time): schedule(at: time)
        case .cancelTimer:
            timer?.cancel()
            timer = nil
        case .deliverMailbox(let number): if let process = process(number) { deliverMailbox(to: process) }
        case .failCalls(let reason): failCalls(reason)
        case .handedOver(let from, let to): handedOver(from: from, to: to)
        case .tell(let notice): observer.placeNotice(self, notice)
        case .answer(let step, let result):
            guard let index = steps.firstIndex(where: { $0.step == step }) else { return }
            steps.remove(at: index).then(result)
        }
    }

    private func schedule(at time: Int) {
        timer?.cancel()
        timer = Reactor.shared.schedule(atMilliseconds: time) { [weak self] in self?.feed(.timerFired) }
    }

    func joined(_ process: Generation) { processes.append(process) }

    func spec(for mode: WorkerStartMode) -> ChildSpec { mode == .standby ? standbySpec : spec }

    private func ask(
        _ number: PlaceMachine.Generation, ref: Int? = nil, within milliseconds: Int? = nil,
        _ request: (Int) -> WorkerRequest, then event: @escaping (Answer) -> PlaceMachine.Event
    ) {
        guard let process = process(number) else { return feed(event(.died(.atom("noproc")))) }
        ask(process, ref: ref, within: milliseconds, request, then: event)
    }

    private func ask(
        _ process: Generation, ref: Int? = nil, within milliseconds: Int? = nil,
        _ request: (Int) -> WorkerRequest, then event: @escaping (Answer) -> PlaceMachine.Event
    ) {
        process.ask(ref: ref ?? launcher.references.next(), within: milliseconds, request) { [weak self] in
            self?.feed(event($0))
        }
    }

    /// Both requests in one write: the worker reads them at once.
    private func suspend(
        _ number: PlaceMachine.Generation, within milliseconds: Int?, _ export: PlaceMachine.ExportRequest?
    ) {
        guard let process = process(number) else {
            return feed(.suspendAnswered(number, .died(.atom("noproc"))))
        }
        let ref = launcher.references.next()
        process.expect(ref, within: milliseconds) { [weak self] in self?.feed(.suspendAnswered(number, $0)) }
        guard let export else { return process.send([.suspend(ref: ref)]) }
        process.expect(export.ref, within: nil) { [weak self] in
            self?.feed(.exportAnswered(number, ref: export.ref, $0))
        }
        process.send([.suspend(ref: ref), export.message])
    }

    private func handedOver(from: PlaceMachine.Generation, to: PlaceMachine.Generation) {
        guard let old = process(from), let new = process(to) else { return }
        // What the carried state knows of the environment is what the old process was told.
        new.toldEnvironment = old.toldEnvironment
        new.catchesUp()
        launcher.sockets.handOver(address, new.spec.sockets)
        observer.handedOff(self, from: old, to: new)
        forgetEnded()
    }
}

extension PlaceMachine.ExportRequest {
    fileprivate var message: WorkerRequest {
        switch part {
        case .whole: .exportState(ref: ref, change: change)
        case .snapshot: .exportSnapshot(ref: ref, change: change)
        case .changes: .exportChanges(ref: ref, change: change)
        }
    }
}

extension StatePart {
    fileprivate func importing(ref: Int, _ content: StateImport) -> WorkerRequest {
        switch self {
        case .whole: .importState(ref: ref, content)
        case .snapshot: .importSnapshot(ref: ref, content)
        case .changes(let isLast): .importChanges(ref: ref, content, isLast: isLast)
        }
    }
}
