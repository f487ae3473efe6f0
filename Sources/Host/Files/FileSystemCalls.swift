import CHost
import Glibc

/// The system calls that write files, as closures, so that a test sees their order and makes any of them fail.
///
/// Each returns what the system call returns; a failure is a negative errno.
public struct FileSystemCalls: Sendable {
    public var open: @Sendable (_ path: String, _ flags: Int32, _ mode: UInt32) -> Int32
    public var write: @Sendable (_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int
    public var sync: @Sendable (_ descriptor: Int32) -> Int32
    public var close: @Sendable (_ descriptor: Int32) -> Int32
    public var rename: @Sendable (_ from: String, _ to: String) -> Int32
    public var unlink: @Sendable (_ path: String) -> Int32

    public init(
        open: @escaping @Sendable (String, Int32, UInt32) -> Int32,
        write: @escaping @Sendable (Int32, UnsafeRawBufferPointer) -> Int,
        sync: @escaping @Sendable (Int32) -> Int32, close: @escaping @Sendable (Int32) -> Int32,
        rename: @escaping @Sendable (String, String) -> Int32, unlink: @escaping @Sendable (String) -> Int32
    ) {
        self.open = open
        self.write = write
        self.sync = sync
        self.close = close
        self.rename = rename
        self.unlink = unlink
    }

    public static let system = FileSystemCalls(
        open: { path, flags, mode in checked(chost_open(path, flags, mode)) },
        write: { descriptor, bytes in
            let count = Glibc.write(descriptor, bytes.baseAddress, bytes.count)
            return count < 0 ? -Int(errno) : count
        },
        sync: { checked(fsync($0)) },
        close: { checked(Glibc.close($0)) },
        rename: { from, to in checked(Glibc.rename(from, to)) },
        unlink: { checked(Glibc.unlink($0)) })

    private static func checked(_ result: Int32) -> Int32 { result < 0 ? -errno : result }
}
