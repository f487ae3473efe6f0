import Glibc
import Instructions

extension RootExposure {
    /// The same of an application's directory that need not be in a root: the directory, what stands in it, in its `ebin` and in its `priv`, and the
    /// directories above it, where who may write can put another one in its place.
    ///
    /// - Returns: the refused ones first; none where there is no such directory.
    public static func found(inLibrary directory: String) -> [RootExposure] {
        guard let real = FileNames.withoutLinks(directory) else { return [] }
        var paths = Paths.parents(of: real).map { "/\($0)" }.filter { !isSticky($0) } + [real]
        for directory in [real, "\(real)/ebin", "\(real)/priv"] {
            paths += Directory.names(directory).map { "\(directory)/\($0)" }
        }
        let all = paths.compactMap { exposure(of: $0) }
        return all.filter(\.isRefused) + all.filter { !$0.isRefused }
    }

    /// Whether nobody can rename or remove in it what is another's, as in `/tmp`.
    private static func isSticky(_ directory: String) -> Bool {
        var status = stat()
        return stat(directory, &status) == 0 && status.st_mode & S_ISVTX != 0
    }
}
