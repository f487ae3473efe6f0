import Logging
import Wire

/// What happens on the node and is told: by subject, each case with exactly what it tells of.
///
/// Who posts one gives data; the sentences stand beside the cases. What has to be looked up for a sentence, such as why a
/// module was not found, is given as text.
enum Event {
    case daemon(DaemonEvent)
    case worker(WorkerEvent)
    case output(OutputEvent)
    case supervisor(SupervisorEvent)
    case application(ApplicationEvent)
    case release(ReleaseEvent)
    case upgrade(UpgradeEvent)
    case probation(ProbationEvent)

    typealias Kind = NodeEventKind

    var entry: EventEntry {
        switch self {
        case .daemon(let event): event.entry
        case .worker(let event): event.entry
        case .output(let event): event.entry
        case .supervisor(let event): event.entry
        case .application(let event): event.entry
        case .release(let event): event.entry
        case .upgrade(let event): event.entry
        case .probation(let event): event.entry
        }
    }
}

/// An event as the log and followers get it. `Event.Kind.levels` and `.fields` say what each kind may have here.
struct EventEntry {
    let kind: Event.Kind
    let message: String
    let level: Logger.Level
    /// The worker or supervisor that it is about.
    let worker: ChildAddress?
    let fields: [String: String]

    init(
        _ kind: Event.Kind, _ message: String, level: Logger.Level = .info, worker: ChildAddress? = nil,
        fields: [String: String] = [:]
    ) {
        self.kind = kind
        self.message = message
        self.level = level
        self.worker = worker
        self.fields = fields
    }
}
