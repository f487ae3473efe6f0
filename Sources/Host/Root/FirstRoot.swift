import CHost
import Glibc
import Instructions

/// A directory that is to become a release root, whole or not at all.
///
/// ```
///   empty, or not there ──mark──▶ laid out beside its places, synced ──▶ moved there, `releases` last ──▶ a root; the mark goes
/// ```
///
/// What has no directory `releases` is no root to any daemon. As long as the mark (`.make-root`, locked) is there without one, all in the directory is of a
/// making that was cut short, since the directory was empty before: the next one removes it and begins anew.
public final class FirstRoot {
    public enum Problem: Error, Hashable, CustomStringConvertible {
        case notADirectory(String)
        case notEmpty(String, names: [String])
        case inUse(String)
        case writableByEverybody(RootExposure)
        case system(SystemError)

        public var description: String {
            switch self {
            case .notADirectory(let path): return "\(path) is there and is no directory"
            case .notEmpty(let path, let names):
                let shown = names.prefix(5).joined(separator: ", ")
                return "\(path) is not empty: it has \(shown)\(names.count > 5 ? " and \(names.count - 5) more" : "")"
            case .inUse(let path): return "another make-root is at work in \(path)"
            case .writableByEverybody(let exposure): return "the release root could not be trusted: \(exposure)"
            case .system(let error): return "\(error)"
            }
        }
    }

    /// Absolute.
    public let path: String
    private let mark: FileLock
    private let isNew: Bool
    private var moved: [String] = []

    private static let markName = ".make-root"

    /// Begins, or begins anew.
    public init(_ path: String) throws(Problem) {
        self.path = path
        isNew = !FileNames.exists(path)
        do throws(SystemError) {
            if isNew {
                try Directory.make(path)
                // Workers of other users go through it, whatever the umask is.
                guard chmod(path, 0o755) == 0 else { throw SystemError("chmod", errno, path) }
            }
        } catch {
            throw .system(error)
        }
        guard Directory.isDirectory(path) else { throw .notADirectory(path) }
        try Self.requireEmpty(path)
        if let exposure = RootExposure.found(in: path).first(where: \.isRefused) {
            if isNew { rmdir(path) }
            throw .writableByEverybody(exposure)
        }
        mark = try Self.marked(path)
        // Another one may have come to its end meanwhile.
        try Self.requireEmpty(path)
        do throws(SystemError) {
            for name in try Directory.allNames(in: path) where Self.isOwn(name) && name != Self.markName {
                try Directory.removeTree("\(path)/\(name)")
            }
        } catch {
            throw .system(error)
        }
    }

    private static func marked(_ path: String) throws(Problem) -> FileLock {
        let lock: FileLock?
        do {
            lock = try FileLock("\(path)/\(markName)")
        } catch {
            throw .system(error)
        }
        guard let lock else { throw .inUse(path) }
        return lock
    }

    private static func requireEmpty(_ path: String) throws(Problem) {
        let names: [String]
        do {
            names = try Directory.allNames(in: path)
        } catch {
            throw .system(error)
        }
        let isMarked = names.contains(markName)
        // A file system of its own has the latter.
        let others = names.filter { !(isMarked && isOwn($0)) && $0 != "lost+found" }
        guard others.isEmpty else { throw .notEmpty(path, names: others) }
    }

    /// What a making that was cut short may have left.
    private static func isOwn(_ name: String) -> Bool {
        name == markName || name == "bin" || name == "lib" || name.hasPrefix("erts-") || ReleaseArchive.isStaging(name)
    }

    /// Moves what was laid out there to its places: `bin`, `erts-VSN`, `lib` and `releases`; what else there is stays behind.
    ///
    /// - Parameter staged: the directory of a staged release of this one.
    public func finish(_ staged: String) throws(SystemError) {
        let descriptor = try OwnedDescriptor.open(staged, O_RDONLY | O_DIRECTORY)
        let status = chost_syncfs(descriptor.raw)
        guard status == 0 else { throw SystemError("syncfs", -status, staged) }
        let names = try Directory.allNames(in: staged).filter { Self.isOwn($0) && $0 != Self.markName }
        for name in names + ["releases"] {
            guard rename("\(staged)/\(name)", "\(path)/\(name)") == 0 else {
                throw SystemError("rename", errno, "\(path)/\(name)")
            }
            moved.append(name)
            // What is in the root before `releases` is has to be there after a power cut, too.
            if name == names.last { try AtomicFile.syncDirectory(path) }
        }
        try AtomicFile.syncDirectory(path)
        moved = []
        try? Directory.removeTree(staged)
        unlink("\(path)/\(Self.markName)")
        try? AtomicFile.syncDirectory(path)
        if isNew { try? AtomicFile.syncDirectory(Paths.parent(of: path)) }
    }

    /// Leaves nothing.
    public func abandon() {
        for name in moved.reversed() { try? Directory.removeTree("\(path)/\(name)") }
        ReleaseArchive.removeLeftovers(in: path)
        unlink("\(path)/\(Self.markName)")
        if isNew { rmdir(path) }
    }
}
