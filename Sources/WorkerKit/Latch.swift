import CWorkerKit
import Glibc

/// A word of memory that the worker shares with the daemon while its state is copied ahead: it says whether the worker is at
/// rest, unchanged, and the daemon may hold it there.
///
///     busy --rest--> at rest --wake--> busy
///                       └── the daemon holds it ──> held --wake: false--> (the worker is suspended)
///
/// Source: docs/worker-protocol.md, "The latch".
final class Latch {
    private let memory: UnsafeMutableRawPointer
    private var isAtRest = false

    /// With its descriptor, for the daemon.
    static func make() throws(SystemError) -> (Latch, OwnedDescriptor) {
        var memory: UnsafeMutableRawPointer?
        let descriptor = OwnedDescriptor(try SystemError.check("memfd of a latch", cwk_latch_create(&memory)))
        guard let memory else { throw SystemError(call: "mmap", code: ENOMEM) }
        return (Latch(memory), descriptor)
    }

    private init(_ memory: UnsafeMutableRawPointer) { self.memory = memory }

    deinit { cwk_latch_drop(memory) }

    /// Before a wait.
    func rest() {
        isAtRest = true
        cwk_latch_rest(memory)
    }

    /// After it; false where the daemon holds the worker.
    func wake() -> Bool {
        guard isAtRest else { return true }
        isAtRest = false
        return cwk_latch_wake(memory) == 1
    }
}
