import CWorkerKit
import Glibc
import Terms
import Wire

/// A handoff between two runtimes of this process and for nobody, right after its acknowledgement.
///
/// What a process does for the first time costs several times what it costs later: pages of the program are mapped in, symbols
/// bound, metadata made. Each process goes through one handoff, and then all its clients wait; so it has been through one before.
enum WarmUp {
    /// Not known to the compiler: it would make code for this type of its own, and that of all others would stay cold.
    /// A constant would be known, so it is a variable; nobody writes it.
    nonisolated(unsafe) static var type: any GenServer.Type = Server.self

    /// A server with a small state.
    struct Server: GenServer {
        static var copiesStateAhead: Bool { true }

        var state: Term

        init(arguments: [Term], context: WorkerContext) { state = .list(arguments) }
        private init(state: Term) { self.state = state }

        func handleCall(_ request: Term, from: CallReference, context: WorkerContext) -> CallResult { .reply(state) }
        func exportState(into writer: inout ExternalTermWriter) { writer.term(state) }

        static func codeChange(
            from vsn: FromVsn, state: inout ExternalTermReader, extra: Term, context: WorkerContext
        ) throws -> Server {
            Server(state: try state.term())
        }
    }

    /// Nothing comes of it, and nothing of what goes wrong in it: without a descriptor to spare it is left out.
    static func run() { type.warmUp() }

    fileprivate static func handOver<Other: GenServer>(_ type: Other.Type) {
        guard let transfer = pair(Int32(SOCK_SEQPACKET.rawValue)), let old = Process<Other>(transfer: transfer.0),
            let new = Process<Other>(transfer: transfer.1)
        else { return }
        old.take([start(.start)])
        new.take([start(.standby)])
        // As most handoffs are: copied ahead, and nothing changed since. What else there is runs in the same code by and large.
        let ahead = 1
        old.take([.exportSnapshot(ref: ahead, change: .none)])
        guard let (size, descriptors) = old.announced() else { return }
        let content = StateImport(
            size: size, descriptors: descriptors, fromVsn: .undefined, change: .up(from: .string("1"), extra: .nil))
        new.take([.importSnapshot(ref: ahead, content)])
        old.take([.suspend(ref: 2), .exportChanges(ref: 3, change: .none)])
        new.take([.resume(ref: 4)])
        new.take([.call(ref: 5, request: .atom("get"))])
    }

    private static func start(_ mode: WorkerStartMode) -> WorkerRequest {
        .initialize(
            ref: 0,
            WorkerInit(
                mode: mode, module: "warm_up", function: "start_link", arguments: [1, .text("state")],
                path: "warm_up/sup/worker", application: "warm_up", release: ""))
    }

    private static func pair(_ type: Int32) -> (OwnedDescriptor, OwnedDescriptor)? {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, type | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0, &ends) == 0
        else { return nil }
        return (OwnedDescriptor(ends[0]), OwnedDescriptor(ends[1]))
    }

    /// One of the two, with the daemon's end of its channel.
    private final class Process<Server: GenServer> {
        private let runtime: WorkerRuntime<Server>
        private let daemon: OwnedDescriptor
        private let channel: OwnedDescriptor
        private let transfer: OwnedDescriptor

        init?(transfer: OwnedDescriptor) {
            guard let channel = WarmUp.pair(Int32(SOCK_STREAM.rawValue)),
                let runtime = try? WorkerRuntime<Server>(
                    channel: channel.1.raw, transfer: transfer.raw, sockets: [])
            else { return nil }
            (daemon, self.channel, self.transfer, self.runtime) = (channel.0, channel.1, transfer, runtime)
        }

        deinit {
            _ = close(runtime.core.all.descriptor)
            _ = close(runtime.core.control.descriptor)
        }

        /// Sends all of these in one write, and has them handled.
        func take(_ requests: [WorkerRequest]) {
            guard let frames = try? WorkerRequest.frames(requests),
                write(daemon.raw, frames, frames.count) == frames.count
            else { return }
            withUnsafeTemporaryAllocation(of: cwk_event.self, capacity: 64) { runtime.turn($0) }
        }

        /// What its export said.
        func announced() -> (size: Int, descriptors: Int)? {
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = read(daemon.raw, &bytes, bytes.count)
            guard count > 0 else { return nil }
            var decoder = FrameDecoder()
            decoder.append(Array(bytes[..<count]))
            while let payload = try? decoder.next(), let term = try? Frame.decode(payload) {
                if case .exported(_, let size, let descriptors, _) = try? WorkerAnswer(term) {
                    return (size, descriptors)
                }
            }
            return nil
        }
    }
}

extension GenServer {
    fileprivate static func warmUp() { WarmUp.handOver(Self.self) }
}
