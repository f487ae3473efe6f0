import Glibc
import Host
import Supervision

extension Daemon {
    /// Replaces this process by a new run of the same program: same pid, so the service manager sees no restart.
    ///
    /// Returns only where execve(2) failed. Every descriptor of the daemon is close-on-exec but the listening sockets,
    /// which are handed over as sd_listen_fds(3) has it: connections that wait in their backlogs are served after it.
    ///
    /// - Parameter booting: the release that the next run is to boot, once; the permanent one where it is nil.
    public static func executeAgain(
        with sockets: [InheritedDescriptor], booting vsn: String? = nil
    ) -> BootError {
        // What comes from here on waits for the next run.
        ServiceSignals.leave()
        handOver(sockets)
        if let vsn { setenv(bootVariable, vsn, 1) } else { unsetenv(bootVariable) }
        let arguments = CommandLine.arguments.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        execv("/proc/self/exe", arguments)
        return BootError("the daemon could not execute itself again: \(SystemError.reason(errno))")
    }

    private static let bootVariable = "RELEASE_HANDLER_BOOT"

    /// Which release the run before has restarted into; asked once, so that no later run and no worker finds it.
    static func takeBootedRelease() -> String? {
        guard let value = getenv(bootVariable) else { return nil }
        defer { unsetenv(bootVariable) }
        return String(cString: value)
    }

    private static func handOver(_ sockets: [InheritedDescriptor]) {
        guard !sockets.isEmpty else { return }
        // First out of the way of the numbers that they are to have, then onto these.
        let first: Int32 = 3
        let copies = sockets.map { fcntl($0.descriptor.raw, F_DUPFD_CLOEXEC, first + Int32(sockets.count)) }
        for (index, copy) in copies.enumerated() where copy >= 0 { dup2(copy, first + Int32(index)) }
        setenv("LISTEN_FDS", "\(sockets.count)", 1)
        setenv("LISTEN_PID", "\(getpid())", 1)
        setenv("LISTEN_FDNAMES", sockets.map(\.name).joined(separator: ":"), 1)
    }
}
