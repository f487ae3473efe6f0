import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms
import Wire

/// One OS process at a place in the tree, with the requests that it has not answered yet.
///
/// It knows nothing of supervision: it asks, awaits, and says how its process ended.
@HostActor
final class Generation {
    private struct Awaited {
        let ref: Int
        let isRepeatable: Bool
        var timer: ScheduledTimer?
        var then: (Answer) -> Void
    }

    /// How long a process may live on without its channel.
    static let channelGraceMilliseconds = 500

    let number: Int
    /// What it was started from: verified when the file was read, never assumed.
    let code: CodeVersion?
    /// The path that it was started from: of a script, its own.
    let executable: String
    /// What it was started by; its place's may be another by now.
    let spec: ChildSpec
    let startedAtMilliseconds: Int
    /// The application's environment as the worker's state knows it: what it was told, before its handoffs too.
    var toldEnvironment: [EnvironmentEntry] = []
    /// As the process itself has it, from its own init on. The two differ after a handoff.
    var ownEnvironment: [EnvironmentEntry] = []
    /// What the running code reported; `undefined` until it acknowledged and where it reports none.
    private(set) var vsn: Term = .atom("undefined")
    /// Whether it said that it can hand its state over in parts.
    private(set) var isIncremental = false
    private(set) var protocolVersion = 1
    /// The functional modules that it begins with.
    let libraries: [LoadedCode]
    /// Of a standby: functional modules that it is to have though others are current still.
    private(set) var librariesAhead: [Atom: LoadedCode]
    /// Functional modules that it has asked for, and that are being looked for.
    var wants = 0
    /// The request that it began with.
    private(set) var initReference: Int?
    /// Functional modules that are current in it, by their SHA-256: as it said.
    private(set) var loaded: [Atom: String] = [:]
    /// What it was asked to load or delete, and has not answered in time: it may do it yet.
    private(set) var unsettledModules: Set<Atom> = []
    /// By their SHA-256 those that ever were: what is old may be used still, or mapped.
    private(set) var everLoaded: [String: CodeVersion] = [:]
    private(set) var hadLoaded: Set<Atom> = []
    /// What an unmodified program last said of itself (STATUS= of sd_notify(3)).
    private(set) var status: String?
    /// Whether it has ever said WATCHDOG=1.
    private(set) var hasSaidAlive = false
    /// References of those who wait for it to say so.
    private var aliveWaiters: [Int] = []
    private(set) var process: WorkerProcess?
    /// While the image of its state is of use.
    var latch: Latch?
    private(set) var isAlive = true
    /// In the order of the questions. One or two, so they are looked through.
    private var awaited: [Awaited] = []
    private var lastWords: Term?
    /// Why we end it, where that is the better reason than the signal it ends by.
    private var sentence: Term?
    private var outOfMemory: OutOfMemory?
    private var graceTimer: ScheduledTimer?
    private var notify: ((Generation, Notice) -> Void)?
    private let references: References

    init(
        number: Int, code: LoadedCode?, libraries: [LoadedCode] = [], librariesAhead: [Atom: LoadedCode] = [:],
        spec: ChildSpec,
        launch: WorkerProcess.Launch, references: References,
        notify: @escaping @HostActor (Generation, Notice) -> Void
    ) throws(LaunchError) {
        self.number = number
        self.code = code?.version
        self.libraries = libraries
        self.librariesAhead = librariesAhead
        executable = launch.executable.path
        self.spec = spec
        self.references = references
        self.notify = notify
        startedAtMilliseconds = Reactor.nowMilliseconds()
        // Kept alive by its process until that has ended: what a process says is never said to nobody.
        process = try WorkerProcess.launch(launch) { [self] event in handle(event) }
    }

