import Supervision
import Terms
import Wire
import Logging

/// What supervisors do, and what their children fail at.
enum SupervisorEvent {
    /// A supervisor that is a child itself.
    case terminated(ChildAddress, reason: Term)
    /// Orderly, and it is not started again.
    case ended(ChildAddress, reason: Term, RestartType)
    case autoShutdown(ChildAddress, child: ChildAddress, AutoShutdown)
    case startError(ChildAddress, reason: Term, explained: String)
    case shutdownError(ChildAddress, reason: Term)
    /// It gives up.
    case shutdown(ChildAddress, child: ChildAddress, reason: Term)

    var entry: EventEntry {
        switch self {
        case .terminated(let supervisor, let reason):
            EventEntry(
                .supervisorExited, "\(supervisor) terminated: \(reason.reasonText)", level: .warning,
                worker: supervisor, fields: ["reason": reason.reasonText])
        case .ended(let supervisor, let reason, let restart):
            EventEntry(
                .supervisorExited,
                "\(supervisor) ended: \(reason.reasonText); it is \(restart.rawValue) and not started again",
                level: .notice, worker: supervisor, fields: ["reason": reason.reasonText])
        case .autoShutdown(let supervisor, let child, let flag):
            EventEntry(
                .supervisorAutoShutdown,
                "\(supervisor) shuts down since its significant child \(child) has ended (\(flag.rawValue))",
                level: .notice, worker: supervisor, fields: ["child": child.description])
        case .startError(let child, let reason, let explained):
            EventEntry(
                .startError, "\(child) failed to start: \(explained)", level: .error, worker: child,
                fields: ["reason": reason.reasonText])
        case .shutdownError(let child, let reason):
            EventEntry(
                .shutdownError, "\(child) ended badly at its shutdown: \(reason.reasonText)", level: .error,
                worker: child, fields: ["reason": reason.reasonText])
        case .shutdown(let supervisor, let child, let reason):
            EventEntry(
                .supervisorShutdown, "\(supervisor) gives up because of \(child): \(reason.reasonText)", level: .error,
                worker: supervisor, fields: ["child": child.description, "reason": reason.reasonText])
        }
    }
}
