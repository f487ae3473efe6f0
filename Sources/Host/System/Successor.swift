import CHost
import Glibc

/// Another program in this process's place, with some of its descriptors. Source: execve(2), fcntl(2).
@HostActor
public enum Successor {
    /// Executes `program` with these arguments and this process's environment; returns only where that failed, and then all is as it was.
    ///
    /// It is the reactor's thread that goes on: its children live on, and signals that come meanwhile wait for the other program.
    ///
    /// - Parameters:
    ///   - descriptors: those that it is to have open, under their numbers.
    ///   - variables: what it finds in its environment beside what this process has; nil takes one out.
    public static func execute(
        _ program: String, _ arguments: [String], keeping descriptors: [Int32], variables: [String: String?] = [:]
    ) -> SystemError {
        for descriptor in descriptors { setCloseOnExec(descriptor, false) }
        let before = variables.keys.map { ($0, getenv($0).map { String(cString: $0) }) }
        for (name, value) in variables { set(name, value) }
        ServiceSignals.leave()
        let arena = CArena()
        execv(program, arena.strings(arguments))
        let error = SystemError("execve", errno, program)
        ServiceSignals.stay()
        for (name, value) in before { set(name, value) }
        for descriptor in descriptors { setCloseOnExec(descriptor, true) }
        return error
    }

    /// Takes over what was handed on under these numbers: none of the processes that are started gets them.
    ///
    /// - Throws: where one is not open.
    public nonisolated static func take(_ descriptors: [Int32]) throws(SystemError) {
        for descriptor in descriptors {
            guard chost_fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 else {
                throw SystemError("fcntl F_SETFD", errno, "descriptor \(descriptor)")
            }
        }
    }

    /// Takes one over where it is a socket; false where it is not.
    public nonisolated static func takeSocket(_ descriptor: Int32) -> Bool {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return false }
        return chost_fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0
    }

    private static func setCloseOnExec(_ descriptor: Int32, _ isOn: Bool) {
        _ = chost_fcntl(descriptor, F_SETFD, isOn ? FD_CLOEXEC : 0)
    }

    private static func set(_ name: String, _ value: String?) {
        if let value { setenv(name, value, 1) } else { unsetenv(name) }
    }
}
