import Host
import NIOCore
import NIOPosix
import Synchronization
import Wire

/// All connections of the control interface and its listening socket: how many there are, and how they are handed to the daemon that goes
/// on in this one's place.
///
/// Everything here is the event loop's but `freeze` and what follows it.
final class ControlConnections: Sendable {
    /// For another daemon that goes on in this one's place.
    struct State: Codable {
        struct Connection: Codable {
            let descriptor: Int32
            /// What was read and is not answered.
            let request: [UInt8]
            let claim: ControlClaim?
            let isHeadWritten: Bool
            /// None is that of who is free.
            let standing: Peer.Standing?
        }

        let listener: Int32
        /// Of the socket's file; `notOurs` where the service manager has made that.
        let inode: UInt64
        let connections: [Connection]

        /// No file has it. A daemon that knows nothing of the service manager's socket does not remove that one's file either.
        static let notOurs: UInt64 = 0

        var descriptors: [Int32] { [listener] + connections.map(\.descriptor) }

        /// Without connections for which there is no socket: nobody else is to suffer from them.
        func keeping(_ isThere: (Int32) -> Bool) -> State {
            State(listener: listener, inode: inode, connections: connections.filter { isThere($0.descriptor) })
        }
    }

    /// What stands still, until it is let go.
    struct Frozen: Sendable {
        let state: State
        /// Connections that can't be handed on: they are closed.
        let cut: Int
        fileprivate let loop: ThreadGate

        func letGo() { loop.open() }
    }

    private struct Open {
        let channel: any Channel
        let bytes: ControlBytesHandler
        let descriptor: Int32
        let peer: Peer?
    }

    private struct Loop {
        var listener: (descriptor: Int32, inode: UInt64)?
        var open: [ObjectIdentifier: Open] = [:]
        /// How many may be open.
        var limit: Int
        var waiting: (() -> Void)?
        /// Requests that come now wait: those under way come to their end.
        var isHeld = false
        /// Connections of the daemon before that are not open here yet.
        var awaited = 0
    }

    private let eventLoop: any EventLoop
    private let rates: ControlRates
    private let traffic: ControlTraffic
    private let mayChange: @Sendable (Peer) -> Bool
    private let loop: NIOLoopBoundBox<Loop>

    /// - Parameter mayChange: whether that one may be among those who may change things, as far as it is known.
    init(
        eventLoop: any EventLoop, limit: Int, rates: ControlRates = ControlRates(),
        traffic: ControlTraffic = ControlTraffic(),
        mayChange: @escaping @Sendable (Peer) -> Bool = { _ in true }
    ) {
        self.eventLoop = eventLoop
        self.rates = rates
        self.traffic = traffic
        self.mayChange = mayChange
        loop = NIOLoopBoundBox.makeBoxSendingValue(Loop(limit: limit), eventLoop: eventLoop)
    }

