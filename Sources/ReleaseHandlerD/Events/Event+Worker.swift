import Host
import Terms
import Wire
import Supervision
import Logging

/// What becomes of workers and of their processes.
enum WorkerEvent {
    case started(ChildAddress, pid: Int32, generation: Int)
    /// There is no room for its process now.
    case startDelayed(ChildAddress, reason: Term, milliseconds: Int)
    /// Its spec's `cgroup` bounds nothing here.
    case boundsIgnored(ChildAddress, reason: String)
    /// It ended, and not because its supervisor wanted it to.
    case exited(ChildAddress, reason: Term, EndedProcess?)
    /// It ended as its supervisor wanted it to.
    case stopped(ChildAddress, reason: Term, EndedProcess?)
    case restarted(ChildAddress, count: Int, RestartReason)
    /// Its restart waits so long, as `restart_delay` says.
    case restartDelayed(ChildAddress, milliseconds: Int, RestartReason)
    case handedOff(ChildAddress, oldPid: Int32, pid: Int32, generation: Int)
    /// It is terminated for an upgrade that it would hold up.
    case hung(ChildAddress, isUnmodifiedProgram: Bool)
    /// Its state or its connections did not come through an install.
    case lost(InstallResult.Loss)
    case leftProcesses(ChildAddress, pid: Int32, [LeftProcess], isInBackground: Bool)
    /// It lists functional modules, and its library for workers knows none.
    case modulesNotLoaded(ChildAddress, pid: Int32, modules: [Atom])
    case notificationIgnored(ChildAddress, pid: Int32, sender: Int32)
    case mainPidIgnored(ChildAddress, pid: Int32, mainPid: Int32)
    /// With the sentence that an install would have for it.
    case configChangeFailed(ChildAddress, failure: String)
    case unknownStartPhase(ChildAddress, Atom, of: Atom)

    var entry: EventEntry {
        switch self {
        case .started(let worker, let pid, let generation):
            EventEntry(
                .workerStarted, "\(worker) started, pid \(pid)", worker: worker,
                fields: ["pid": "\(pid)", "generation": "\(generation)"])
        case .startDelayed(let worker, let reason, let milliseconds):
            EventEntry(
                .startDelayed,
                "\(worker) can't be started now: \(reason.reasonText); it is tried again for \(milliseconds) ms",
                level: .warning, worker: worker, fields: ["reason": reason.reasonText, "ms": "\(milliseconds)"])
        case .boundsIgnored(let worker, let reason):
            EventEntry(
                .boundsIgnored,
                "\(worker) runs without the bounds of its cgroup: there are no control groups, \(reason)",
                level: .warning, worker: worker, fields: ["reason": reason])
        case .exited(let worker, let reason, let ended):
            EventEntry(
                .workerExited, "\(worker) terminated: \(reason.reasonText)",
                level: reason.isOrderlyExit ? .info : .warning, worker: worker,
                fields: EndedProcess.fields(ended, reason))
        case .stopped(let worker, let reason, let ended):
            EventEntry(
                .workerStopped, "\(worker) was stopped: \(reason.reasonText)", worker: worker,
                fields: EndedProcess.fields(ended, reason))
        case .restarted(let worker, let count, let reason):
            EventEntry(
                .workerRestart, "\(worker) is restarted, time \(count): \(reason.sentence)", level: .notice,
                worker: worker,
                fields: ["restarts": "\(count)", "supervisor": worker.parent?.description ?? ""]
                    .merging(reason.fields) { $1 })
        case .restartDelayed(let worker, let milliseconds, let reason):
            EventEntry(
                .restartDelayed,
                "\(worker) is restarted in \(Self.seconds(milliseconds)) s: \(reason.sentence)", level: .notice,
                worker: worker,
                fields: ["delay_ms": "\(milliseconds)", "supervisor": worker.parent?.description ?? ""]
                    .merging(reason.fields) { $1 })
        case .handedOff(let worker, let oldPid, let pid, let generation):
            EventEntry(
                .workerHandedOff, "\(worker) handed off from pid \(oldPid) to pid \(pid)", worker: worker,
                fields: ["pid": "\(pid)", "old_pid": "\(oldPid)", "generation": "\(generation)"])
        case .hung(let worker, let isUnmodifiedProgram):
            EventEntry(
                .workerHung,
                """
                \(worker) \(isUnmodifiedProgram ? "is an unmodified program" : "did not answer suspend in time") and is \
                terminated
                """, level: .warning, worker: worker)
        case .lost(let loss):
            EventEntry(
                .workerLost, "\(loss.worker) has lost its \(loss.what): \(loss.why)", level: .error,
                worker: ChildAddress(parsing: loss.worker), fields: ["what": loss.what, "why": loss.why])
        case .leftProcesses(let worker, let pid, let processes, let isInBackground):
            EventEntry(
                .processesLeft, Self.left(worker, processes, isInBackground), level: .warning, worker: worker,
                fields: ["pid": "\(pid)", "count": "\(processes.count)"])
        case .modulesNotLoaded(let worker, let pid, let modules):
            EventEntry(
                .modulesNotLoaded,
                """
                \(worker) has not loaded \(modules.map(\.name).joined(separator: ", ")): it speaks a version of the worker \
                protocol before 4; build it with a newer library, or take them out of its modules
                """, level: .warning, worker: worker,
                fields: ["pid": "\(pid)", "modules": modules.map(\.name).joined(separator: " ")])
        case .notificationIgnored(let worker, let pid, let sender):
            EventEntry(
                .notificationIgnored,
                """
                \(worker): a message to its NOTIFY_SOCKET came from pid \(sender), which is not of its process group: \
                ignored, as all such are
                """, level: .warning, worker: worker, fields: ["pid": "\(pid)", "sender": "\(sender)"])
        case .mainPidIgnored(let worker, let pid, let mainPid):
            EventEntry(
                .mainPidIgnored,
                """
                \(worker) says that pid \(mainPid) is its main process now: ignored, pid \(pid) is the one that is \
                supervised; run the program in the foreground
                """, level: .warning, worker: worker, fields: ["pid": "\(pid)", "main_pid": "\(mainPid)"])
        case .configChangeFailed(let worker, let failure):
            EventEntry(.configChangeFailed, failure, level: .warning, worker: worker)
        case .unknownStartPhase(let worker, let phase, let application):
            EventEntry(
                .unknownStartPhase,
                """
                \(worker) asks for the start phase \(Term.atom(phase)), which \(application.name).app has not: it is not \
                called
                """, level: .warning, worker: worker, fields: ["phase": phase.name])
        }
    }

