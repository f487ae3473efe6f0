import CHost
import Glibc
public import ReleaseHandling
public import Terms

/// Where the nodes of one machine know each other.
///
/// ```
/// DIRECTORY/locks/NODE          held locked by the node's daemon for its life
/// DIRECTORY/states/NODE         what it tells of itself, a `NodeRecord`, replaced whole
/// DIRECTORY/meetings/ID.NODE    (hashes of both) the socket of its barrier program
/// ```
///
/// Source: docs/nodes.md.
public struct NodeDirectory: Sendable, Hashable {
    public static let standardPath = "/run/release-handler/nodes"
    /// In the environment of the daemon, and of the barrier programs that it starts.
    public static let variable = "RELEASE_HANDLER_NODES"

    public let path: String

    public init(_ path: String) { self.path = path }

    var locks: String { "\(path)/locks" }
    var states: String { "\(path)/states" }
    public var meetings: String { "\(path)/meetings" }

    func lock(of node: NodeName) -> String { "\(locks)/\(node)" }
    func state(of node: NodeName) -> String { "\(states)/\(node)" }

    /// The name of a barrier's socket in `meetings`: short, since a socket's address is. Those who meet by mistake are told apart by
    /// what they say first.
    public static func meeting(_ id: Term, of node: NodeName) -> String { "\(hash("\(id)")).\(hash(node.text))" }

    /// FNV-1a, 64 bits.
    private static func hash(_ text: String) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Makes what is missing of it.
    ///
    /// Throws also where somebody else could put anything in it: it must be of root or of this user, and not for all to write.
    public func make() throws(NodeDirectoryError) {
        do {
            for path in [path, locks, states, meetings] { try Directory.make(path) }
        } catch {
            throw .system(error)
        }
        for path in [path, locks, states, meetings] {
            var status = stat()
            guard lstat(path, &status) == 0 else { throw .system(SystemError("lstat", errno, path)) }
            guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == 0 || status.st_uid == geteuid(),
                status.st_mode & S_IWOTH == 0
            else { throw .unsafe(path) }
        }
    }

    /// What a node tells of itself; nil where it is not registered, or was killed since.
    public func record(of node: NodeName) -> NodeRecord? {
        guard let bytes = try? FileContents.read(state(of: node), limit: Self.stateBytes),
            let term = try? TermText.parseTerms(bytes).first?.term, let record = NodeRecord(term), record.node == node,
            // It lets the lock go for a moment as it executes itself again.
            record.isRestarting || NodeLock.isHeld(lock(of: node))
        else { return nil }
        return record
    }

    private static let stateBytes = 4_096

    /// Sockets of barrier programs that were killed: only by who holds the node's lock.
    func removeMeetings(of node: NodeName) {
        for name in Directory.names(meetings) where name.hasSuffix(".\(Self.hash(node.text))") {
            unlink("\(meetings)/\(name)")
        }
    }
}

public enum NodeDirectoryError: Error, Hashable, CustomStringConvertible {
    /// Another daemon has the name.
    case inUse(NodeName)
    /// Others could write there.
    case unsafe(String)
    case system(SystemError)

    public var description: String {
        switch self {
        case .inUse(let node): "another daemon of this machine is \(node): give this one a name of its own, by --node"
        case .unsafe(let path):
            "\(path) must be a directory of root's or of the daemon's user, and not for all to write"
        case .system(let error): error.description
        }
    }
}