    /// Goes on with a process that the daemon before has started.
    ///
    /// - Parameter libraries: as far as they are known still.
    init(
        _ state: State, spec: ChildSpec, libraries: [LoadedCode], outputs: OutputPipes, references: References,
        notify: @escaping @HostActor (Generation, Notice) -> Void
    ) throws(SystemError) {
        number = state.number
        code = state.code
        self.libraries = libraries
        librariesAhead = [:]
        executable = state.executable ?? state.code?.path ?? ""
        self.spec = state.spec ?? spec
        startedAtMilliseconds = state.startedAtMilliseconds
        toldEnvironment = state.toldEnvironment
        ownEnvironment = state.ownEnvironment ?? state.toldEnvironment
        vsn = state.vsn
        isIncremental = state.isIncremental
        protocolVersion = state.protocolVersion
        loaded = state.loaded
        unsettledModules = state.unsettledModules
        everLoaded = state.everLoaded
        hadLoaded = state.hadLoaded
        status = state.status
        hasSaidAlive = state.hasSaidAlive ?? false
        lastWords = state.lastWords
        sentence = state.sentence
        initReference = state.initReference
        self.references = references
        self.notify = notify
        process = try WorkerProcess.goOn(with: state.process, outputs: outputs) { [self] event in handle(event) }
        if let deadline = state.graceDeadlineMilliseconds { awaitEnd(until: deadline) }
    }

    /// Nil where it has ended, or an answer of it is awaited by somebody who could not be told.
    func state(spec placeSpec: ChildSpec) -> State? {
        guard isAlive, let process, wants == 0, !isAwaited else { return nil }
        return State(
            number: number, code: code, executable: executable == code?.path ? nil : executable,
            spec: spec == placeSpec ? nil : spec,
            startedAtMilliseconds: startedAtMilliseconds, toldEnvironment: toldEnvironment,
            ownEnvironment: ownEnvironment == toldEnvironment ? nil : ownEnvironment, vsn: vsn,
            isIncremental: isIncremental, protocolVersion: protocolVersion, libraries: libraries.map(\.version),
            loaded: loaded, unsettledModules: unsettledModules, everLoaded: everLoaded, hadLoaded: hadLoaded,
            status: status, hasSaidAlive: hasSaidAlive ? true : nil, lastWords: lastWords, sentence: sentence,
            graceDeadlineMilliseconds: graceTimer?.isScheduled == true ? graceTimer?.deadlineMilliseconds : nil,
            initReference: initReference,
            initDeadlineMilliseconds: awaited.first { $0.ref == initReference }?.timer?.deadlineMilliseconds,
            process: process.state)
    }

    /// Whether an answer is awaited that nobody would ask for again; the one to its `init` is its place's.
    var isAwaited: Bool { awaited.contains { !$0.isRepeatable && $0.ref != initReference } }

    /// The request that a process begins with; its answer may be awaited over the daemon's own re-execution.
    func begin(
        ref: Int, within milliseconds: Int?, _ request: (Int) -> WorkerRequest,
        then: @escaping @HostActor (Answer) -> Void
    ) {
        initReference = ref
        ask(ref: ref, within: milliseconds, request, then: then)
    }

    var pid: Int32 { process?.pid ?? 0 }
    var cgroupPath: String? { process?.cgroupPath }

    /// Sends a request made with a fresh reference; `then` is called once, also if the process ends or time runs out.
    ///
    /// - Parameter isRepeatable: whether who asks would ask again where the answer can't come to it.
    func ask(
        within milliseconds: Int?, isRepeatable: Bool = false, _ request: (Int) -> WorkerRequest,
        then: @escaping @HostActor (Answer) -> Void
    ) {
        ask(ref: references.next(), within: milliseconds, isRepeatable: isRepeatable, request, then: then)
    }

    /// It is the worker: what it has ahead is current by now, and what becomes current later is for it, too.
    func catchesUp() { librariesAhead = [:] }

    /// It has said that this version is current in it.
    func noteLoaded(_ version: CodeVersion) {
        loaded[version.module] = version.sha256
        unsettledModules.remove(version.module)
        everLoaded[version.sha256] = version
        hadLoaded.insert(version.module)
        notify?(self, .loaded(version))
    }

