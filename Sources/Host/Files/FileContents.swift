import Glibc

/// Whole files read into memory, with a bound.
public enum FileContents {
    /// Reads a regular file of at most `maxBytes`.
    ///
    /// - Throws: EFBIG where it has more; EISDIR, EINVAL where it is no regular file.
    public static func read(_ path: String, limit maxBytes: Int) throws(SystemError) -> [UInt8] {
        // Non-blocking: opening a FIFO would wait for its writer.
        let file = try OwnedDescriptor.open(path, O_RDONLY | O_NONBLOCK)
        let status = try FileStatus(of: file.raw)
        switch status.kind {
        case .file: break
        case .directory: throw SystemError("read", EISDIR, path)
        case .symbolicLink, .socket, .other: throw SystemError("read", EINVAL, path, words: "not a regular file")
        }
        guard status.size <= maxBytes else { throw tooLarge(path, maxBytes) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(status.size)
        // Files of /proc say that they have no bytes: only the end itself tells.
        var chunk = [UInt8](repeating: 0, count: min(max(status.size + 1, 4096), 256 * 1024))
        while true {
            let count = Glibc.read(file.raw, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw SystemError("read", errno, path) }
            if count == 0 { return bytes }
            bytes.append(contentsOf: chunk[..<count])
            // A file that grows while it is read is no file of a release.
            guard bytes.count <= maxBytes else { throw tooLarge(path, maxBytes) }
        }
    }

    private static func tooLarge(_ path: String, _ maxBytes: Int) -> SystemError {
        SystemError("read", EFBIG, path, words: "over the limit of \(maxBytes) bytes")
    }
}

/// Questions about names in the file system.
public enum FileNames {
    public static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// The absolute path of what `path` leads to; nil where it leads to nothing. Source: realpath(3).
    public static func withoutLinks(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }

    public static func exists(anyOf paths: [String]) -> Bool { paths.contains(where: exists) }
}
