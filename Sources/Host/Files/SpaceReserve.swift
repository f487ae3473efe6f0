import CHost
import Glibc

/// Blocks of a file system that nobody uses, so that what must be written on a full one can be: who removes something to
/// make room has to write down first that it goes.
public struct SpaceReserve: Sendable {
    private let path: String

    /// - Parameter path: of the file that holds them.
    public init(_ path: String) { self.path = path }

    /// A few files of some kilobytes, and a directory's growth.
    private static let bytes = 128 * 1024

    /// Has them allocated where they are not; a file system that is full or read-only stays without.
    public func keep() {
        if let status = try? FileStatus(ofLink: path) {
            guard status.kind == .file, status.size < Self.bytes else { return }
            // One whose making was cut short reserves nothing.
            unlink(path)
        }
        guard let file = try? OwnedDescriptor.open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600) else {
            return
        }
        // A file with holes would reserve nothing.
        if posix_fallocate(file.raw, 0, off_t(Self.bytes)) != 0 { unlink(path) }
    }

    /// Gives them back to the file system.
    ///
    /// - Returns: whether there were any.
    public func release() -> Bool { unlink(path) == 0 }
}

extension SystemError {
    /// Whether it says that no room is left.
    public var isLackOfSpace: Bool { number == ENOSPC || number == EDQUOT }

    /// Whether it says that the file system takes nothing, whatever it is.
    public var isOfDisk: Bool { isLackOfSpace || number == EROFS || number == EIO }
}
