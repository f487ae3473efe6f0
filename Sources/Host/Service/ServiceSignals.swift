import CHost
import Glibc

/// The signals by which people and service managers speak to a daemon, as events of the reactor.
///
/// None of them ends the process by itself, and none that comes while nobody looks is lost, over an execve(2) either.
@HostActor
public final class ServiceSignals {
    public enum Signal: Hashable, Sendable {
        /// SIGTERM and SIGINT.
        case stop
        /// SIGHUP.
        case reload
        /// Any other of them, by its name.
        case other(String)
    }

    private var watch: Watch?
    private let handle: (Signal) -> Void

    /// First of all that a program does: from then on they wait for whoever looks, but for a request to stop, which until then ends the
    /// process at once where it has no workers yet.
    public nonisolated static func begin(hasWorkers: Bool) { _ = chost_note_service_signals(hasWorkers ? 1 : 0) }

    /// Last of all that it does, on the thread that executes another one.
    public nonisolated static func leave() { chost_leave_service_signals() }

    /// Where the other one could not be executed.
    public nonisolated static func stay() { chost_stay_with_service_signals() }

    public init(_ handle: @escaping @HostActor (Signal) -> Void) throws(SystemError) {
        let descriptor = chost_watch_service_signals()
        guard descriptor >= 0 else { throw SystemError("eventfd", -descriptor) }
        self.handle = handle
        watch = try Reactor.shared.watch(descriptor, .read) { [weak self] _ in self?.readAll() }
    }

    private func readAll() { while let signal = next() { handle(signal) } }

    /// What has come and was not handled, without waiting; nil where there is nothing.
    public func next() -> Signal? {
        switch chost_next_service_signal() {
        case 0: nil
        case SIGTERM, SIGINT: .stop
        case SIGHUP: .reload
        case SIGUSR1: .other("SIGUSR1")
        case SIGUSR2: .other("SIGUSR2")
        case SIGALRM: .other("SIGALRM")
        case let number: .other("signal \(number)")
        }
    }
}
