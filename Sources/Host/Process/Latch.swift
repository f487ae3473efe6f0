import CHost
import Glibc

/// The memory by which a worker tells, while it waits for something to do, that nothing of it has changed since an image of
/// it was taken, and by which it is held there: without a message, and without waking it.
///
/// Source: docs/worker-protocol.md, "The latch".
public final class Latch {
    let memory: UnsafeMutableRawPointer

    /// Maps what came with a `latch` packet.
    public init(_ descriptor: OwnedDescriptor) throws(LatchError) {
        var memory: UnsafeMutableRawPointer?
        let status = chost_latch_map(descriptor.raw, &memory)
        guard status == 0, let memory else {
            if status == -EINVAL {
                throw LatchError("the latch is no memfd of \(CHOST_LATCH_BYTES) bytes that is sealed against shrinking")
            }
            throw LatchError("the latch can't be mapped: \(SystemError.reason(-status))")
        }
        self.memory = memory
    }

    deinit { chost_latch_unmap(memory) }

    /// Whether the worker was at rest: then it runs nothing of its own from now on until it is told to.
    public func hold() -> Bool { chost_latch_hold(memory) == 1 }
}

/// Why a latch is none.
public struct LatchError: Error, Hashable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}
