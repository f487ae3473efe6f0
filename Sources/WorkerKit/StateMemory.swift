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
    /// A new memfd with these bytes, sealed. Source: memfd_create(2), fcntl(2) F_ADD_SEALS.
    static func create(_ bytes: [UInt8]) throws(SystemError) -> OwnedDescriptor {
        let memory = OwnedDescriptor(try SystemError.check("memfd_create", cwk_memfd_create("worker-state")))
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                write(memory.raw, $0.baseAddress.map { $0 + written }, $0.count - written)
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw SystemError(call: "write to a memfd", code: errno)
            }
            written += count
        }
        try SystemError.check("fcntl F_ADD_SEALS", cwk_memfd_seal(memory.raw))
        return memory
    }

    /// Maps a state for as long as `body` runs.
    static func withBytes<T>(
        of memory: OwnedDescriptor, size: Int, _ body: (UnsafeRawBufferPointer) throws -> T
    ) throws -> T {
        guard try SystemError.check("fcntl F_GET_SEALS", cwk_memfd_is_sealed(memory.raw)) == 1 else {
            throw WorkerError("bad_state", "the state's memfd is not sealed")
        }
        var status = stat()
        guard fstat(memory.raw, &status) == 0 else { throw SystemError(call: "fstat", code: errno) }
        guard size > 0, Int(status.st_size) == size else {
            throw WorkerError("bad_state", "the state's memfd has \(status.st_size) bytes, announced were \(size)")
        }
        guard let start = mmap(nil, size, PROT_READ, MAP_PRIVATE | Int32(MAP_POPULATE), memory.raw, 0),
            start != MAP_FAILED
        else { throw SystemError(call: "mmap", code: errno) }
        defer { munmap(start, size) }
        return try body(UnsafeRawBufferPointer(start: start, count: size))
    }
}