    /// - Parameter awaited: how many connections the daemon before has left, each of which comes to `adopted`.
    func listens(_ channel: any Channel, inode: UInt64, awaiting awaited: Int) async {
        try? await eventLoop.submit {
            self.loop.value.awaited = awaited
            let descriptor = try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
                of: NIOBSDSocket.Handle.self
            ) { $0 }
            self.loop.value.listener = descriptor.map { ($0, inode) }
        }.get()
    }

    /// One of the daemon before has been taken over, or is lost.
    func adopted() {
        eventLoop.execute { self.loop.value.awaited -= 1 }
    }

    // MARK: Coming and going

    /// On the event loop, while the channel is set up.
    ///
    /// - Parameter isAdopted: whether it was let in by the daemon before.
    /// - Throws: `ControlError`, where its user, or all users that may not change things, have as many as they may.
    func add(_ channel: any Channel, _ bytes: ControlBytesHandler, isAdopted: Bool) throws {
        let descriptor = try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
            of: NIOBSDSocket.Handle.self
        ) { $0 }
        guard let descriptor else { throw ChannelError.operationUnsupported }
        let peer = try? Peer(socket: descriptor)
        // By TCP nobody is known: all of them together are one who may look only.
        if peer == nil, !isAdopted, !rates.mayConnect(.max) {
            traffic.refused()
            throw ControlError.tooManyRequests("strangers connect too often", retryAfterSeconds: 1)
        }
        if let peer, !isAdopted, !mayChange(peer) {
            // Without a word: who comes again and again is no more work than that.
            guard rates.mayConnect(peer.uid) else {
                traffic.refused()
                throw ControlError.tooManyRequests("\(peer.user) connects too often", retryAfterSeconds: 1)
            }
            do throws(ControlError) {
                try refuseOverShare(peer.uid)
            } catch {
                traffic.refused()
                // A few are told why, as soon as they ask; who is turned away without a word takes no time of others.
                guard refusedCount < Self.share(ofOneIn: loop.value.limit) else { throw error }
                bytes.connection.refuse(error)
            }
        }
        if let peer, !isAdopted { bytes.connection.lets(in: Peer.standing(of: peer, socket: descriptor)) }
        loop.value.open[ObjectIdentifier(channel)] = Open(
            channel: channel, bytes: bytes, descriptor: descriptor, peer: peer)
        traffic.opened()
        channel.closeFuture.whenComplete { _ in self.remove(channel) }
    }

    /// Who may look only leaves room for those who may change things, and for each other.
    private func refuseOverShare(_ user: UInt32) throws(ControlError) {
        let limit = loop.value.limit
        let strangers = loop.value.open.values.filter { $0.bytes.connection.refusal == nil }.compactMap(\.peer)
            .filter { !mayChange($0) }.map(\.uid)
        let (own, all) = (Self.share(ofOneIn: limit), limit / 2)
        if strangers.count(where: { $0 == user }) >= own {
            throw ControlError(
                .unavailable, "user \(user) has \(own) connections here, as many as one may: close one of them",
                details: ["limit": "\(own)"])
        }
        guard strangers.count >= all else { return }
        throw ControlError(
            .unavailable,
            "\(all) connections of users that may look only are open, as many as there may be: try again later",
            details: ["limit": "\(all)"])
    }

    /// How many of them follow the events.
    func followers() async throws -> Int {
        try await eventLoop.submit { self.loop.value.open.values.count { $0.bytes.connection.isFollowing } }.get()
    }

    private var refusedCount: Int { loop.value.open.values.count { $0.bytes.connection.refusal != nil } }

    /// Of a user that may not change things.
    static func share(ofOneIn limit: Int) -> Int { max(limit / 8, 1) }

    private func remove(_ channel: any Channel) {
        loop.value.open[ObjectIdentifier(channel)] = nil
        traffic.closed()
        letIn()
    }

    /// From now on. Those that are open beyond it stay.
    func set(limit: Int) {
        eventLoop.execute {
            self.loop.value.limit = limit
            self.letIn()
        }
    }

    private func letIn() {
        guard hasRoom, let next = loop.value.waiting else { return }
        loop.value.waiting = nil
        next()
    }

    /// On the event loop.
    var hasRoom: Bool { loop.value.open.count < loop.value.limit }

    /// On the event loop: calls `next` once there is room again.
    func whenThereIsRoom(_ next: @escaping () -> Void) { loop.value.waiting = next }

    /// Ends those that no request is under way on, and the others once theirs is answered: a client that does not read its answer is not
    /// waited for.
    func quiesce() {
        eventLoop.execute {
            for open in self.loop.value.open.values {
                open.channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
            }
            self.eventLoop.scheduleTask(in: .seconds(Self.unreadSeconds)) {
                for open in self.loop.value.open.values where open.bytes.unwritten > 0 {
                    open.channel.close(promise: nil)
                }
            }
        }
    }

    /// For how long an answer may stay unread at the end.
    private static let unreadSeconds: Int64 = 2

    // MARK: Handing on

    /// No further request is begun, until `release`: however many clients ask on and on, a moment comes in which nobody is being answered.
    func hold() {
        eventLoop.execute { self.loop.value.isHeld = true }
    }

    func release() {
        eventLoop.execute {
            guard self.loop.value.isHeld else { return }
            self.loop.value.isHeld = false
            for open in self.loop.value.open.values { open.bytes.goOn() }
        }
    }

    /// On the event loop.
    var isHeld: Bool { loop.value.isHeld }

    /// Has the event loop stand still, and says how all connections are handed on; throws, and lets it go on, where something on its way
    /// has to come to its end first. Not on the event loop.
    ///
    /// - Parameters:
    ///   - isLast: whether clients that do not read what is written to them are not waited for any longer.
    ///   - install: the release whose install the next program goes on with.
    func freeze(isLast: Bool, continuing install: String?) throws(HandoverObstacle) -> Frozen {
        let found = ThreadGate()
        let resumed = ThreadGate()
        let result = Mutex<Result<(State, Int), HandoverObstacle>>(.failure(HandoverObstacle("")))
        eventLoop.execute {
            let state = Result { () throws(HandoverObstacle) in try self.state(isLast, install) }
            result.withLock { $0 = state }
            found.open()
            if case .success = state { resumed.wait() }
        }
        found.wait()
        let (state, cut) = try result.withLock { $0 }.get()
        return Frozen(state: state, cut: cut, loop: resumed)
    }

    /// The same for the listening socket alone, where there is one: who is connected comes again. Not on the event loop.
    func freezeListener() -> Frozen? {
        let found = ThreadGate()
        let resumed = ThreadGate()
        let listener = Mutex<(descriptor: Int32, inode: UInt64)?>(nil)
        eventLoop.execute {
            let own = self.loop.value.listener
            listener.withLock { $0 = own }
            found.open()
            if own != nil { resumed.wait() }
        }
        found.wait()
        return listener.withLock { $0 }.map { listener in
            Frozen(
                state: State(listener: listener.descriptor, inode: listener.inode, connections: []), cut: 0,
                loop: resumed)
        }
    }

    private func state(_ isLast: Bool, _ install: String?) throws(HandoverObstacle) -> (State, Int) {
        guard let listener = loop.value.listener else {
            throw HandoverObstacle("the control interface does not listen")
        }
        var connections: [State.Connection] = []
        var cut = 0
        guard loop.value.awaited == 0 else { throw ControlConnection.notBack }
        for open in loop.value.open.values {
            guard open.channel.isActive else {
                // One that is closed has no descriptor any more, though its end is told only in a later turn of the loop.
                if open.bytes.wasActive { continue }
                throw HandoverObstacle("a connection is being opened", isBrief: true)
            }
            if open.bytes.unwritten > 0 || open.bytes.isLost {
                guard isLast || open.bytes.isLost else { throw HandoverObstacle.answer }
                cut += 1
                continue
            }
            let isBegun = open.bytes.isAnswerBegun
            let claim = try open.bytes.connection.claim(continuing: install, isBegun: isBegun)
            connections.append(
                State.Connection(
                    descriptor: open.descriptor, request: open.bytes.bytes, claim: claim, isHeadWritten: isBegun,
                    standing: open.bytes.connection.standing))
        }
        return (
            State(listener: listener.descriptor, inode: listener.inode, connections: connections), cut
        )
    }
}