    func noteDeleted(_ module: Atom) {
        loaded[module] = nil
        unsettledModules.remove(module)
    }

    func noteUnsettled(_ module: Atom) { unsettledModules.insert(module) }

    func nextReference() -> Int { references.next() }

    func ask(
        ref: Int, within milliseconds: Int?, isRepeatable: Bool = false, _ request: (Int) -> WorkerRequest,
        then: @escaping @HostActor (Answer) -> Void
    ) {
        guard isAlive, let process else { return then(.died(.atom("noproc"))) }
        expect(ref, within: milliseconds, isRepeatable: isRepeatable, then: then)
        process.send(request(ref))
    }

    /// Awaits the answer to a request that is sent next.
    func expect(
        _ ref: Int, within milliseconds: Int?, isRepeatable: Bool = false,
        then: @escaping @HostActor (Answer) -> Void
    ) {
        guard isAlive else { return then(.died(.atom("noproc"))) }
        var timer: ScheduledTimer?
        if let milliseconds {
            // Cancelled with the answer, or the end.
            timer = Reactor.shared.schedule(afterMilliseconds: milliseconds) { [self] in
                settle(ref, .timedOut(milliseconds: milliseconds))
            }
        }
        awaited.append(Awaited(ref: ref, isRepeatable: isRepeatable, timer: timer, then: then))
    }

    /// From now on it is the worker: what is written at its place is told as its own.
    func speaks() { process?.speaks() }

    /// Sends all of these at once.
    func send(_ requests: [WorkerRequest]) { process?.send(requests) }

    /// Sends what has no answer, or an answer that the place awaits.
    func send(_ request: WorkerRequest) { process?.send(request) }

    func send(_ packet: TransferPacket, _ descriptors: [OwnedDescriptor]) {
        process?.send(transfer: packet, descriptors)
    }

    /// Asks it to end; its end is told as a notice.
    func terminate(_ reason: Term) {
        guard isAlive else { return }
        process?.send(.terminate(ref: references.next(), reason: reason))
    }

    /// Asks an unmodified program and its process group to end.
    func terminate(signal: Int32) { if isAlive { process?.terminateGroup(signal) } }

    /// Ends it and all that it started; `reason` becomes the reason of its exit.
    func kill(reason: Term) {
        guard isAlive else { return }
        if sentence == nil { sentence = reason }
        process?.killGroup()
    }

    /// Whether it was at rest with all read that it was sent: it is held there then.
    func hold() -> Bool {
        // In this order: what it has read it has dealt with before it is at rest again.
        guard isAlive, sentence == nil, let latch, let process, !process.hasEnded, process.unreadBytes == 0 else {
            return false
        }
        return latch.hold()
    }

    private func settle(_ ref: Int, _ answer: Answer) {
        guard let index = awaited.firstIndex(where: { $0.ref == ref }) else { return }
        let waiting = awaited.remove(at: index)
        waiting.timer?.cancel()
        waiting.then(answer)
    }

    private func handle(_ event: WorkerProcess.Event) {
        switch event {
        case .message(let answer): handle(answer)
        case .protocolError(let text): kill(reason: .tuple([.atom("protocol_error"), .text(text)]))
        case .channelClosed: awaitEnd()
        case .transfer(let packet, let descriptors): notify?(self, .packet(packet, descriptors))
        case .output(let stream, let line): notify?(self, .output(stream, line))
        case .notification(let notification):
            if let text = notification.status { status = text.isEmpty ? nil : text }
            if notification.watchdog == .alive { saidAlive() }
            notify?(self, .notification(notification))
        case .strangeNotification(let pid): notify?(self, .strangeNotification(pid: pid))
        case .leftBehind(let processes, let exit): notify?(self, .leftBehind(processes, exit))
        case .outOfMemory(let end): outOfMemory = end
        case .exited(let status): end(status)
        }
    }

