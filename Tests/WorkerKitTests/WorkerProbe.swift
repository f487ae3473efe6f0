import CHost
import Foundation
import Glibc
import Terms
import Testing
import Wire

@testable import TestSupport
@testable import WorkerKit

/// What ended a worker.
enum ProbeExit: Equatable {
    case exited(Int32)
    case signaled(Int32)
}

/// The daemon's part, played by a test: one worker process with its channel and transfer socket.
final class WorkerProbe {
    static let timeoutMilliseconds: Int32 = 20_000

    let pid: pid_t
    let channel: Int32
    let transfer: Int32
    private let early = EarlyPackets()
    private(set) var vsn: Term = .undefined
    private(set) var logs: [String] = []
    private var decoder = FrameDecoder()
    private var nextRef = 0
    private var isReaped = false
    private var isClosed = false
    /// What came with the last image.
    private(set) var latch: HeldLatch?

    /// Starts the program; `start` sends its init.
    init(
        _ program: WorkerProgram, vsn: String = "1.0.0", listening: [Int32] = [], descriptorLimit: Int? = nil
    ) throws {
        let command = try program.command(vsn: vsn)
        let (channel, theirChannel) = try Self.pair(SOCK_STREAM)
        let (transfer, theirTransfer) = try Self.pair(SOCK_SEQPACKET)
        defer {
            close(theirChannel)
            close(theirTransfer)
        }
        var variables = ["PATH": "/usr/local/bin:/usr/bin:/bin"]
        variables["SWIFT_BACKTRACE"] = "enable=no"
        variables["RELEASE_HANDLER_CHANNEL"] = "\(3 + listening.count)"
        variables["RELEASE_HANDLER_TRANSFER"] = "\(4 + listening.count)"
        if !listening.isEmpty { variables["LISTEN_FDS"] = "\(listening.count)" }
        // LISTEN_PID is the worker's own pid, which nobody knows before: the shell that becomes it does.
        let limit = descriptorLimit.map { "ulimit -n \($0); " } ?? ""
        // What the test runner left open is not the worker's.
        let closing = "for ((fd=\(5 + listening.count); fd<255; fd++)); do eval \"exec $fd>&-\"; done"
        let script =
            "\(closing); export LISTEN_PID=$$; program=$1 name=$2; shift 2; \(limit)"
            + "exec -a \"$name\" \"$program\" \"$@\""
        let arguments = ["bash", "-c", script, "-", command.path, command.name] + command.arguments
        pid = try Self.spawn(
            "/bin/bash", arguments, variables, descriptors: listening + [theirChannel, theirTransfer])
        self.channel = channel
        self.transfer = transfer
    }

    deinit {
        closeChannel()
        close(transfer)
        if !isReaped {
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
        }
    }

    /// Starts and waits for the acknowledgement.
    static func started(
        _ program: WorkerProgram, vsn: String = "1.0.0", mode: WorkerStartMode = .start, arguments: [Term] = [],
        listening: [Int32] = [], generation: Int = 1, descriptorLimit: Int? = nil
    ) throws -> WorkerProbe {
        let probe = try WorkerProbe(program, vsn: vsn, listening: listening, descriptorLimit: descriptorLimit)
        switch try probe.begin(
            mode: mode, arguments: arguments, sockets: listening.indices.map { "socket\($0)" }, generation: generation)
        {
        case .ack(_, let vsn, _, _, _, _): probe.vsn = vsn
        case let other: throw Unexpected("no acknowledgement: \(other)")
        }
        return probe
    }

    /// Sends init and returns its answer.
    func begin(
        mode: WorkerStartMode = .start, arguments: [Term] = [], sockets: [String] = [], generation: Int = 1,
        protocolVersion: Int = WireLimits.protocolVersion
    ) throws -> WorkerAnswer {
        let start = WorkerInit(
            mode: mode, module: "fixture", function: "start_link", arguments: arguments, path: "app/app_sup/fixture",
            application: "app", release: "1.0.0", environment: [EnvironmentEntry(key: "color", value: .atom("red"))],
            generation: generation, sockets: sockets, protocolVersion: protocolVersion)
        return try request { .initialize(ref: $0, start) }
    }

