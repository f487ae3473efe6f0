import Glibc
import Host

extension Generation {
    /// To the process itself; what it makes of it is its own.
    func send(signal: Int32) throws(SystemError) {
        guard isAlive, let process else { throw SystemError("pidfd_send_signal", ESRCH) }
        try process.send(signal: signal)
    }
}
