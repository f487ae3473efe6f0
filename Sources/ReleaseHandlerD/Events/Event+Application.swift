import Instructions
import Terms
import Wire
import Logging

/// Applications as a whole.
enum ApplicationEvent {
    case started(Atom)
    case stopped(Atom)
    case failed(Atom, reason: Term, explained: String)
    case exited(Atom, ApplicationType, reason: Term)
    /// The applications of a release that runs could not be loaded.
    case internalError(vsn: String, error: String)

    var entry: EventEntry {
        switch self {
        case .started(let application):
            EventEntry(.applicationStarted, "application \(application.name) started")
        case .stopped(let application):
            EventEntry(.applicationStopped, "application \(application.name) stopped")
        case .failed(let application, let reason, let explained):
            EventEntry(
                .applicationFailed, "application \(application.name) could not start: \(explained)", level: .error,
                fields: ["reason": reason.reasonText])
        case .exited(let application, let type, let reason):
            EventEntry(
                .applicationExited,
                "application \(application.name) (\(type.atom.name)) ended: \(reason.reasonText)", level: .error,
                fields: ["reason": reason.reasonText])
        case .internalError(let vsn, let error):
            EventEntry(.internalError, "the applications of \(vsn): \(error)", level: .error)
        }
    }
}
