import Host
import Synchronization

/// When an event loop last showed that it turns.
final class Heartbeat: Sendable {
    private let lastMilliseconds = Atomic<Int>(Reactor.nowMilliseconds())

    func beat() { lastMilliseconds.store(Reactor.nowMilliseconds(), ordering: .relaxed) }

    var ageMilliseconds: Int { Reactor.nowMilliseconds() - lastMilliseconds.load(ordering: .relaxed) }

    /// How often a loop is to beat.
    static let intervalMilliseconds = 500
}
