import Host
import ReleaseHandling
import Terms
import Wire

/// Old code that some worker still runs after an install: tried softly every ten seconds, purged brutally when the
/// release is made permanent.
///
/// It owns what is unpurged; whose code it is, and who runs it, it asks for.
@HostActor
final class Purger {
    private let code: CodeServer
    private let events: EventHub
    /// What is verified about the workers of these modules, true in the turn in which it is told.
    private let census: @HostActor ([Atom], @escaping @HostActor ([WorkerInfo]) -> Void) -> Void
    private let end: @HostActor (ChildAddress) -> Void
    /// Whether the code table is free for it: an upgrade purges itself what it must.
    private let mayPurge: @HostActor () -> Bool
    private var unpurged = Unpurged()
    private var timer: ScheduledTimer?
    private var isOver = false

    init(
        code: CodeServer, events: EventHub,
        census: @escaping @HostActor ([Atom], @escaping @HostActor ([WorkerInfo]) -> Void) -> Void,
        end: @escaping @HostActor (ChildAddress) -> Void, mayPurge: @escaping @HostActor () -> Bool
    ) {
        self.code = code
        self.events = events
        self.census = census
        self.end = end
        self.mayPurge = mayPurge
    }

    /// For another daemon that goes on in this one's place: when it tries again begins anew with that.
    var state: Unpurged { unpurged }

    func goOn(_ state: Unpurged) {
        unpurged = state
        schedule()
    }

    /// What an install has left.
    func add(_ more: [UnpurgedModule]) {
        unpurged.add(more)
        schedule()
    }

    /// With the release made permanent, `brutal_purge` ends whoever still runs old code.
    func releaseMadePermanent() {
        unpurged.releaseMadePermanent()
        purgeWhatIsDue()
    }

    /// What came due while an upgrade was under way.
    func purgeWhatIsDue() {
        if unpurged.hasDue { purge() }
    }

    /// The node stops.
    func stop() {
        isOver = true
        timer?.cancel()
    }

    private func schedule() {
        timer?.cancel()
        timer = nil
        guard !unpurged.isEmpty, !isOver else { return }
        timer = Reactor.shared.schedule(afterMilliseconds: Unpurged.retryMilliseconds) { [weak self] in
            self?.purge()
        }
    }

    private func purge() {
        census(unpurged.modules.map(\.module)) { [weak self] workers in
            guard let self, !isOver else { return }
            if mayPurge() { purge(workers) }
            schedule()
        }
    }

    private func purge(_ workers: [WorkerInfo]) {
        let unused = unpurged.softPurge(code.table, workers: workers)
        for module in unused {
            events.post(.upgrade(.purged(module)))
        }
        let (due, users) = unpurged.brutalPurge(code.table, workers: workers)
        code.apply(.purge(unused + due))
        for user in users {
            events.post(.upgrade(.purgedBrutally(user)))
            end(user)
        }
        code.forgetUnused()
    }
}
