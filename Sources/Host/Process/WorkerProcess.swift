import CHost
import Glibc
public import Wire

/// Which of its outputs a process wrote to.
public enum OutputStream: String, Hashable, Sendable {
    case stdout
    case stderr
}

/// One OS process of a worker: what goes to it, what comes from it, and how it ended.
///
/// It lives until `.exited` was delivered, also where nobody holds it. A mistake in the protocol ends the
/// process and nobody else. Source: `docs/worker-protocol.md`, pidfd_open(2).
@HostActor
public final class WorkerProcess {
    public enum Event: Sendable {
        /// An `exported` comes after all packets that were sent before it.
        case message(WorkerAnswer)
        /// What came can't be read, or too much waits for it. Its process group is killed; nothing of it is read on.
        case protocolError(String)
        /// It closed its channel. Comes just before most exits, too: give it a moment.
        case channelClosed
        case transfer(TransferPacket, [OwnedDescriptor])
        /// From an unmodified program whose launch asked for it.
        case notification(ProgramNotification)
        /// A process that is not of the program's group wrote to the program's NOTIFY_SOCKET; told once, and ignored.
        case strangeNotification(pid: Int32)
        /// Processes that it left behind as it ended so; they are killed. Just before `.exited`, and only where the daemon
        /// is a subreaper.
        case leftBehind([LeftProcess], ExitStatus)
        /// The kernel has killed it, or others of its control group, since memory was short. Just before `.exited`.
        case outOfMemory(OutOfMemory)
        /// A line without its newline; longer ones come in pieces of 8 KiB.
        case output(OutputStream, line: String)
        /// Once and last: all that it had said before came before.
        case exited(ExitStatus)
    }

    /// Bounds on what one worker may make the daemon hold.
    enum Limits {
        static let queuedBytes = 16 * 1024 * 1024
        static let queuedPackets = 8192
        /// What is read of one output or channel in one turn.
        static let readBytes = 64 * 1024
        /// Little, since each line of it costs time, however short it is: whoever floods waits for its pipe, and others have their turns.
        static let outputBytesPerTurn = 2 * 1024
        static let notificationsPerTurn = 16
        /// More than a socket holds unread.
        static let drainedNotifications = 4096
        /// What is still read of an output or the channel after the exit: more than a pipe or socket holds.
        static let drainBytes = 4 * 1024 * 1024
    }

