import CHost
import DequeModule
import Dispatch
import Glibc
import Synchronization

/// Threads of a fixed number, all made by `start`: what they are given later needs no thread that could be refused.
///
/// Dispatch and the pools of libraries make theirs when there is work and end them when there is none for a while. At a limit of tasks that
/// is a wait without end, or the end of the process, in the middle of whatever needs one. Source: pthread_create(3), EAGAIN.
public final class WorkThreads: Sendable {
    /// What its threads share; they end with the last who could give them work.
    private final class Line: Sendable {
        let work = Mutex(Deque<@Sendable () -> Void>())
        let waiting = DispatchSemaphore(value: 0)

        /// Nil where there will be none.
        func next() -> (@Sendable () -> Void)? {
            waiting.wait()
            return work.withLock { $0.popFirst() }
        }
    }

    private let count: Int
    private let name: String
    private let line = Line()
    private let isStarted = Mutex(false)

    /// - Parameter name: of the threads, as top(1) shows it: at most 15 bytes.
    public init(_ count: Int, name: String) {
        self.count = count
        self.name = name
    }

    deinit {
        guard isStarted.withLock({ $0 }) else { return }
        // Behind all that they were given.
        for _ in 0..<count { line.waiting.signal() }
    }

    /// Makes all of them, where there are none yet. Some may be there after an error; they do what there is to do.
    public func start() throws(SystemError) {
        let result = isStarted.withLock { isStarted -> Result<Void, SystemError> in
            guard !isStarted else { return .success(()) }
            do throws(SystemError) {
                for _ in 0..<count { try makeThread() }
            } catch {
                return .failure(error)
            }
            isStarted = true
            return .success(())
        }
        try result.get()
    }

    /// One of the threads does this, in the order in which it was given. They are made now where nobody has before.
    public func run(_ work: @escaping @Sendable () -> Void) {
        do {
            try start()
        } catch {
            // The daemon has made them at its start, where this is an error with a sentence; here nobody could be answered.
            fatalError("the thread \(name) can't be made: \(error)")
        }
        line.work.withLock { $0.append(work) }
        line.waiting.signal()
    }

    private func makeThread() throws(SystemError) {
        try Self.makeThread(named: name) { [line] in
            while let work = line.next() { work() }
        }
    }

    /// Whether a thread can be made: for those that a library makes, which would end the process.
    public static func probe() throws(SystemError) { try makeThread(named: "probe", isAwaited: true) {} }

    private final class Body: Sendable {
        let name: String
        let run: @Sendable () -> Void

        init(_ name: String, _ run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }

    private static func makeThread(
        named name: String, isAwaited: Bool = false, _ run: @escaping @Sendable () -> Void
    ) throws(SystemError) {
        let body = Unmanaged.passRetained(Body(name, run))
        var thread = pthread_t()
        // Signals are for the main thread: what waits for them there must not find them taken here.
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        let status = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                let body = Unmanaged<Body>.fromOpaque(context).takeRetainedValue()
                chost_set_thread_name(body.name)
                body.run()
                return nil
            }, body.toOpaque())
        pthread_sigmask(SIG_SETMASK, &before, nil)
        guard status == 0 else {
            body.release()
            throw SystemError("pthread_create", status)
        }
        if isAwaited { pthread_join(thread, nil) } else { pthread_detach(thread) }
    }
}
