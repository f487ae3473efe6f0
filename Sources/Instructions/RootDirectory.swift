/// Directories as RELEASES names them, absolute or relative to the release root: their spelling, one for all that mean
/// the same.
public enum RootDirectory {
    /// Without repeated slashes, one at the end, and parts that are `.`; `..` stays, since where it leads is the disk's to
    /// say.
    public static func normalised(_ directory: String) -> String {
        let parts = directory.split(separator: "/").filter { $0 != "." }
        let rest = parts.joined(separator: "/")
        if directory.hasPrefix("/") { return "/\(rest)" }
        return rest.isEmpty ? "." : rest
    }

    /// Relative to `root` where it lies below it by its spelling; both normalised.
    public static func relative(_ directory: String, to root: String) -> String? {
        let prefix = root == "/" ? root : "\(root)/"
        guard directory.hasPrefix(prefix), directory.utf8.count > prefix.utf8.count else { return nil }
        return String(directory.dropFirst(prefix.count))
    }

    /// Whether it lies below the root whatever the disk says. Nothing else is ever removed.
    public static func isInside(_ directory: String) -> Bool {
        !directory.hasPrefix("/") && directory != "." && !climbs(directory) && !directory.isEmpty
    }

    public static func climbs(_ directory: String) -> Bool { directory.split(separator: "/").contains("..") }
}
