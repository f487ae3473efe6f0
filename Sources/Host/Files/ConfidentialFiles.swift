import Glibc
import Instructions

/// What of a release root is for the daemon's user and a group alone: the configuration of its applications and its children, which may hold
/// secrets. What workers of other users execute and read, the rest of `lib`, is for all.
public enum ConfidentialFiles {
    public static let fileMode: UInt32 = 0o640
    public static let directoryMode: UInt32 = 0o750

    /// All of `releases`, and in `lib/APP-VSN/ebin` what says which children there are with their arguments and variables, and what an application's
    /// environment is.
    ///
    /// - Parameter path: relative to the root.
    public static func contain(_ path: String) -> Bool {
        let parts = path.split(separator: "/")
        guard parts.first != "releases" else { return true }
        return parts.count == 4 && parts[0] == "lib" && parts[2] == "ebin" && isNamed(String(parts[3]))
    }

    static func isNamed(_ name: String) -> Bool { name.hasSuffix(".sup") || name.hasSuffix(".app") }

    /// The group of the root's `releases` is theirs, where the daemon may give it to them: whoever administers the machine says by it who may read.
    static func giveGroup(of root: String, to paths: some Sequence<String>) {
        var status = stat()
        guard stat("\(root)/releases", &status) == 0, status.st_gid != getegid() else { return }
        // One who is not root gives files to a group of its own only; they stay its own then.
        for path in paths { _ = lchown(path, uid_t.max, status.st_gid) }
    }
}
