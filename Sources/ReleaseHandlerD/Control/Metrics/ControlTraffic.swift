import Synchronization
import Wire

/// How an interface is used, counted since this program was executed. From any thread.
final class ControlTraffic: Sendable {
    private struct Counts {
        var open = 0
        var refused = 0
        /// By the status of HTTP.
        var answers: [Int: Int] = [:]
    }

    /// As its metrics name it.
    let interface: String
    private let counts = Mutex(Counts())

    init(_ interface: String = "control") { self.interface = interface }

    func opened() { counts.withLock { $0.open += 1 } }
    func closed() { counts.withLock { $0.open -= 1 } }
    /// A connection was turned away.
    func refused() { counts.withLock { $0.refused += 1 } }
    func answered(_ status: Int) { counts.withLock { $0.answers[status, default: 0] += 1 } }

    func add(to exposition: inout MetricExposition) {
        let counts = counts.withLock { $0 }
        let metrics = Metrics.interface
        exposition.add(metrics.connections, counts.open, [interface])
        exposition.add(metrics.connectionsRefused, counts.refused, [interface])
        for (status, count) in counts.answers.sorted(by: { $0.key < $1.key }) {
            exposition.add(metrics.requests, count, [interface, "\(status)"])
        }
    }
}
