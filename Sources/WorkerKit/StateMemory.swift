import CWorkerKit
import Glibc
import Terms

/// A descriptor that is closed with its last owner.
final class OwnedDescriptor {
    let raw: Int32
    private var isOwned = true

    init(_ raw: Int32) { self.raw = raw }

    /// Hands the descriptor over to the caller.
    func release() -> Int32 {
        isOwned = false
        return raw
    }

    deinit { if isOwned { _ = close(raw) } }
}

/// A state in an anonymous, sealed file: what one process wrote no one changes any more.
enum StateMemory {
    /// A new memfd with nothing in it. Source: memfd_create(2).
    static func create() throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(try SystemError.check("memfd_create", cwk_memfd_create("worker-state")))
    }

    /// A new memfd with these bytes, sealed.
    static func create(sealing bytes: [UInt8]) throws(SystemError) -> OwnedDescriptor {
        let memory = try create()
        try write(bytes, to: memory.raw)
        try seal(memory)
        return memory
    }

    static func write(_ bytes: [UInt8], to descriptor: Int32) throws(SystemError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress.map { $0 + written }, $0.count - written)
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw SystemError(call: "write to a memfd", code: errno)
            }
            written += count
        }
    }

    /// Nobody changes it any more. Source: fcntl(2) F_ADD_SEALS.
    static func seal(_ memory: OwnedDescriptor) throws(SystemError) {
        try SystemError.check("fcntl F_ADD_SEALS", cwk_memfd_seal(memory.raw))
    }

    static func size(of descriptor: Int32) throws(SystemError) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw SystemError(call: "fstat", code: errno) }
        return Int(status.st_size)
    }

    /// What stands in a small one, up to `limit` bytes.
    static func bytes(of descriptor: Int32, limit: Int) throws(SystemError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: min(limit, try size(of: descriptor)))
        let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
        guard count >= 0 else { throw SystemError(call: "pread", code: errno) }
        return Array(bytes[..<count])
    }

    /// Maps a state for as long as `body` runs.
    static func withBytes<T>(
        of memory: OwnedDescriptor, size: Int, _ body: (UnsafeRawBufferPointer) throws -> T
    ) throws -> T {
        guard try SystemError.check("fcntl F_GET_SEALS", cwk_memfd_is_sealed(memory.raw)) == 1 else {
            throw WorkerError("bad_state", "the state's memfd is not sealed")
        }
        let found = try Self.size(of: memory.raw)
        guard size > 0, found == size else {
            throw WorkerError("bad_state", "the state's memfd has \(found) bytes, announced were \(size)")
        }
        guard let start = mmap(nil, size, PROT_READ, MAP_PRIVATE | Int32(MAP_POPULATE), memory.raw, 0),
            start != MAP_FAILED
        else { throw SystemError(call: "mmap", code: errno) }
        defer { munmap(start, size) }
        return try body(UnsafeRawBufferPointer(start: start, count: size))
    }
}
