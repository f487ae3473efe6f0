public import Host

/// All threads that the daemon needs once it runs, made before it does anything.
///
/// A limit of tasks (`TasksMax=`, pids.max, RLIMIT_NPROC) is reached by workers as well: it must find the daemon with all that it needs to go
/// on, and to end them.
enum DaemonThreads {
    /// - Parameter page: whether it is served.
    static func start(page: Bool = false) throws(SystemError) {
        try SystemdNotify.thread.start()
        try Processors.threads.start()
        try DiskWork.start()
        try ControlGroup.thread.start()
        try ControlServer.startThread()
        if page { try PageServer.startThread() }
    }
}

/// Threads that could not be made at the start.
public struct ThreadsRefused: Error, CustomStringConvertible {
    let error: SystemError

    public init(_ error: SystemError) { self.error = error }

    public var description: String {
        """
        the daemon's threads can't be made: \(error); raise the limit of tasks: TasksMax= of its unit, pids.max of its cgroup, or \
        LimitNPROC= (ulimit -u) of its user
        """
    }
}
