import CHost
import Glibc

/// A worker's state on its way to the next generation: a sealed memfd. Source: memfd_create(2), fcntl(2) F_ADD_SEALS.
public enum StateDescriptor {
    private static let addSeals: Int32 = 1033
    private static let getSeals: Int32 = 1034
    private static let seals: [(name: String, bit: Int32)] = [
        ("F_SEAL_SEAL", 1), ("F_SEAL_SHRINK", 2), ("F_SEAL_GROW", 4), ("F_SEAL_WRITE", 8),
    ]

    /// Throws, as the text of a protocol error, where `descriptor` is no memfd of `size` bytes that nobody can change
    /// any more. Unsealed, the worker that sent it could still change it while the next one reads.
    public static func check(_ descriptor: OwnedDescriptor, size: Int) throws(StateDescriptorError) {
        let held = chost_fcntl(descriptor.raw, getSeals, 0)
        guard held >= 0 else { throw StateDescriptorError("the state's descriptor is no memfd") }
        let missing = seals.filter { held & $0.bit == 0 }.map(\.name)
        guard missing.isEmpty else {
            throw StateDescriptorError("the state's memfd is not sealed: \(missing.joined(separator: ", ")) missing")
        }
        let found: Int
        do {
            found = try FileStatus(of: descriptor.raw).size
        } catch {
            throw StateDescriptorError("the state's memfd: \(error)")
        }
        guard found == size else {
            throw StateDescriptorError("the state's memfd has \(found) bytes, \(size) were announced")
        }
    }

    /// What a program may have as its standard input: `bytes`, from their beginning.
    public static func input(_ bytes: [UInt8]) throws(SystemError) -> OwnedDescriptor {
        try reading(make(bytes))
    }

    /// The same memory opened anew: for reading only, and with a position of its own.
    public static func reading(_ memory: OwnedDescriptor) throws(SystemError) -> OwnedDescriptor {
        try withExtendedLifetime(memory) { () throws(SystemError) in
            try .open("/proc/self/fd/\(memory.raw)", O_RDONLY)
        }
    }

    /// A file in memory, for a program to write to.
    public static func empty() throws(SystemError) -> OwnedDescriptor {
        let raw = chost_memfd_create("answer")
        guard raw >= 0 else { throw SystemError("memfd_create", errno) }
        return OwnedDescriptor(raw)
    }

    /// What was written to it, at most `limit` bytes.
    public static func contents(of descriptor: OwnedDescriptor, limit: Int) throws(SystemError) -> [UInt8] {
        let count = min(try FileStatus(of: descriptor.raw).size, limit)
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let got = pread(descriptor.raw, buffer.baseAddress! + filled, count - filled, off_t(filled))
                if got > 0 {
                    filled += got
                } else if got == 0 {
                    return
                } else if errno != EINTR {
                    failure = errno
                    return
                }
            }
        }
        guard failure == 0 else { throw SystemError("pread", failure, "memfd") }
        return bytes
    }

    /// A sealed memfd with `bytes`.
    public static func make(_ bytes: [UInt8]) throws(SystemError) -> OwnedDescriptor {
        let raw = chost_memfd_create("state")
        guard raw >= 0 else { throw SystemError("memfd_create", errno) }
        let descriptor = OwnedDescriptor(raw)
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(raw, $0.baseAddress! + written, $0.count - written) }
            if count > 0 {
                written += count
            } else if errno != EINTR {
                throw SystemError("write", errno, "memfd")
            }
        }
        guard chost_fcntl(raw, addSeals, seals.reduce(0) { $0 | $1.bit }) == 0 else {
            throw SystemError("fcntl F_ADD_SEALS", errno)
        }
        return descriptor
    }
}

/// Why a state can't be handed on.
public struct StateDescriptorError: Error, Hashable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}
