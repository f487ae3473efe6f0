import CHost
import Glibc
public import Terms

/// How a process ended. Source: waitid(2).
public enum ExitStatus: Hashable, Sendable, CustomStringConvertible {
    case exited(Int32)
    case signaled(Int32)

    init(code: Int32, status: Int32) {
        self = code == CLD_EXITED ? .exited(status) : .signaled(status)
    }

    /// What a supervisor is told: `normal`, `{exit_status, N}` or `{signal, sigsegv}`.
    public var reason: Term {
        switch self {
        case .exited(0): return .atom(Atom("normal"))
        case .exited(let status): return .tuple([.atom(Atom("exit_status")), .integer(Int(status))])
        case .signaled(let number):
            return .tuple([.atom(Atom("signal")), .atom(Atom(Self.signalName(number).lowercased()))])
        }
    }

    public var description: String {
        switch self {
        case .exited(let status): return "exited with status \(status)"
        case .signaled(let number): return "was ended by \(Self.signalName(number))"
        }
    }

    /// A signal's name with its prefix, such as "SIGTERM".
    public static func signalName(_ number: Int32) -> String {
        guard let name = chost_signal_name(number) else { return "SIG\(number)" }
        return "SIG" + String(cString: name)
    }
}
