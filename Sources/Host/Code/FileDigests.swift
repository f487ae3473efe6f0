import Synchronization

/// What files hash to, so that one that is as it was when it was hashed is not read again.
///
/// As it was is the same inode with the same size, time of modification and time of change (ctime). Anyone who writes to a
/// file can put the first time back, nobody the second; so bytes that were changed in place are read again. What is asked
/// for is always an open file, which is the one that is executed later.
///
/// What it takes for granted is that the file system's clock runs with this machine's and is not put back to the very
/// nanosecond. Bytes that are changed through a shared mapping change no time at all until they are written out: no
/// identity of a file tells of them.
public final class FileDigests: Sendable {
    private struct Key: Hashable {
        let identity: FileIdentity
        let changedNanoseconds: Int
    }

    private struct State {
        var digests: [Key: String] = [:]
        var hashed = 0
    }

    /// For so long nothing may have been changed before a file is hashed for its digest to be kept. A change right behind
    /// another one can have the same ctime: the clock that it is taken from ticks every few milliseconds, and some file
    /// systems keep whole seconds, or pairs of them.
    static let settledMilliseconds = 2_500

    private let state = Mutex(State())
    /// The time of day in milliseconds.
    private let now: @Sendable () -> Int
    /// How many digests are kept; then all are forgotten, and come again with their next use.
    private let limit: Int

    public convenience init() { self.init(now: { WallClock.milliseconds() }) }

    /// With a clock of one's own.
    init(now: @escaping @Sendable () -> Int, limit: Int = 16_384) {
        self.now = now
        self.limit = limit
    }

    /// How many files were hashed because what they hash to was not known.
    public var hashed: Int { state.withLock { $0.hashed } }

    /// How many digests are known.
    var count: Int { state.withLock { $0.digests.count } }

    /// The digest of the file as it is now.
    func sha256(
        of file: ModuleFile,
        by hash: (ModuleFile) throws(ObjectCodeError) -> String = { file throws(ObjectCodeError) in try file.sha256() }
    ) throws(ObjectCodeError) -> String {
        let began = now()
        let key = try Self.key(of: file)
        if let known = state.withLock({ $0.digests[key] }) { return known }
        let digest = try hash(file)
        let isSettled = began - key.changedNanoseconds / 1_000_000 > Self.settledMilliseconds
        let isUnchanged = try Self.key(of: file) == key
        state.withLock { state in
            state.hashed += 1
            guard isSettled, isUnchanged else { return }
            if state.digests.count >= limit { state.digests = [:] }
            state.digests[key] = digest
        }
        return digest
    }

    private static func key(of file: ModuleFile) throws(ObjectCodeError) -> Key {
        do {
            let status = try FileStatus(of: file.descriptor.raw)
            return Key(identity: status.identity, changedNanoseconds: status.changedNanoseconds)
        } catch {
            throw ObjectCodeError(file.path, .unreadable(error.number))
        }
    }
}
