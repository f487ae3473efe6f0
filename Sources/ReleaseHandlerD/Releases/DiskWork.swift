import Host
import NIOCore
import Synchronization

/// Work that takes as long as its files are large, on threads that are there to wait: neither the node's own thread
/// nor one of the few that Swift's tasks share may stand still for seconds.
enum DiskWork {
    /// Of our own: what others do must not wait because a disk of ours hangs. A change of the disk, the reading of object
    /// code for a start and the trace of an upgrade have one each, and one that hangs takes none from the others.
    private static let threads = WorkThreads(16, name: "disk")

    /// One for each core, for what is done to many files at once: hashing them is work for a processor.
    private static let lanes = WorkThreads(laneCount, name: "files")
    static let laneCount = System.coreCount

    /// For what is read for those who look: however many ask while a disk hangs, none of the threads above waits for it.
    private static let lookers = WorkThreads(2, name: "lookers")

    /// Makes all of its threads, which else are made when there is work.
    static func start() throws(SystemError) {
        try threads.start()
        try lanes.start()
        try lookers.start()
    }

    static func look<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
        await run(on: lookers, work)
    }

    static func run<Value: Sendable, Failure: Error>(
        _ work: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        try await run(on: threads, work)
    }

    private static func run<Value: Sendable, Failure: Error>(
        on threads: WorkThreads, _ work: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
            threads.run {
                do throws(Failure) {
                    continuation.resume(returning: .success(try work()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }

    /// What `work` makes of each item, in their order; as many at a time as there are cores.
    static func map<Item: Sendable, Value: Sendable>(
        _ items: [Item], _ work: @escaping @Sendable (Item) -> Value
    ) async -> [Value] {
        let next = Next()
        return await withTaskGroup(of: [(index: Int, value: Value)].self) { group in
            for _ in 0..<min(laneCount, items.count) {
                group.addTask {
                    // One by one: what others want done comes in between, however many these are.
                    var done: [(index: Int, value: Value)] = []
                    while let index = next.take(below: items.count) {
                        done.append((index, await run(on: lanes) { work(items[index]) }))
                    }
                    return done
                }
            }
            return await group.reduce(into: []) { $0 += $1 }.sorted { $0.index < $1.index }.map(\.value)
        }
    }

    /// The next item that nobody has taken.
    private final class Next: Sendable {
        private let index = Atomic(0)

        func take(below end: Int) -> Int? {
            let (taken, _) = index.add(1, ordering: .relaxed)
            return taken < end ? taken : nil
        }
    }
}
