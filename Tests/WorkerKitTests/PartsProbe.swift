import CHost
import Foundation
import Glibc
import Terms
import Testing
import Wire

@testable import TestSupport

/// The daemon's part in a handoff in parts.
extension WorkerProbe {
    /// Exports the image and has it imported; the answer of the import.
    func snapshot(to new: WorkerProbe, export: CodeChange = .none, import change: CodeChange = .none) throws
        -> WorkerAnswer
    {
        let (answer, packets) = try self.export { .exportSnapshot(ref: $0, change: export) }
        guard case .exported(_, _, 0, _) = answer else { throw Unexpected("no snapshot: \(answer)") }
        return try new.importing(packets, from: vsn, change) { .importSnapshot(ref: $0, $1) }
    }

    /// Exports what has changed and has it imported; the answer of the import.
    func changes(
        to new: WorkerProbe, isLast: Bool, export: CodeChange = .none, import change: CodeChange = .none
    ) throws -> WorkerAnswer {
        let (answer, packets) = try self.export { .exportChanges(ref: $0, change: export) }
        guard case .exported(let ref, let size, _, _) = answer else { throw Unexpected("no changes: \(answer)") }
        // The standby has all already, and hears nothing of it.
        if size == 0 { return .ok(ref: ref) }
        return try new.importing(packets, from: vsn, change) { .importChanges(ref: $0, $1, isLast: isLast) }
    }

    /// Processes that this one has started and not reaped. Source: proc(5).
    var children: [pid_t] {
        get throws {
            let path = "/proc/\(pid)/task/\(pid)/children"
            return try String(contentsOfFile: path, encoding: .utf8).split(separator: " ").compactMap { pid_t($0) }
        }
    }

    /// Asks for an image whose writing waits at `gate`; the request's ref and the child, which is there by then.
    func beginSnapshot(at gate: Fifo) throws -> (ref: Int, child: Child) {
        #expect(try call(.tuple([.atom("arm"), .tuple([.atom("export_wait"), .text(gate.path)])])) == .ok)
        let ref = newRef()
        try send(.exportSnapshot(ref: ref, change: .none))
        // The fork is behind whoever answers.
        #expect(try call("disarm") == .ok)
        return (ref, try Child(try #require(try children.first), gate))
    }
}

/// A process that is no child of the test's.
final class Child {
    let pid: pid_t
    private let pidfd: Int32
    /// Where it waits: with it gone, it would go on.
    private let gate: Fifo

    init(_ pid: pid_t, _ gate: Fifo) throws {
        self.pid = pid
        self.gate = gate
        pidfd = chost_pidfd_open(pid)
        try #require(pidfd >= 0)
    }

    deinit { close(pidfd) }

    func awaitEnd() throws { try Wait.readable(pidfd, seconds: 60, "the child's end") }
}

/// Where a worker waits until a test lets it go on.
final class Fifo {
    let path: String
    private let directory = TemporaryDirectory()
    private let descriptor: Int32

    init() throws {
        path = directory.file("go")
        try #require(mkfifo(path, 0o666) == 0)
        // Both ends: neither side waits for the other to open it.
        descriptor = Glibc.open(path, O_RDWR | O_CLOEXEC)
    }

    deinit { close(descriptor) }

    func open() {
        var byte: UInt8 = 1
        write(descriptor, &byte, 1)
    }
}
