import Glibc
import Host
import ReleaseHandling
import Wire

/// What the service manager's tools do for a unit, for one worker.
extension WorkerFunctions {
    /// To the process that stands at the place now; one that is started, or waits as a standby, gets nothing.
    ///
    /// Source: kill(1), systemctl(1) `kill`.
    func kill(_ worker: String, _ text: String) throws(ControlError) -> SentSignal {
        guard let signal = WorkerSignal(text) else { throw KillRequest.noSignal(text) }
        let place = try runningPlace(worker)
        guard let generation = place.current else { throw nobody(worker, notRunning(worker).message) }
        do throws(SystemError) {
            try generation.send(signal: signal.number)
        } catch {
            guard error.number == ESRCH else {
                throw ControlError(
                    .systemError, "\(worker) did not get \(signal): \(error)", details: ["worker": worker])
            }
            throw nobody(worker, "\(worker) has just ended")
        }
        return SentSignal(
            worker: worker, pid: generation.pid, generation: generation.number, signal: signal.description)
    }

    private func runningPlace(_ worker: String) throws(ControlError) -> Place {
        do throws(ControlError) {
            return try found(worker)
        } catch {
            throw error.code == .workerError ? nobody(worker, error.message) : error
        }
    }

    private func nobody(_ worker: String, _ why: String) -> ControlError {
        var details = ["worker": worker, "reason": "noproc"]
        details["supervisor"] = ChildAddress(parsing: worker)?.parent?.description
        return ControlError(.badChildState, "\(why): nobody is there to get the signal", details: details)
    }

    /// Also of one that does not run.
    func log(of worker: String) -> WorkerLog {
        switch LogTarget.current {
        case .journal(let matches): WorkerLog(worker: worker, journal: ["WORKER=\(worker)"] + matches)
        case .standardError(let file): WorkerLog(worker: worker, file: file)
        }
    }
}
