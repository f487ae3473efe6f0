import Glibc
import Supervision

extension KillSignal {
    /// Source: signal(7).
    var number: Int32 {
        switch self {
        case .sighup: SIGHUP
        case .sigint: SIGINT
        case .sigquit: SIGQUIT
        case .sigterm: SIGTERM
        case .sigusr1: SIGUSR1
        case .sigusr2: SIGUSR2
        case .sigwinch: SIGWINCH
        }
    }
}
