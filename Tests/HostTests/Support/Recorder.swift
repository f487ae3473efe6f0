import Glibc
import Host
import Wire

/// Records the events of one process, and wakes those who wait for them.
@HostActor
final class Recorder {
    private(set) var events: [WorkerProcess.Event] = []
    private var waiting: [(isMet: (Recorder) -> Bool, continuation: CheckedContinuation<Void, Never>)] = []

    private(set) var status: ExitStatus?

    func record(_ event: WorkerProcess.Event) {
        events.append(event)
        if case .exited(let status) = event { self.status = status }
        let met = waiting.map { $0.isMet(self) }
        let waiters = waiting
        waiting = []
        for (waiter, isMet) in zip(waiters, met) {
            if isMet { waiter.continuation.resume() } else { waiting.append(waiter) }
        }
    }

    func forget() { events = [] }

    func wait(until isMet: @escaping (Recorder) -> Bool) async {
        if isMet(self) { return }
        await withCheckedContinuation { waiting.append((isMet, $0)) }
    }

    /// Waits for the end and returns how it came.
    func end() async -> ExitStatus? {
        await wait { $0.status != nil }
        return status
    }

    func lines(_ wanted: Host.OutputStream = .stdout) -> [String] {
        events.compactMap { event in
            if case .output(let stream, let line) = event, stream == wanted { return line }
            return nil
        }
    }

    var messages: [WorkerAnswer] {
        events.compactMap { event in
            if case .message(let answer) = event { return answer }
            return nil
        }
    }

    var protocolErrors: [String] {
        events.compactMap { event in
            if case .protocolError(let text) = event { return text }
            return nil
        }
    }

    var transfers: [(packet: TransferPacket, descriptors: [OwnedDescriptor])] {
        events.compactMap { event in
            if case .transfer(let packet, let descriptors) = event { return (packet, descriptors) }
            return nil
        }
    }

    /// What came, by kind, in order.
    var kinds: [String] {
        events.map { event in
            switch event {
            case .message: return "message"
            case .protocolError: return "protocolError"
            case .channelClosed: return "channelClosed"
            case .transfer: return "transfer"
            case .output: return "output"
            case .notification: return "notification"
            case .strangeNotification: return "strangeNotification"
            case .leftBehind: return "leftBehind"
            case .outOfMemory: return "outOfMemory"
            case .exited: return "exited"
            }
        }
    }
}

extension WorkerProcess.Launch {
    /// A shell with a command line. The arguments are `$1` and so on.
    static func shell(
        _ command: String, arguments: [String] = [], environment: [String: String] = [:],
        listenDescriptors: [(name: String, fd: Int32)] = [], withProtocol: Bool = false
    ) -> WorkerProcess.Launch {
        WorkerProcess.Launch(
            executable: .unchecked("/bin/sh"), arguments: ["-c", command, "sh"] + arguments,
            environment: environment.merging(["PATH": "/usr/bin:/bin"]) { given, _ in given },
            listenDescriptors: listenDescriptors, withProtocol: withProtocol)
    }

    /// A program in Python, with what it needs to speak the protocol: `receive()`, `send(bytes)`, `channel`,
    /// `transfer`.
    static func python(_ program: String) -> WorkerProcess.Launch {
        let prelude = """
            import os, socket, struct, sys, time
            channel = socket.socket(fileno=int(os.environ['RELEASE_HANDLER_CHANNEL']))
            transfer = socket.socket(fileno=int(os.environ['RELEASE_HANDLER_TRANSFER']))
            def exactly(count):
                parts = b''
                while len(parts) < count:
                    part = channel.recv(count - len(parts))
                    if not part: sys.exit(0)
                    parts += part
                return parts
            def receive(): return exactly(struct.unpack('>I', exactly(4))[0])
            def send(term): channel.sendall(struct.pack('>I', len(term)) + term)

            """
        return WorkerProcess.Launch(
            executable: .unchecked("/usr/bin/env"), arguments: ["python3", "-c", prelude + program],
            environment: ["PATH": getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin", "HOME": "/tmp"])
    }
}
