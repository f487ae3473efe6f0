import Host
public import Instructions

extension SourceFiles {
    /// The file system's answers. Digests are kept, since a relup asks for those of a release once for each way to it.
    public static func host() -> SourceFiles {
        let digests = DigestCache()
        var files = SourceFiles.reading()
        files.digest = digests.digest
        files.tree = digests.tree
        return files
    }
}

private final class DigestCache {
    private var digests: [String: [UInt8]?] = [:]
    /// Most modules are one of three files: asking the directory once is cheaper than opening what is not there.
    private var names: [Substring: Set<String>] = [:]

    func digest(_ path: String) -> [UInt8]? {
        if let known = digests[path] { return known }
        let digest = exists(path) ? (try? FileDigest.sha256(path)).map { Array($0.utf8) } : nil
        digests[path] = digest
        return digest
    }

    private var trees: [String: [String: String]] = [:]

    func tree(_ directory: String) -> [String: String] {
        if let known = trees[directory] { return known }
        let tree = Directory.fingerprints(directory)
        trees[directory] = tree
        return tree
    }

    private func exists(_ path: String) -> Bool {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return true }
        let directory = path[..<slash]
        let known = names[directory] ?? Set(Directory.names(String(directory)))
        names[directory] = known
        return known.contains(String(path[path.utf8.index(after: slash)...]))
    }
}
