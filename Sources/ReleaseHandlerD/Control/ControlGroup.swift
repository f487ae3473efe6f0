import Glibc
import Host
import Synchronization

/// The group that may change things: its name, and its number once the group database has told it.
///
/// The database may be a directory service that takes its time, or does not answer at all: it is asked on a thread of its
/// own kind, once at a time, and whoever needs the answer waits for it alone. A number that is known stays; a name that
/// the database does not know is asked for again by the next who needs it, so that a group that is made later counts
/// without a restart.
final class ControlGroup: Sendable {
    let name: String
    static let thread = WorkThreads(1, name: "group")
    private let lookUp: @Sendable (String) -> UInt32?
    /// That of the look-up under way, or of the one that found it.
    private let found = Mutex<Task<UInt32?, Never>?>(nil)
    /// What the database last said; nil until it has said something.
    private let answer = Mutex<UInt32??>(nil)

    init(_ name: String, lookUp: @escaping @Sendable (String) -> UInt32? = ControlGroup.inDatabase) {
        self.name = name
        self.lookUp = lookUp
    }

    /// As far as it is known by now, and nobody waits for it: nil where the database has said nothing yet, nil within where there is no such
    /// group.
    var known: UInt32?? { answer.withLock { $0 } }

    /// nil where there is no such group.
    func id() async -> UInt32? { await asked().value }

    /// Asks ahead of need, and does not wait.
    func prepare() { _ = asked() }

    private func asked() -> Task<UInt32?, Never> {
        found.withLock { found in
            if let found { return found }
            let (name, lookUp) = (name, lookUp)
            let task = Task {
                let id = await withCheckedContinuation { continuation in
                    Self.thread.run { continuation.resume(returning: lookUp(name)) }
                }
                self.answer.withLock { $0 = .some(id) }
                guard let id else {
                    self.found.withLock { $0 = nil }
                    return UInt32?.none
                }
                return id
            }
            found = task
            return task
        }
    }

    /// Source: getgrnam(3).
    static func inDatabase(_ name: String) -> UInt32? {
        var size = 1_024
        while size <= 1 << 20 {
            let start = UnsafeMutablePointer<CChar>.allocate(capacity: size)
            defer { start.deallocate() }
            var record = Glibc.group()
            var result: UnsafeMutablePointer<Glibc.group>?
            let code = getgrnam_r(name, &record, start, size, &result)
            if code != ERANGE { return result == nil ? nil : record.gr_gid }
            size *= 4
        }
        return nil
    }
}
