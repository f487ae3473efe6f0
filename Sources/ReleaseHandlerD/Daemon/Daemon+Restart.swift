import Glibc
import Host
import Supervision

/// The orderly restart, as another run of the same program.
extension Daemon {
    /// Replaces this process by a new run of the same program: same pid, so the service manager sees no restart.
    ///
    /// Returns only where execve(2) failed. Every descriptor of the daemon is close-on-exec but the listening sockets,
    /// which are handed over as sd_listen_fds(3) has it: connections that wait in their backlogs are served after it.
    ///
    /// - Parameter booting: the release that the next run is to boot, once; the permanent one where it is nil.
    @HostActor
    public static func executeAgain(
        with sockets: [InheritedDescriptor], booting vsn: String? = nil
    ) -> BootError {
        let copies = place(sockets)
        var variables: [String: String?] = [bootVariable: vsn]
        if !sockets.isEmpty {
            variables["LISTEN_FDS"] = "\(sockets.count)"
            variables["LISTEN_PID"] = "\(getpid())"
            variables["LISTEN_FDNAMES"] = sockets.map(\.name).joined(separator: ":")
        }
        let error = Successor.execute(
            "/proc/self/exe", CommandLine.arguments, keeping: copies, variables: variables)
        return BootError("the daemon could not execute itself again: \(error.reason)")
    }

    private static let bootVariable = "RELEASE_HANDLER_BOOT"

    /// Which release the run before has restarted into; asked once, so that no later run and no worker finds it.
    static func takeBootedRelease() -> String? {
        guard let value = getenv(bootVariable) else { return nil }
        defer { unsetenv(bootVariable) }
        return String(cString: value)
    }

    /// Puts them where sd_listen_fds(3) has them; returns their numbers.
    private static func place(_ sockets: [InheritedDescriptor]) -> [Int32] {
        // First out of the way of the numbers that they are to have, then onto these.
        let first: Int32 = 3
        let copies = sockets.map { fcntl($0.descriptor.raw, F_DUPFD_CLOEXEC, first + Int32(sockets.count)) }
        for (index, copy) in copies.enumerated() where copy >= 0 { _ = dup2(copy, first + Int32(index)) }
        return sockets.indices.map { first + Int32($0) }
    }
}
