import CHost
import Glibc
import Synchronization

/// One thread that waits on descriptors and timers, and runs the jobs of `HostActor` in between.
///
/// Level triggered: what a handler leaves unread comes again in the next turn, after everybody else's.
/// Handlers run on the actor, one at a time, and never within the call that registers them.
/// Source: epoll(7), eventfd(2).
public final class Reactor: SerialExecutor {
    public static let shared = Reactor()

    private struct Inbox {
        var jobs: [UnownedJob] = []
        /// The thread waits, or is about to: who adds a job must wake it.
        var isAsleep = false
    }

    private let inbox = Mutex(Inbox())
    /// The reactor's thread, set before anything runs on it.
    private let thread = Atomic<pthread_t>(0)
    private let wakeUpDescriptor: Int32
    let epollDescriptor: Int32

    @HostActor var slots: [Slot] = []
    @HostActor var freeSlots: [Int] = []
    @HostActor var timers = TimerHeap()
    @HostActor var deferred: [Deferred] = []
    /// See `whenIdle`.
    @HostActor var idleHandler: (@HostActor () -> Void)?
    @HostActor let events = EventBuffer()
    @HostActor var isGathering = false

    /// Whether the thread that touches `shared` first becomes its thread, instead of a new one.
    private static let takesFirstThread = Atomic(false)

    /// Makes the calling thread the reactor's, for good, and calls `begin` on it first. Before anything else touches `shared`.
    ///
    /// A parent-death signal belongs to the thread that made the child: only where the reactor's thread is the main one does a child live
    /// on when the process executes itself more than once. Source: PR_SET_PDEATHSIG(2const), execve(2).
    public static func runHere(_ begin: () -> Void) -> Never {
        takesFirstThread.store(true, ordering: .relaxed)
        let reactor = shared
        precondition(reactor.isOnThread, "the event loop has a thread already")
        begin()
        reactor.turnForEver()
    }

    private init() {
        epollDescriptor = chost_epoll_create()
        wakeUpDescriptor = chost_eventfd()
        let added = chost_epoll_change(
            epollDescriptor, wakeUpDescriptor, 0, UInt32(CHOST_READABLE), Self.wakeUpKey)
        precondition(added == 0, "the event loop's descriptors can't be made: \(SystemError("epoll_ctl", -added))")
        if Self.takesFirstThread.load(ordering: .relaxed) {
            thread.store(pthread_self(), ordering: .relaxed)
            return
        }
        var thread = pthread_t()
        let started = pthread_create(&thread, nil, { _ in Reactor.shared.run() }, nil)
        precondition(
            started == 0, "the event loop's thread can't be started: \(SystemError("pthread_create", started))")
        pthread_detach(thread)
    }

    static let wakeUpKey = UInt64.max

    // MARK: Executor

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let mustWake = inbox.withLock { inbox in
            inbox.jobs.append(job)
            defer { inbox.isAsleep = false }
            return inbox.isAsleep
        }
        if mustWake {
            var one: UInt64 = 1
            _ = write(wakeUpDescriptor, &one, 8)
        }
    }

    public func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

    public func checkIsolated() {
        precondition(isOnThread, "code of HostActor runs on another thread than the reactor's")
    }

    public func isIsolatingCurrentContext() -> Bool? { isOnThread }

    private var isOnThread: Bool { thread.load(ordering: .relaxed) == pthread_self() }

    // MARK: Thread

    private func run() -> Never {
        thread.store(pthread_self(), ordering: .relaxed)
        chost_set_thread_name("reactor")
        // Signals are for the main thread: what waits for them there must not find them taken here.
        var all = sigset_t()
        sigfillset(&all)
        // Ends of children are this thread's business, whatever mask the program was started with.
        sigdelset(&all, SIGCHLD)
        pthread_sigmask(SIG_SETMASK, &all, nil)
        turnForEver()
    }

    private func turnForEver() -> Never {
        while true {
            runJobs()
            HostActor.assumeIsolated { turn() }
        }
    }

    /// Runs what is queued now; what these add waits for the next turn, so that descriptors get theirs.
    private func runJobs() {
        let jobs = inbox.withLock { inbox in
            let jobs = inbox.jobs
            inbox.jobs = []
            return jobs
        }
        for job in jobs { job.runSynchronously(on: asUnownedSerialExecutor()) }
    }

    /// Whether the thread may wait; from then on, who adds a job wakes it.
    func fallAsleep() -> Bool {
        inbox.withLock { inbox in
            inbox.isAsleep = inbox.jobs.isEmpty
            return inbox.isAsleep
        }
    }

    var hasNoJobs: Bool { inbox.withLock { $0.jobs.isEmpty } }

    func wakeUp() {
        inbox.withLock { $0.isAsleep = false }
    }

    func drainWakeUp() {
        var count: UInt64 = 0
        _ = read(wakeUpDescriptor, &count, 8)
    }

    // MARK: Clock

    /// Milliseconds of the monotonic clock.
    public static func nowMilliseconds() -> Int { nowNanoseconds() / 1_000_000 }

    /// Nanoseconds of the monotonic clock.
    public static func nowNanoseconds() -> Int { Int(chost_monotonic_nanoseconds()) }
}

/// Room for what one epoll_wait(2) returns, allocated once.
@HostActor
final class EventBuffer {
    let events = UnsafeMutableBufferPointer<chost_event>.allocate(capacity: 256)
    nonisolated init() {}
}
