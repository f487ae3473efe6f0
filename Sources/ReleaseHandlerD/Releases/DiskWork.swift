import NIOPosix

/// Work that takes as long as its files are large, on threads that are there to wait: neither the node's own thread
/// nor one of the few that Swift's tasks share may stand still for seconds.
enum DiskWork {
    /// Of our own: what others do must not wait because a disk of ours hangs. A change of the disk, a check of an install,
    /// the reading of object code and the trace of an upgrade have one each, and one that hangs takes none from the others.
    private static let threads: NIOThreadPool = {
        let threads = NIOThreadPool(numberOfThreads: 16)
        threads.start()
        return threads
    }()

    static func run<Value: Sendable, Failure: Error>(
        _ work: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
            threads.submit { _ in
                do throws(Failure) {
                    continuation.resume(returning: .success(try work()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }
}