    func send(_ request: WorkerRequest) throws { try send(raw: try Frame.encode(request.term)) }

    func send(raw bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(channel, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Unexpected("send: errno \(errno)") }
            sent += count
        }
    }

    func newRef() -> Int {
        defer { nextRef += 1 }
        return nextRef
    }

    /// Sends one request and returns its answer, which is to be the next one.
    func request(_ make: (Int) -> WorkerRequest) throws -> WorkerAnswer {
        let request = make(newRef())
        try send(request)
        let answer = try next()
        guard answer.ref == request.ref else {
            throw Unexpected("expected an answer to \(request), found \(answer)")
        }
        return answer
    }

    func call(_ request: Term) throws -> Term {
        switch try self.request({ .call(ref: $0, request: request) }) {
        case .reply(_, let answer): return answer
        case let other: throw Unexpected("expected a reply to \(request), found \(other)")
        }
    }

    func call(_ text: String) throws -> Term { try call(try TermText.parseTerm(text)) }

    /// The next message; logs are put aside.
    func next() throws -> WorkerAnswer {
        guard let answer = try nextOrEnd() else { throw Unexpected("the channel has ended") }
        return answer
    }

    func nextOrEnd() throws -> WorkerAnswer? {
        while true {
            if let payload = try decoder.next() {
                let answer = try WorkerAnswer(try Frame.decode(payload))
                guard case .log(_, let text, _) = answer else { return answer }
                logs.append(text)
                continue
            }
            guard try receive() else { return nil }
        }
    }

    /// A whole message has come already.
    func hasNext() throws -> Bool {
        var ahead = decoder
        return try ahead.next() != nil
    }

    /// Takes in bytes of the channel; false at its end.
    private func receive() throws -> Bool {
        guard Wait.isReadable([channel], milliseconds: Self.timeoutMilliseconds) else {
            throw Unexpected("nothing came on the channel")
        }
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = recv(channel, &buffer, buffer.count, 0)
        guard count > 0 else { return false }
        decoder.append(Array(buffer[..<count]))
        return true
    }

    func closeChannel() {
        guard !isClosed else { return }
        isClosed = true
        close(channel)
    }

    /// Reads up to the channel's end, then waits for the process.
    func waitForExit() throws -> ProbeExit {
        if !isClosed { while try nextOrEnd() != nil {} }
        var status: Int32 = 0
        guard waitpid(pid, &status, 0) == pid else { throw Unexpected("waitpid: errno \(errno)") }
        isReaped = true
        return status & 0x7f == 0 ? .exited((status >> 8) & 0xff) : .signaled(status & 0x7f)
    }
}

extension WorkerProbe {
    typealias Packet = (packet: TransferPacket, descriptors: [OwnedDescriptor])

    /// Exports; the packets are taken meanwhile, as the daemon does.
    func export(_ change: CodeChange) throws -> (answer: WorkerAnswer, packets: [Packet]) {
        try export { .exportState(ref: $0, change: change) }
    }

    func export(_ make: (Int) -> WorkerRequest) throws -> (answer: WorkerAnswer, packets: [Packet]) {
        try send(make(newRef()))
        return try nextWithPackets()
    }

    /// The next message, and the packets that came before it.
    func nextWithPackets() throws -> (answer: WorkerAnswer, packets: [Packet]) {
        var packets: [Packet] = []
        while true {
            if Wait.isReadable([transfer], milliseconds: 0) {
                try takePacket(into: &packets)
            } else if try hasNext() || Wait.isReadable([channel], milliseconds: 0) {
                let answer = try next()
                // What was sent before the answer is there by now.
                while Wait.isReadable([transfer], milliseconds: 0) { try takePacket(into: &packets) }
                return (answer, packets)
            } else if !Wait.isReadable([transfer, channel], milliseconds: Self.timeoutMilliseconds) {
                throw Unexpected("nothing came of the export")
            }
        }
    }

