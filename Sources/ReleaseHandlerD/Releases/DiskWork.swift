import NIOPosix

/// Work that takes as long as its files are large, on threads that are there to wait: neither the node's own thread
/// nor one of the few that Swift's tasks share may stand still for seconds.
enum DiskWork {
    static func run<Value: Sendable, Failure: Error>(
        _ work: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
            NIOThreadPool.singleton.submit { _ in
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
