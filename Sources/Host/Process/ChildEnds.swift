import CHost

/// Workers whose end nothing else may tell.
///
/// A worker has no pidfd, since descriptors are what thousands of workers cost the daemon: its end is seen by that of its
/// channel. Where a child of it holds the channel open, as one does that was not told to close it, that end never comes. So
/// SIGCHLD makes the daemon ask whether any child has ended that nobody has dealt with, and only where one has, which of
/// these it is. Source: waitid(2), signal(7).
@HostActor
final class ChildEnds {
    static let shared = ChildEnds()

    /// Ends within this time are looked for together; those that their channels tell are dealt with by then.
    private static let gatherMilliseconds = 20

    private var watched: [Int32: WorkerProcess] = [:]
    private var descriptor: OwnedDescriptor?
    private var watch: Watch?
    private var isDue = false
    /// Monotonic nanoseconds until which there is no look.
    private var restsUntil = 0

    nonisolated init() {}

    /// Its `lookForEnd` is called when it may have ended, until `forget`.
    func add(_ process: WorkerProcess) throws(SystemError) {
        if watch == nil { try begin() }
        watched[process.pid] = process
    }

    func forget(_ process: WorkerProcess) { watched[process.pid] = nil }

    private func begin() throws(SystemError) {
        let raw = descriptor?.raw ?? chost_watch_children()
        guard raw >= 0 else { throw SystemError("sigaction SIGCHLD", -raw) }
        if descriptor == nil { descriptor = OwnedDescriptor(raw) }
        watch = try Reactor.shared.watch(raw, .read) { [self] _ in someEnded(raw) }
    }

    private func someEnded(_ raw: Int32) {
        chost_drain_eventfd(raw)
        guard !isDue else { return }
        isDue = true
        let rest = (restsUntil - Reactor.nowNanoseconds() + 999_999) / 1_000_000
        Reactor.shared.schedule(afterMilliseconds: max(Self.gatherMilliseconds, rest)) { [self] in look() }
    }

    /// After one that went through all there is none for ten times the processor time that it took.
    private func look() {
        isDue = false
        guard !watched.isEmpty, chost_has_ended_child() != 0 else { return }
        let began = chost_thread_nanoseconds()
        for process in Array(watched.values) { process.lookForEnd() }
        restsUntil = Reactor.nowNanoseconds() + 10 * Int(chost_thread_nanoseconds() - began)
    }
}