    /// To the millisecond, without what is nothing: `5`, `0.25`.
    private static func seconds(_ milliseconds: Int) -> String {
        guard milliseconds % 1000 > 0 else { return "\(milliseconds / 1000)" }
        var digits = String("\(1000 + milliseconds % 1000)".dropFirst())
        while digits.hasSuffix("0") { digits.removeLast() }
        return "\(milliseconds / 1000).\(digits)"
    }

    private static func left(_ worker: ChildAddress, _ processes: [LeftProcess], _ isInBackground: Bool) -> String {
        let names = processes.map { "pid \($0.pid) (\($0.name))" }.firstListed
        let sentence = "\(worker) left \(names) behind as it ended: killed"
        guard isInBackground else { return sentence }
        return sentence + "; a program that puts itself into the background can't be supervised: "
            + "have it stay in the foreground"
    }
}

/// The process that a worker had.
struct EndedProcess {
    let pid: Int32
    let generation: Int
    let ageMilliseconds: Int

    /// Of a worker's end; it may have had no process any more.
    fileprivate static func fields(_ ended: EndedProcess?, _ reason: Term) -> [String: String] {
        var fields = ["reason": reason.reasonText]
        if let ended {
            fields["pid"] = "\(ended.pid)"
            fields["generation"] = "\(ended.generation)"
            fields["age_ms"] = "\(ended.ageMilliseconds)"
        }
        return fields
    }
}

/// Why a worker is started again.
enum RestartReason {
    case ended(reason: Term)
    case startFailed(reason: Term, explained: String)
    /// With this child, by the supervisor's strategy.
    case with(ChildAddress)

    fileprivate var sentence: String {
        switch self {
        case .ended(let reason): "it terminated: \(reason.reasonText)"
        case .startFailed(_, let explained): "its start failed: \(explained)"
        case .with(let other): "with \(other), as the strategy says"
        }
    }

    fileprivate var fields: [String: String] {
        switch self {
        case .ended(let reason), .startFailed(let reason, _): ["reason": reason.reasonText]
        case .with(let other): ["with": other.description]
        }
    }
}
