import CHost
import Glibc

/// The threads of Swift's tasks, for a program that must not need another one once it runs.
///
/// Swift's own executor has Dispatch make them: when a task begins, by whoever begins it, who waits in steps of a second where there can't be
/// one. For the reactor that is the watchdog's end of it.
public enum TaskThreads {
    private static let threads = WorkThreads(max(2, Processors.count), name: "task")

    /// From now on tasks run on threads that are made here. Before the first task of the program.
    public static func begin() throws(SystemError) {
        try threads.start()
        _ = chost_take_tasks { job in
            guard let job else { return }
            let number = UInt(bitPattern: job)
            TaskThreads.threads.run { chost_run_job(UnsafeMutableRawPointer(bitPattern: number)) }
        }
    }
}
