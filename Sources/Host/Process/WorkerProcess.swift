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
        static let outputBytesPerTurn = 16 * 1024
        static let notificationsPerTurn = 16
        /// More than a socket holds unread.
        static let drainedNotifications = 4096
        /// What is still read of an output or the channel after the exit: more than a pipe or socket holds.
        static let drainBytes = 4 * 1024 * 1024
    }

    /// One place to read into for all: what is read is dealt with or copied before the next read.
    static let readBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Limits.readBytes, alignment: 16)

    public nonisolated let pid: Int32
    /// nil once it is reaped.
    private var pidfd: OwnedDescriptor?
    private var onEvent: (@HostActor (Event) -> Void)?
    private var pidWatch: Watch?
    var channel: ChannelState?
    var transfer: TransferState?
    var notify: NotifyState?
    var outputs: [OutputState]
    private var failure: Failure?
    private let origin: Orphans.Origin
    /// Whether it has ended when all of its process group have.
    private var awaitsGroup = false
    /// It has ended and waits for a look at what it left behind.
    private var isEnding = false

    /// A mistake that was found.
    private enum Failure {
        /// It is told once the event in hand is dealt with.
        case found(String)
        case told
    }

    init(pid: Int32, pidfd: OwnedDescriptor, mark: String, ends: Ends, onEvent: @escaping @HostActor (Event) -> Void) {
        self.pid = pid
        self.pidfd = pidfd
        self.onEvent = onEvent
        origin = Orphans.Origin(pid: pid, mark: mark, executable: Orphans.executable(of: pid))
        Orphans.shared.started.insert(pid)
        channel = ends.channel.map { ChannelState(descriptor: $0) }
        transfer = ends.transfer.map { TransferState(descriptor: $0) }
        notify = ends.notify
        outputs = [
            OutputState(stream: .stdout, descriptor: ends.standardOutput),
            OutputState(stream: .stderr, descriptor: ends.standardError),
        ]
    }

    /// A mistake was found: nothing more is read or sent.
    var hasFailed: Bool { failure != nil }

    /// Whether `.exited` is still to come.
    public var isRunning: Bool { onEvent != nil }

    /// Asks the process and its group to end. Those of the group that go on when the process itself has ended have the time
    /// until `killGroup` for their own end; `.exited` comes after it.
    ///
    /// What is stopped takes the signal once it goes on, so it is made to. Source: systemd.kill(5), `KillMode=control-group`.
    public func terminateGroup(_ signal: Int32) {
        guard isRunning else { return }
        // Nobody else is told of their ends.
        awaitsGroup = Orphans.shared.isReaper
        _ = Glibc.kill(-pid, signal)
        _ = Glibc.kill(-pid, SIGCONT)
    }

    /// Signals the process and all that it started (and that stayed in its process group).
    public func killGroup(_ signal: Int32 = 9) {
        // Until it is reaped, which is when `.exited` is delivered, its pid can't be another's.
        guard isRunning else { return }
        _ = Glibc.kill(-pid, signal)
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
        }
    }

    private func tellFailure() {
        guard case .found(let text) = failure else { return }
        failure = .told
        deliver(.protocolError(text))
    }

    // MARK: Watching

    func watchAll() throws(SystemError) {
        let reactor = Reactor.shared
        if let pidfd { pidWatch = try reactor.watch(pidfd.raw, .read) { [self] _ in exitReady() } }
        for index in outputs.indices {
            guard let descriptor = outputs[index].descriptor else { continue }
            outputs[index].watch = try reactor.watch(descriptor.raw, .read) { [self] _ in outputReady(index) }
        }
        try watchChannel()
        try watchTransfer()
        try watchNotify()
    }

    /// Ends a process that can't be watched. Nobody heard of it yet, so nothing is delivered.
    func abandon() {
        killGroup()
        onEvent = nil
        guard let pidfd else { return }
        closeAll()
        var code: Int32 = 0
        var status: Int32 = 0
        // SIGKILL can't be held up by the process, so this wait is short.
        var request = pollfd(fd: pidfd.raw, events: Int16(POLLIN), revents: 0)
        poll(&request, 1, -1)
        _ = chost_wait(pidfd.raw, 1, &code, &status)
        Orphans.shared.started.remove(pid)
    }

    // MARK: Exit

    private func exitReady() {
        var code: Int32 = 0
        var status: Int32 = 0
        guard isRunning, !isEnding, let pidfd, chost_wait(pidfd.raw, 0, &code, &status) == 1 else { return }
        isEnding = true
        pidWatch?.cancel()  // It would say again and again what is known.
        Orphans.shared.whenLooked { [self] in
            isEnding = false
            end()
        }
    }

    /// It is a zombie, and what it left behind has come to the daemon.
    private func end() {
        var code: Int32 = 0
        var status: Int32 = 0
        guard isRunning, let pidfd, chost_wait(pidfd.raw, 0, &code, &status) == 1 else { return }
        // While it is a zombie its pid, and so its group's number, can't be given to anybody else.
        if awaitsGroup, Orphans.shared.hasMembers(ofGroup: pid, whenOneEnds: { [self] in exitReady() }) { return }
        Orphans.shared.forgetGroup(pid)
        let left = Orphans.shared.killLeftovers(of: origin)
        _ = Glibc.kill(-pid, SIGKILL)
        _ = chost_wait(pidfd.raw, 1, &code, &status)
        Orphans.shared.started.remove(pid)
        for index in outputs.indices { drainOutput(index) }
        drainChannel()
        drainTransfer()
        drainNotify()
        tellFailure()
        let exit = ExitStatus(code: code, status: status)
        if !left.isEmpty { deliver(.leftBehind(left, exit)) }
        closeAll()
        let last = onEvent
        onEvent = nil
        last?(.exited(exit))
    }

    private func closeAll() {
        pidWatch?.cancel()
        pidfd = nil
        for index in outputs.indices { closeOutput(index) }
        closeChannel()
        closeTransfer()
        closeNotify()
    }
}
