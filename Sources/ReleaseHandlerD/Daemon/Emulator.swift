import Glibc
import Host
public import Logging
import Supervision

/// This version of the daemon: what `erts-VSN` holds.
public enum Emulator {
    public static let vsn = "0.1.0"
}

extension Daemon {
    /// The journal where standard error is connected to it, else standard error itself.
    public static func logHandler() -> any LogHandler {
        Journal.isConnected ? JournalLogHandler() : TerminalLogHandler()
    }

    /// Replaces this process by a new run of the same program: same pid, so the service manager sees no restart.
    ///
    /// Returns only where execve(2) failed. Every descriptor of the daemon is close-on-exec.
    public static func executeAgain() -> BootError {
        var mask = sigset_t()
        sigemptyset(&mask)
        pthread_sigmask(SIG_SETMASK, &mask, nil)
        signal(SIGTERM, SIG_DFL)
        signal(SIGINT, SIG_DFL)
        let arguments = CommandLine.arguments.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        execv("/proc/self/exe", arguments)
        return BootError("the daemon could not execute itself again: \(SystemError.reason(errno))")
    }
}