    /// One place to read into for all: what is read is dealt with or copied before the next read.
    static let readBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Limits.readBytes, alignment: 16)

    public nonisolated let pid: Int32
    private var life = Life.running
    /// An unmodified program's from its start on, a worker's once its channel has ended: see `ChildEnds`.
    private(set) var pidfd: OwnedDescriptor?
    private var onEvent: (@HostActor (Event) -> Void)?
    private var pidWatch: Watch?
    var channel: ChannelState?
    var transfer: TransferState?
    var notify: NotifyState?
    let outputs: OutputPipes
    var failure: Failure?
    let origin: Orphans.Origin
    /// Whether it has ended when all of its process group have.
    var awaitsGroup = false
    /// All that it has started is in it; nil where there are no control groups.
    let cgroup: Cgroup?
    /// Of its group, killed with it, and told with its end.
    private var killed: [LeftProcess] = []

    private enum Life {
        case running
        /// It has ended and waits for a look at what it left behind. Its pid is its own.
        case ending
        /// Its pid may be another's.
        case reaped
    }

    /// A mistake that was found.
    enum Failure {
        /// It is told once the event in hand is dealt with.
        case found(String)
        case told
    }

    convenience init(
        pid: Int32, pidfd: OwnedDescriptor?, mark: String, cgroup: Cgroup?, ends: Ends,
        onEvent: @escaping @HostActor (Event) -> Void
    ) {
        // Who is in its group needs no likeness to be known by.
        let executable = cgroup == nil ? Orphans.executable(of: pid) : nil
        self.init(
            pidfd: pidfd, Orphans.Origin(pid: pid, mark: mark, executable: executable), cgroup, ends, onEvent: onEvent)
    }

    init(
        pidfd: OwnedDescriptor?, _ origin: Orphans.Origin, _ cgroup: Cgroup?, _ ends: Ends,
        onEvent: @escaping @HostActor (Event) -> Void
    ) {
        pid = origin.pid
        self.cgroup = cgroup
        self.pidfd = pidfd
        self.onEvent = onEvent
        self.origin = origin
        Orphans.shared.started.insert(pid)
        channel = ends.channel.map { ChannelState(descriptor: $0) }
        transfer = ends.transfer.map { TransferState(descriptor: $0) }
        notify = ends.notify
        outputs = ends.outputs
        outputs.join(self)
    }

    /// A mistake was found: nothing more is read or sent.
    var hasFailed: Bool { failure != nil }

    /// Whether `.exited` is still to come.
    public var isRunning: Bool { onEvent != nil }

    /// Whether it has ended, also where `.exited` is still to come.
    public var hasEnded: Bool { life != .running }

    /// What it and others at its place write is told as its own from now on.
    public func speaks() { outputs.turn(to: self) }

    /// Asks the process and its group to end. Those of the group that go on when the process itself has ended have the time
    /// until `killGroup` for their own end; `.exited` comes after it.
    ///
    /// What is stopped takes the signal once it goes on, so it is made to. Source: systemd.kill(5), `KillMode=control-group`.
    public func terminateGroup(_ signal: Int32) {
        guard isRunning, life != .reaped else { return }
        // Nobody else is told of their ends.
        awaitsGroup = Orphans.shared.isReaper
        _ = Glibc.kill(-pid, signal)
        _ = Glibc.kill(-pid, SIGCONT)
    }

    /// Sends a signal to the process itself, and to no other. Source: pidfd_send_signal(2).
    public func send(signal: Int32) throws(SystemError) {
        // Until it is reaped its pid is its own.
        guard isRunning, life == .running else { throw SystemError("pidfd_send_signal", ESRCH) }
        let own: OwnedDescriptor
        if let pidfd {
            own = pidfd
        } else {
            let raw = chost_pidfd_open(pid)
            guard raw >= 0 else { throw SystemError("pidfd_open", -raw) }
            own = OwnedDescriptor(raw)
        }
        let status = withExtendedLifetime(own) { chost_pidfd_send_signal(own.raw, signal) }
        guard status == 0 else { throw SystemError("pidfd_send_signal", -status) }
    }

    /// Kills the process and all that it started; without control groups, what stayed in its process group.
    public func killGroup() {
        guard isRunning, life != .reaped else { return }
        if let cgroup {
            killed += leftIn(cgroup, besides: killed).filter(\.hasLeftGroup)
            cgroup.kill()
        }
        _ = Glibc.kill(-pid, SIGKILL)
    }

    func deliver(_ event: Event) {
        onEvent?(event)
    }

    /// Ends the conversation: what was found out is told after the event in hand, then the process is killed.
    func fail(_ text: String) {
        guard !hasFailed, isRunning else { return }
        failure = .found(text)
        closeChannel()
        closeTransfer()
        Reactor.shared.soon { [self] in
            tellFailure()
            killGroup()
            expectEnd()
        }
    }

    private func tellFailure() {
        guard case .found(let text) = failure else { return }
        failure = .told
        deliver(.protocolError(text))
    }

    // MARK: Watching

    func watchAll() throws(SystemError) {
        if pidfd == nil { try ChildEnds.shared.add(self) } else { try watchPidfd() }
        try watchChannel()
        try watchTransfer()
        try watchNotify()
    }

    private func watchPidfd() throws(SystemError) {
        guard let pidfd else { return }
        pidWatch = try Reactor.shared.watch(pidfd.raw, .read) { [self] _ in lookForEnd() }
    }

    /// Ends a process that can't be watched. Nobody heard of it yet, so nothing is delivered.
    func abandon() {
        onEvent = nil
        // SIGKILL can't be held up by the process, so this wait is short.
        _ = Glibc.kill(-pid, SIGKILL)
        cgroup?.kill()
        _ = chost_await_child(pid)
        reaped()
        cgroup?.whenEmpty(withinMilliseconds: 0) {}
        closeAll()
    }

    // MARK: Exit

    /// Its channel has come to its end, and so has it, or it soon will: its end itself is awaited from now on.
    func expectEnd() {
        lookForEnd()
        guard isRunning, life == .running, pidWatch == nil else { return }
        let raw = chost_pidfd_open(pid)
        // Without a descriptor left for it, its end is found as that of one whose channel is held open.
        guard raw >= 0 else { return }
        pidfd = OwnedDescriptor(raw)
        try? watchPidfd()
    }

    /// Its status where it has ended and is not reaped.
    private func findEnd() -> ExitStatus? {
        var code: Int32 = 0
        var status: Int32 = 0
        guard isRunning, life == .running, chost_wait_child(pid, 0, &code, &status) == 1 else { return nil }
        return ExitStatus(code: code, status: status)
    }

    func lookForEnd() {
        guard findEnd() != nil else { return }
        life = .ending
        pidWatch?.cancel()  // It would say again and again what is known.
        ChildEnds.shared.forget(self)
        Orphans.shared.whenLooked { [self] in
            life = .running
            end()
        }
    }

    /// It is a zombie, and what it left behind has come to the daemon.
    private func end() {
        guard let exit = findEnd() else { return }
        life = .ending
        // While it is a zombie its pid, and so its group's number, can't be given to anybody else.
        if awaitsGroup, Orphans.shared.hasMembers(ofGroup: pid, whenOneEnds: { [self] in lookForEnd() }) {
            return life = .running
        }
        Orphans.shared.forgetGroup(pid)
        let left = killed + Orphans.shared.killLeftovers(of: origin).filter { !killed.map(\.pid).contains($0.pid) }
        _ = Glibc.kill(-pid, SIGKILL)
        guard let cgroup else { return end(exit, left, nil) }
        let outOfMemory = exit == .signaled(SIGKILL) ? cgroup.outOfMemory : nil
        guard !cgroup.remove() else { return end(exit, left, outOfMemory) }
        let remaining = leftIn(cgroup, besides: left)
        cgroup.kill()
        cgroup.whenEmpty(withinMilliseconds: Self.emptyMilliseconds) { [self] in
            // Those whose parents were killed with them have come to the daemon by now.
            Orphans.shared.whenLooked { [self] in end(exit, left + remaining, outOfMemory) }
        }
    }

    /// How long the killed have to be gone: only who is in the middle of a call of the kernel's takes any time.
    private static let emptyMilliseconds = 5_000

    /// Who is in its control group beside itself and these.
    private func leftIn(_ cgroup: Cgroup, besides known: [LeftProcess]) -> [LeftProcess] {
        let known = Set(known.map(\.pid))
        return cgroup.members().filter { $0 != pid && !known.contains($0) }.sorted().compactMap { member in
            guard let process = ProcessStatistics(pid: member), !process.isZombie else { return nil }
            return LeftProcess(pid: member, name: process.name, hasLeftGroup: process.group != pid)
        }
    }

    private func end(_ exit: ExitStatus, _ left: [LeftProcess], _ outOfMemory: OutOfMemory?) {
        _ = chost_await_child(pid)
        reaped()
        outputs.leave(self)
        drainChannel()
        drainTransfer()
        drainNotify()
        tellFailure()
        if !left.isEmpty { deliver(.leftBehind(left, exit)) }
        if let outOfMemory { deliver(.outOfMemory(outOfMemory)) }
        closeAll()
        let last = onEvent
        onEvent = nil
        last?(.exited(exit))
    }

    private func reaped() {
        life = .reaped
        Orphans.shared.started.remove(pid)
        ChildEnds.shared.forget(self)
    }

    private func closeAll() {
        pidWatch?.cancel()
        pidfd = nil
        outputs.leave(self)
        closeChannel()
        closeTransfer()
        closeNotify()
    }
}
