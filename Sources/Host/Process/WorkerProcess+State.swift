import CHost
import Glibc
import Wire

/// What joins the daemon to a process, for another daemon that goes on in its place: descriptors by their numbers, and what is half read
/// and half written.
extension WorkerProcess {
    public struct State: Sendable, Codable, Equatable {
        struct Channel: Sendable, Codable, Equatable {
            let descriptor: Int32
            /// Of a frame that has not come whole.
            let pending: [UInt8]
            let outgoing: [UInt8]
        }

        struct Transfer: Sendable, Codable, Equatable {
            let descriptor: Int32
            let outgoing: [Packet]
        }

        struct Packet: Sendable, Codable, Equatable {
            let bytes: [UInt8]
            let descriptors: [Int32]
        }

        struct Notify: Sendable, Codable, Equatable {
            let descriptor: Int32
            let address: String
            let hasToldOfStranger: Bool
        }

        let origin: Orphans.Origin
        let pidfd: Int32?
        let channel: Channel?
        let transfer: Transfer?
        let notify: Notify?
        /// A mistake was found and told: it is being ended.
        let hasFailed: Bool
        let awaitsGroup: Bool

        /// All that are to be open in the next program.
        public var descriptors: [Int32] {
            [pidfd, channel?.descriptor, transfer?.descriptor, notify?.descriptor].compactMap(\.self)
                + (transfer?.outgoing.flatMap(\.descriptors) ?? [])
        }
    }

    /// That of all that it has started; nil where there are no control groups.
    public var cgroupPath: String? { cgroup?.path }

    /// Between two events: what was found out is told by then.
    public var state: State {
        State(
            origin: origin, pidfd: pidfd?.raw,
            channel: channel.map {
                State.Channel(
                    descriptor: $0.descriptor.raw, pending: $0.decoder.pendingBytes,
                    outgoing: Array($0.outgoing[$0.sent...]))
            },
            transfer: transfer.map {
                State.Transfer(
                    descriptor: $0.descriptor.raw,
                    outgoing: $0.outgoing[$0.sent...].map {
                        State.Packet(bytes: $0.bytes, descriptors: $0.descriptors.map(\.raw))
                    })
            },
            notify: notify.map {
                State.Notify(
                    descriptor: $0.descriptor.raw, address: $0.address, hasToldOfStranger: $0.hasToldOfStranger)
            },
            hasFailed: hasFailed, awaitsGroup: awaitsGroup)
    }

    /// Goes on with a process that the daemon before has started. Its events come from the next turn on, its end among them where it has
    /// ended meanwhile.
    public static func goOn(
        with state: State, outputs: OutputPipes, onEvent: @escaping @HostActor (Event) -> Void
    ) throws(SystemError) -> WorkerProcess {
        let ends = Ends(
            outputs: outputs, channel: state.channel.map { OwnedDescriptor($0.descriptor) },
            transfer: state.transfer.map { OwnedDescriptor($0.descriptor) }, notify: state.notify.map(NotifyState.init))
        let process = WorkerProcess(
            pidfd: state.pidfd.map { OwnedDescriptor($0) }, state.origin, Cgroups.shared.adopt(state.origin.mark), ends,
            onEvent: onEvent)
        if state.hasFailed { process.failure = .told }
        process.awaitsGroup = state.awaitsGroup
        if let channel = state.channel {
            process.channel?.decoder = FrameDecoder(pending: channel.pending)
            process.channel?.outgoing = channel.outgoing
        }
        process.transfer?.outgoing =
            state.transfer?.outgoing.map {
                // They are the code server's, too: each has one of its own.
                .init(bytes: $0.bytes, descriptors: $0.descriptors.compactMap { copy(of: $0) })
            } ?? []
        try process.watchAll()
        process.goOnSending()
        // What told of its end may have gone with the daemon before.
        Reactor.shared.soon { process.lookForEnd() }
        return process
    }

    private static func copy(of descriptor: Int32) -> OwnedDescriptor? {
        let copy = chost_fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
        return copy >= 0 ? OwnedDescriptor(copy) : nil
    }

    private func goOnSending() {
        if let channel, channel.queuedBytes > 0 { setChannelInterest([.read, .write]) }
        if let transfer, transfer.queuedPackets > 0 { setTransferInterest([.read, .write]) }
    }

    /// The number of the process that was started last.
    public static var lastNumber: Int {
        get { lastMark }
        set { lastMark = newValue }
    }
}

extension NotifyState {
    init(_ state: WorkerProcess.State.Notify) {
        descriptor = OwnedDescriptor(state.descriptor)
        address = state.address
        hasToldOfStranger = state.hasToldOfStranger
    }
}

extension OutputPipes {
    public struct State: Sendable, Codable, Equatable {
        struct Output: Sendable, Codable, Equatable {
            let descriptor: Int32?
            /// A line that is not at its end.
            let pending: [UInt8]
        }

        let outputs: [Output]
        /// Whose what is written now is told as.
        let speaker: Int32?

        public var descriptors: [Int32] { outputs.compactMap(\.descriptor) }
    }

    public var state: State {
        State(
            outputs: outputs.map { State.Output(descriptor: $0.readEnd?.raw, pending: $0.lines.pending) },
            speaker: speaker?.pid)
    }

    /// Goes on with the pipes of the daemon before. Its writers join, then `goOn`.
    public convenience init(_ state: State) {
        self.init()
        take(state)
    }

    /// All have joined that may write.
    public func goOn(_ state: State) throws(SystemError) {
        speaker = writers.first { $0.pid == state.speaker } ?? writers.first
        for index in outputs.indices { try watch(index) }
    }
}

/// The processes that the daemon has to do with without having a place for them.
@HostActor
public enum OwnProcesses {
    public struct State: Sendable, Codable {
        let mark: String
        let lastNumber: Int
        let condemned: [Int32: Orphans.Origin]
        let descriptorLimit: DescriptorLimit.Given?
    }

    public static var state: State {
        State(
            mark: EarlierRun.currentMark, lastNumber: WorkerProcess.lastNumber, condemned: Orphans.shared.condemned,
            descriptorLimit: DescriptorLimit.given)
    }

    public static func goOn(_ state: State) {
        EarlierRun.goOn(withMark: state.mark)
        WorkerProcess.lastNumber = state.lastNumber
        Orphans.shared.condemned = state.condemned
        DescriptorLimit.given = state.descriptorLimit
        takeSeats()
    }

    /// While low numbers of descriptors are free: see `chost_launch`.
    private static func takeSeats() { chost_take_seats() }
}
