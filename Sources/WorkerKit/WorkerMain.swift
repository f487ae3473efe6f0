import CWorkerKit
import Glibc
import Terms

/// The entry of a worker's program:
///
///     @main struct Main {
///         static func main() { WorkerMain.run(Counter.self) }
///     }
public enum WorkerMain {
    /// Serves until the worker ends.
    public static func run<Server: GenServer>(_ server: Server.Type) -> Never {
        guard let channel = number("RELEASE_HANDLER_CHANNEL"), let transfer = number("RELEASE_HANDLER_TRANSFER") else {
            fail("this program is a worker: release-handlerd starts it, with RELEASE_HANDLER_CHANNEL set", EX_USAGE)
        }
        // A client that goes away is an errno of the write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        // A loop with epoll has no use for the limit that select(2) asks for.
        _ = cwk_raise_descriptor_limit()
        let sockets = listeningDescriptors()
        // What the worker starts itself is to hold none of them.
        for descriptor in sockets + [channel, transfer] { _ = cwk_set_close_on_exec(descriptor) }
        unsetenv("RELEASE_HANDLER_CHANNEL")
        unsetenv("RELEASE_HANDLER_TRANSFER")
        do {
            try WorkerRuntime<Server>(channel: channel, transfer: transfer, sockets: sockets).run()
        } catch {
            fail("\(error)", EX_OSERR)
        }
    }

    /// The descriptors that were passed, from 3 on. Source: sd_listen_fds(3).
    private static func listeningDescriptors() -> [Int32] {
        guard number("LISTEN_PID") == getpid(), let count = number("LISTEN_FDS"), count > 0 else { return [] }
        return (3..<(3 + count)).map { $0 }
    }

    private static func fail(_ message: String, _ status: Int32) -> Never {
        _ = Array("\(message)\n".utf8).withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
        exit(status)
    }

    private static func number(_ name: String) -> Int32? {
        guard let value = getenv(name) else { return nil }
        return Int32(String(cString: value))
    }
}
