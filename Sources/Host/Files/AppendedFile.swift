import CHost
import Glibc

/// A file to which lines are added. What a power cut cuts off is the end of the last line.
public enum AppendedFile {
    /// Adds `bytes` to a file that is there, after a line's end, and syncs it.
    public static func append(_ bytes: [UInt8], to path: String) throws(SystemError) {
        let file = try OwnedDescriptor.open(path, O_RDWR | O_APPEND | O_NOFOLLOW)
        let size = lseek(file.raw, 0, SEEK_END)
        var last: UInt8 = 0
        let isCutOff = size > 0 && pread(file.raw, &last, 1, size - 1) == 1 && last != UInt8(ascii: "\n")
        var rest = ((isCutOff ? [UInt8(ascii: "\n")] : []) + bytes)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(file.raw, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw SystemError("write", errno, path) }
            rest = rest.dropFirst(count)
        }
        guard fsync(file.raw) == 0 else { throw SystemError("fsync", errno, path) }
    }
}
