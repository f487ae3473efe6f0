import CWorkerKit
import Glibc
import Terms
import Wire

/// A child process that writes an image of the state as it was when it was forked, while its parent serves.
///
/// What it runs of the user's code is the export and nothing else. It holds no socket, no channel and no timer; it ends with
/// _exit(2), and is killed when its parent ends. It writes into two memfds that only these two processes have: the image, which the
/// parent seals and sends once the child has ended well, and a report, in frames as on the channel: what the export logged, and
/// why it failed.
final class SnapshotWriter {
    enum Outcome {
        case written(size: Int)
        case failed(Term)
    }

    /// Of the `export_snapshot` that it answers.
    let ref: Int
    let memory: OwnedDescriptor
    private let report: OwnedDescriptor
    private let child: OwnedDescriptor
    private let core: WorkerCore

    /// The worker serves clients meanwhile: where processors or memory are short, it is the child that has to wait, or to go.
    private static let niceness: Int32 = 10

    /// Forks. In the child `image` runs, and the process ends: there it never returns.
    init(ref: Int, core: WorkerCore, image: () throws -> [UInt8]) throws {
        let memory = try StateMemory.create()
        let report = try StateMemory.create()
        var pidfd: Int32 = -1
        let pid = cwk_fork(&pidfd)
        guard pid >= 0 else {
            throw WorkerError("fork_failed", "\(SystemError(call: "fork", code: -pid))")
        }
        if pid == 0 { Self.write(image, to: memory.raw, report: report.raw, core) }
        self.ref = ref
        self.memory = memory
        self.report = report
        self.child = OwnedDescriptor(pidfd)
        self.core = core
        do {
            try core.control.add(pidfd, .readable, token: WorkerCore.childToken)
        } catch {
            kill()
            waitForEnd()
            throw error
        }
    }

    private static func write(
        _ image: () throws -> [UInt8], to memory: Int32, report: Int32, _ core: WorkerCore
    ) -> Never {
        // A connection that the parent closes is to be closed: no copy of it stays here.
        guard cwk_close_all_but(memory, report) == 0 else { _exit(1) }
        cwk_give_way(niceness)
        core.report = []
        var status: Int32 = 0
        do {
            try StateMemory.write(try image(), to: memory)
        } catch {
            core.reportFailure(reason(of: error))
            status = 1
        }
        if let frames = core.report, (try? StateMemory.write(frames, to: report)) == nil { status = 1 }
        _exit(status)
    }

    /// Nil while the child runs. Its log messages are passed on with it.
    func outcome() -> Outcome? {
        var (code, status): (Int32, Int32) = (0, 0)
        let result = cwk_wait(child.raw, 0, &code, &status)
        if result == 0 { return nil }
        core.control.remove(child.raw)
        guard result > 0 else { return failed("\(SystemError(call: "waitid", code: -result))") }
        let reported = passOnReport()
        if code != CLD_EXITED {
            let name = cwk_signal_name(status).map { "sig" + String(cString: $0).lowercased() } ?? "sig\(status)"
            return .failed(.tuple([.atom("snapshot_failed"), .tuple([.atom("signal"), .atom(Atom(name))])]))
        }
        if let reported { return .failed(reported) }
        guard status == 0 else {
            return .failed(
                .tuple([.atom("snapshot_failed"), .tuple([.atom("exit_status"), .integer(Int(status))])]))
        }
        do {
            let size = try StateMemory.size(of: memory.raw)
            guard size > 0 else { return failed("the image is empty") }
            try StateMemory.seal(memory)
            return .written(size: size)
        } catch {
            return failed("\(error)")
        }
    }

    /// Ends the child, whatever it has written; `hasEnded` says when it is gone.
    func kill() { _ = cwk_kill(child.raw) }

    /// The child is gone, and nothing of it is left. An image that came too late is dropped.
    var hasEnded: Bool {
        var (code, status): (Int32, Int32) = (0, 0)
        guard cwk_wait(child.raw, 0, &code, &status) != 0 else { return false }
        core.control.remove(child.raw)
        return true
    }

    func waitForEnd() {
        var (code, status): (Int32, Int32) = (0, 0)
        _ = cwk_wait(child.raw, 1, &code, &status)
        core.control.remove(child.raw)
    }

    private func failed(_ message: String) -> Outcome {
        .failed(.tuple([.atom("snapshot_failed"), text(message)]))
    }

    /// Sends what the child logged, and returns the reason of its failure where it has given one.
    private func passOnReport() -> Term? {
        guard let bytes = try? StateMemory.bytes(of: report.raw, limit: WireLimits.maxFrameBytes) else { return nil }
        var frames = FrameDecoder()
        frames.append(bytes)
        var failure: Term?
        // The child may have been killed in the middle of it: what is whole counts.
        while let payload = try? frames.next(), let term = try? Frame.decode(payload) {
            switch try? WorkerAnswer(term) {
            case .log(let level, let text, let metadata):
                core.send(.log(level: level, text: text, metadata: metadata))
            case .error(_, let reason): failure = reason
            default: break
            }
        }
        return failure
    }
}
