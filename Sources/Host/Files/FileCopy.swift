import Glibc

/// Files copied as they are.
public enum FileCopy {
    /// Copies a file, through links to it, to where nothing is yet. It is not synced.
    ///
    /// - Parameter permissions: whatever the umask is.
    public static func make(_ source: String, _ target: String, permissions: UInt32) throws(SystemError) {
        let from = try OwnedDescriptor.open(source, O_RDONLY)
        let to = try OwnedDescriptor.open(target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: permissions)
        guard fchmod(to.raw, permissions) == 0 else { throw SystemError("fchmod", errno, target) }
        var chunk = [UInt8](repeating: 0, count: 256 * 1024)
        while true {
            let count = read(from.raw, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SystemError("read", errno, source) }
            if count == 0 { return }
            try write(chunk[..<count], to: to, target)
        }
    }

    private static func write(
        _ bytes: ArraySlice<UInt8>, to file: OwnedDescriptor, _ path: String
    ) throws(SystemError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(file.raw, $0.baseAddress! + written, $0.count - written) }
            if count > 0 {
                written += count
            } else if errno != EINTR {
                throw SystemError("write", errno, path)
            }
        }
    }
}
