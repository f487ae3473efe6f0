import Instructions

extension Directory {
    /// Of each file below `path`, by its name there, something that is equal for files of equal contents that are as
    /// executable; none where there is no such directory.
    ///
    /// A link is what it leads to, as in a package. A directory is an entry of its own, its name with a slash at the end,
    /// so that one with nothing in it counts too.
    public static func fingerprints(_ path: String) -> [String: String] {
        var found: [String: String] = [:]
        if let status = try? FileStatus(of: path), status.kind == .directory {
            collect(path, "", within: [Self.place(status)], &found)
        }
        return found
    }

    /// - Parameter within: the directories above, so that a link to one of them does not lead on for ever.
    private static func collect(
        _ path: String, _ prefix: String, within: Set<[UInt64]>, _ found: inout [String: String]
    ) {
        for name in names(path) {
            let (inner, shown) = ("\(path)/\(name)", prefix + name)
            guard let status = try? FileStatus(of: inner) else {
                found[shown] = "leads nowhere: " + (linkTarget(inner).map(text) ?? "")
                continue
            }
            switch status.kind {
            case .directory:
                found[shown + "/"] = "a directory"
                let place = place(status)
                if !within.contains(place) { collect(inner, shown + "/", within: within.union([place]), &found) }
            case .file:
                let digest = (try? FileDigest.sha256(inner)) ?? "can't be read"
                found[shown] = status.isExecutable ? "\(digest), executable" : digest
            case .socket, .symbolicLink, .other: found[shown] = "no file"
            }
        }
    }

    private static func place(_ status: FileStatus) -> [UInt64] { [status.identity.device, status.identity.inode] }
}