    private func saidAlive() {
        hasSaidAlive = true
        let waiters = aliveWaiters
        aliveWaiters = []
        for ref in waiters { settle(ref, .ok) }
    }

    /// An unmodified program's next WATCHDOG=1 is the answer.
    func awaitAlive(within milliseconds: Int, then: @escaping @HostActor (Answer) -> Void) {
        let ref = references.next()
        aliveWaiters.append(ref)
        expect(ref, within: milliseconds, isRepeatable: true, then: then)
    }

    /// A process that ends closes its channel just before: only one that stays without a channel is killed for it.
    private func awaitEnd() { awaitEnd(until: Reactor.nowMilliseconds() + Self.channelGraceMilliseconds) }

    private func awaitEnd(until deadline: Int) {
        graceTimer = Reactor.shared.schedule(atMilliseconds: deadline) { [self] in
            // One that has ended is only not told of yet, as where many end at once.
            guard process?.hasEnded != true else { return }
            kill(reason: .atom("channel_closed"))
        }
    }

    private func handle(_ answer: WorkerAnswer) {
        switch answer {
        case .ack(let ref, let vsn, _, let version, let incremental, let modules):
            self.vsn = vsn
            isIncremental = incremental
            protocolVersion = version
            for library in libraries {
                guard let vsn = modules[library.version.module] else { continue }
                noteLoaded(library.version.reporting(vsn))
            }
            let missing = libraries.map(\.version.module).filter { modules[$0] == nil }
            if !missing.isEmpty { notify?(self, .notLoaded(missing)) }
            if version >= 4 { notify?(self, .modulesKnown) }
            settle(ref, .acknowledged(vsn: vsn))
        case .ignore(let ref): settle(ref, .ignored)
        case .ok(let ref): settle(ref, .ok)
        case .okValue(let ref, let value): settle(ref, .value(value))
        case .exported(let ref, let size, let descriptors, let left):
            settle(ref, .exported(size: size, descriptors: descriptors, left: left))
        case .error(let ref, let reason):
            if awaited.contains(where: { $0.ref == ref }) {
                settle(ref, .failed(reason))
            } else {
                notify?(self, .reply(ref: ref, .failure(.worker(reason))))
            }
        case .reply(let ref, let term): notify?(self, .reply(ref: ref, .success(term)))
        case .log(let level, let text, let metadata): notify?(self, .log(level, text, metadata))
        case .exit(let reason): lastWords = reason
        case .wantModule(let module): notify?(self, .wantModule(module))
        }
    }

    private func end(_ status: ExitStatus) {
        isAlive = false
        latch = nil
        graceTimer?.cancel()
        let reason = sentence ?? outOfMemory?.reason ?? lastWords ?? status.reason
        // The place first: who is told that a request died must find the tree knowing of it.
        let notify = self.notify
        self.notify = nil
        notify?(self, .ended(reason: reason))
        let open = awaited.sorted { $0.ref < $1.ref }
        awaited = []
        for waiting in open {
            waiting.timer?.cancel()
            waiting.then(.died(reason))
        }
    }
}

extension OutOfMemory {
    /// `{oom_killed, Limit}`: the limit of its own control group in bytes, or `system`.
    fileprivate var reason: Term {
        .tuple([.atom("oom_killed"), limitBytes.map { .integer($0) } ?? .atom("system")])
    }
}

/// The daemon's request references: ever increasing, so that an answer can never be taken for another's.
@HostActor
final class References {
    private(set) var last: Int

    init(last: Int = 0) { self.last = last }

    func next() -> Int {
        last += 1
        return last
    }

    func next(_ count: Int) -> Range<Int> {
        last += count
        return (last - count + 1)..<(last + 1)
    }
}

/// One process is itself and no other.
extension Generation: Equatable {
    nonisolated static func == (left: Generation, right: Generation) -> Bool { left === right }
}