    /// A latch is kept, and goes to nobody.
    private func takePacket(into packets: inout [Packet]) throws {
        let packet = try Transfer(descriptor: transfer, lifeline: channel, early: early).receive()
        guard case .latch = packet.packet else { return packets.append(packet) }
        latch = try HeldLatch(try #require(packet.descriptors.first).raw)
    }

    /// Holds the worker once it is at rest: nothing says when, but that what it does comes to an end.
    func holdAtRest() throws {
        let latch = try #require(latch)
        let end = ContinuousClock.now + .milliseconds(Int(Self.timeoutMilliseconds))
        while !latch.hold() {
            guard ContinuousClock.now < end else { throw Unexpected("it is not at rest") }
            sched_yield()
        }
    }

    func importState(_ packets: [Packet], from vsn: Term, _ change: CodeChange) throws -> WorkerAnswer {
        try importing(packets, from: vsn, change) { .importState(ref: $0, $1) }
    }

    /// Sends the request that takes these packets in, and then the packets.
    func importing(
        _ packets: [Packet], from vsn: Term, _ change: CodeChange, as make: (Int, StateImport) -> WorkerRequest
    ) throws -> WorkerAnswer {
        var size = 0
        for case .state(_, let bytes) in packets.map(\.packet) { size = bytes }
        let count = packets.reduce(0) { $0 + $1.packet.descriptorCount } - 1
        let ref = newRef()
        try send(make(ref, StateImport(size: size, descriptors: count, fromVsn: vsn, change: change)))
        for packet in packets {
            try Transfer(descriptor: transfer, lifeline: channel, early: early).send(
                packet.packet.with(ref: ref), packet.descriptors.map(\.raw))
        }
        return try next()
    }

    /// Suspends, exports, imports; the answer of the import. Nothing is resumed.
    func handOff(to new: WorkerProbe, export: CodeChange = .none, import change: CodeChange = .none) throws
        -> WorkerAnswer
    {
        guard case .ok = try request({ .suspend(ref: $0) }) else { throw Unexpected("not suspended") }
        let (answer, packets) = try self.export(export)
        guard case .exported(_, let size, let descriptors, _) = answer else {
            throw Unexpected("not exported: \(answer)")
        }
        #expect(packets.first?.packet == .state(ref: answer.ref ?? -1, size: size))
        #expect(packets.reduce(0) { $0 + $1.packet.descriptorCount } == descriptors + 1)
        return try new.importState(packets, from: vsn, change)
    }

    private static func pair(_ type: __socket_type) throws -> (Int32, Int32) {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(type.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw Unexpected("socketpair: errno \(errno)")
        }
        return (ends[0], ends[1])
    }

    /// Spawns with `descriptors` as 3, 4, ... and no others.
    private static func spawn(
        _ path: String, _ arguments: [String], _ variables: [String: String], descriptors: [Int32]
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // Copies from 500 on: none of them lies where another is to be put.
        let copies = descriptors.map { fcntl($0, F_DUPFD_CLOEXEC, 500) }
        defer { for copy in copies { close(copy) } }
        for (index, copy) in copies.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, copy, Int32(3 + index))
        }
        for output in [1, 2] as [Int32] {
            posix_spawn_file_actions_addopen(&actions, output, "/dev/null", O_WRONLY, 0)
        }
        var argv = arguments.map { strdup($0) } + [nil]
        var envp = variables.map { strdup("\($0)=\($1)") } + [nil]
        defer { for string in argv + envp { free(string) } }
        var pid: pid_t = 0
        let result = posix_spawn(&pid, path, &actions, nil, &argv, &envp)
        guard result == 0 else { throw Unexpected("posix_spawn: errno \(result)") }
        return pid
    }
}

extension WorkerProbe {
    /// Sends a packet of the test's own making, with another's descriptors.
    func send(packet: TransferPacket, with other: Packet) throws {
        try Transfer(descriptor: transfer, lifeline: channel, early: early).send(packet, other.descriptors.map(\.raw))
    }
}

/// The daemon's side of a latch.
final class HeldLatch {
    private let memory: UnsafeMutableRawPointer

    init(_ descriptor: Int32) throws {
        var memory: UnsafeMutableRawPointer?
        guard chost_latch_map(descriptor, &memory) == 0, let memory else { throw Unexpected("no latch") }
        self.memory = memory
    }

    deinit { chost_latch_unmap(memory) }

    func hold() -> Bool { chost_latch_hold(memory) == 1 }
}
