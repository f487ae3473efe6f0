/// A family of metrics that the daemon exposes: all that is said of it anywhere, said once.
///
/// Source: OpenMetrics 1.0, "MetricFamily" and "Metric types"; Prometheus, "Metric and label naming".
public struct MetricFamily: Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable { case counter, gauge, histogram, info }

    /// Without what its kind adds: `_total`, `_bucket`, `_count`, `_sum`, `_info`.
    public let name: String
    public let kind: Kind
    /// A base unit, with which the name ends.
    public let unit: String?
    /// A histogram's `le` excepted.
    public let labels: [String]
    /// One sentence without its full stop.
    public let help: String

    init(_ name: String, _ kind: Kind, unit: String? = nil, labels: [String] = [], help: String) {
        self.name = unit.map { "\(name)_\($0)" } ?? name
        self.kind = kind
        self.unit = unit
        self.labels = labels
        self.help = help
    }

    /// The names that its samples have.
    public var sampleNames: [String] {
        switch kind {
        case .counter: ["\(name)_total"]
        case .gauge: [name]
        case .histogram: ["\(name)_bucket", "\(name)_count", "\(name)_sum"]
        case .info: ["\(name)_info"]
        }
    }
}

/// The table of metrics, by subject. `docs/metrics.md` has a line for each; the tests find it here.
public enum Metrics {
    public static let node = NodeMetrics()
    public static let workers = WorkerMetrics()
    public static let interface = InterfaceMetrics()
    public static let process = ProcessMetrics()

    /// Every family, read off the properties, so that there is no second list that could lack one.
    public static let all: [MetricFamily] = {
        let groups: [Any] = [node, workers, interface, process]
        return groups.flatMap { group in Mirror(reflecting: group).children.compactMap { $0.value as? MetricFamily } }
    }()
}

/// The node and its releases.
public struct NodeMetrics: Sendable {
    public let info = MetricFamily(
        "release_handler", .info, labels: ["node", "name", "version", "emulator"],
        help: "The release that runs, and the version of the daemon")

    public let state = MetricFamily(
        "release_handler_node_state", .gauge, labels: ["state"], help: "1 for what the node is at, 0 for all else")

    public let releaseStatus = MetricFamily(
        "release_handler_release_status", .gauge, labels: ["release", "status"],
        help: "1 for the status that the release has, 0 for all others")

    public let probationActive = MetricFamily(
        "release_handler_probation_active", .gauge,
        help: "1 while the release that runs has to prove itself, 0 otherwise")

    public let probationRemaining = MetricFamily(
        "release_handler_probation_remaining", .gauge, unit: "seconds",
        help: "Until the time of the probation is over; 0 where there is none")

    public let probationRestarts = MetricFamily(
        "release_handler_probation_restarts", .gauge,
        help: "Restarts that are held against the release on probation; 0 where there is none")

    public let waitingRestarts = MetricFamily(
        "release_handler_waiting_restarts", .gauge, help: "Children whose restart waits (restart_delay)")

    public let upgrades = MetricFamily(
        "release_handler_upgrades", .counter, labels: ["outcome"],
        help: "Installs that came to an end, by what they came to")

    public let upgradePause = MetricFamily(
        "release_handler_upgrade_pause", .histogram, unit: "seconds",
        help: "From the first suspend of an install to its last resume")

    public let events = MetricFamily("release_handler_events", .counter, help: "Events of the node")

    public let logLinesDropped = MetricFamily(
        "release_handler_log_lines_dropped", .counter, help: "Lines of the log that nobody took in time")
}

/// Workers and supervisors, by their places.
public struct WorkerMetrics: Sendable {
    public let info = MetricFamily(
        "release_handler_worker", .info, labels: ["worker", "module", "version"],
        help: "The code that runs at the worker's place")

    public let state = MetricFamily(
        "release_handler_worker_state", .gauge, labels: ["worker", "state"],
        help: "1 for what the worker is at, 0 for all else")

    public let restarts = MetricFamily(
        "release_handler_worker_restarts", .counter, labels: ["worker"],
        help: "How often its supervisor started the worker again, for its own end or another's")

    public let supervisorRestarts = MetricFamily(
        "release_handler_supervisor_restarts", .counter, labels: ["supervisor"],
        help: "How often a supervisor that is a child was started again")

    public let generation = MetricFamily(
        "release_handler_worker_generation", .gauge, labels: ["worker"],
        help: "Which process stands at the place: 1 for the first, one more at each start and handoff")

    public let startTime = MetricFamily(
        "release_handler_worker_start_time", .gauge, unit: "seconds", labels: ["worker"],
        help: "When the worker was started, in seconds since 1970; a handoff is no start")

    public let mailbox = MetricFamily(
        "release_handler_worker_mailbox_messages", .gauge, labels: ["worker"],
        help: "Calls and casts that wait while the worker is suspended")

    public let openCalls = MetricFamily(
        "release_handler_worker_open_calls", .gauge, labels: ["worker"],
        help: "Calls that the worker has and has not answered")

    public let calls = MetricFamily(
        "release_handler_worker_calls", .counter, labels: ["worker"],
        help: "Calls that the worker was given since its start")

    public let replies = MetricFamily(
        "release_handler_worker_replies", .counter, labels: ["worker"],
        help: "Replies that the worker gave since its start")

    public let outputLines = MetricFamily(
        "release_handler_worker_output_lines", .counter, labels: ["worker"],
        help: "Lines that the worker wrote or logged since its start, and that were taken")

    public let outputLinesDropped = MetricFamily(
        "release_handler_worker_output_lines_dropped", .counter, labels: ["worker"],
        help: "Lines beyond what a worker may say, since its start")

    public let memory = MetricFamily(
        "release_handler_worker_memory", .gauge, unit: "bytes", labels: ["worker"],
        help:
            "Memory of the worker and all that it has started, by its control group; else its process' resident memory")

    public let cpu = MetricFamily(
        "release_handler_worker_cpu", .counter, unit: "seconds", labels: ["worker"],
        help:
            "Processor time of the worker's process and all that it has started, by its control group; else its process'"
    )
}

/// The control interface, and the page.
public struct InterfaceMetrics: Sendable {
    public let connections = MetricFamily(
        "release_handler_control_connections", .gauge, labels: ["interface"], help: "Connections that are open")

    public let connectionsRefused = MetricFamily(
        "release_handler_control_connections_refused", .counter, labels: ["interface"],
        help: "Connections that were turned away, over a share or a rate")

    public let requests = MetricFamily(
        "release_handler_control_requests", .counter, labels: ["interface", "code"],
        help: "Requests that were answered, by the status of HTTP")
}

/// The daemon's own process, under the names that client libraries of Prometheus use.
public struct ProcessMetrics: Sendable {
    public let cpu = MetricFamily(
        "process_cpu", .counter, unit: "seconds", help: "Processor time of the daemon, user and system")

    public let resident = MetricFamily(
        "process_resident_memory", .gauge, unit: "bytes", help: "Resident memory of the daemon")

    public let virtual = MetricFamily(
        "process_virtual_memory", .gauge, unit: "bytes", help: "Virtual memory of the daemon")

    public let startTime = MetricFamily(
        "process_start_time", .gauge, unit: "seconds",
        help: "When the daemon's process began, in seconds since 1970; a re-execution is no start")

    public let openDescriptors = MetricFamily(
        "process_open_fds", .gauge, help: "Descriptors that the daemon has open")

    public let maxDescriptors = MetricFamily(
        "process_max_fds", .gauge, help: "Descriptors that the daemon may have open")
}
