public import Instructions
public import Terms
public import Wire

/// Why a script was refused, aborted, or ends in a restart; `term` is OTP's where OTP has one.
public enum RelupError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A worker still runs the version before the current one, and the script purges softly.
    case oldProcesses(Atom, [ChildAddress])
    case noSuchLibrary(Atom)
    case badLibraryVsn(Atom, wanted: String, found: String)
    case objectCode(module: Atom, reason: Term)
    case standby(module: Atom, worker: ChildAddress?, reason: Term)
    /// What the script starts beside its workers has no room.
    case systemLimit(SystemLimit, message: String)
    /// Instructions stand where they can't be evaluated.
    case scriptOrder(ScriptError)
    /// The script can't be evaluated, whatever the system's state.
    case badScript(LowLevelInstruction, message: String)
    case applied(MFA, reason: Term)
    case syncNodes(Term)
    /// `restart_new_emulator`: the other one could not be executed, or could not take over.
    case emulator(reason: String)
    /// They did not answer their suspend in time, and are left alone.
    case hung([ChildAddress])
    /// It answered its suspend with an error, and is left alone.
    case refusedSuspend(worker: ChildAddress, reason: Term)
    /// It was busy with a child's start or end for longer than the instruction allows.
    case suspend(supervisor: ChildAddress)
    case codeChange(module: Atom, worker: ChildAddress, reason: Term)
    /// A functional module that a worker could not load.
    case load(module: Atom, worker: ChildAddress, reason: Term)
    /// A worker whose state goes over unconverted.
    case handOff(worker: ChildAddress, reason: Term)
    case resume(worker: ChildAddress, reason: Term)
    case start(worker: ChildAddress, reason: Term)
    /// The driver answered something else than it was asked.
    case unexpectedEvent(String)

    /// What there is too little of.
    public enum SystemLimit: String, Hashable, Sendable {
        case openFiles = "open_files"
        case memory
    }

    public var worker: ChildAddress? {
        switch self {
        case .oldProcesses(_, let workers), .hung(let workers): workers.first
        case .standby(_, let worker, _): worker
        case .codeChange(_, let worker, _), .load(_, let worker, _), .handOff(let worker, _), .resume(let worker, _),
            .start(let worker, _),
            .refusedSuspend(let worker, _), .suspend(let worker):
            worker
        case .noSuchLibrary, .badLibraryVsn, .objectCode, .badScript, .scriptOrder, .applied, .syncNodes, .emulator,
            .systemLimit, .unexpectedEvent:
            nil
        }
    }

    public var term: Term {
        switch self {
        case .oldProcesses(let module, _): tuple("old_processes", .atom(module))
        case .noSuchLibrary(let library): tuple("no_such_library", .atom(library))
        case .badLibraryVsn(let library, _, let found): tuple("bad_lib_vsn", .atom(library), .string(found))
        case .objectCode(let module, let reason): tuple("load_object_code_failed", .atom(module), reason)
        case .standby(let module, let worker, let reason):
            tuple("standby_failed", worker.map { .string($0.description) } ?? .atom(module), reason)
        case .systemLimit(let limit, let message):
            tuple("system_limit", .atom(Atom(limit.rawValue)), .string(message))
        case .scriptOrder(let error): tuple("bad_script", .string(error.description))
        case .badScript(let instruction, let message): tuple("bad_script", instruction.term, .string(message))
        case .applied(let function, let reason):
            tuple("apply_failed", .tuple([.atom(function.module), .atom(function.function)]), reason)
        case .syncNodes(let reason): tuple("sync_error", reason)
        case .emulator(let reason): tuple("restart_new_emulator", .text(reason))
        case .codeChange(let module, let worker, let reason):
            tuple("code_change_failed", .string(worker.description), .atom(module), reason)
        case .load(let module, let worker, let reason):
            tuple("load_failed", .string(worker.description), .atom(module), reason)
        case .hung(let workers):
            tuple("suspend_failed", .list(workers.map { .string($0.description) }), .atom("timeout"))
        case .refusedSuspend(let worker, let reason): tuple("suspend_failed", .string(worker.description), reason)
        case .suspend(let supervisor): tuple("suspend_failed", .string(supervisor.description), .atom("timeout"))
        case .handOff(let worker, let reason): tuple("handoff_failed", .string(worker.description), reason)
        case .resume(let worker, let reason): tuple("resume_failed", .string(worker.description), reason)
        case .start(let worker, let reason): tuple("start_failed", .string(worker.description), reason)
        case .unexpectedEvent(let message): tuple("unexpected_event", .string(message))
        }
    }

    public var description: String {
        switch self {
        case .oldProcesses(let module, let workers):
            """
            \(names(workers)) still \(workers.count == 1 ? "runs" : "run") old code of \(module.name), which the \
            script purges softly; restart \(workers.count == 1 ? "it" : "them") or use brutal_purge
            """
        case .noSuchLibrary(let library): "library \(library.name) is not in the new release"
        case .badLibraryVsn(let library, let wanted, let found):
            "library \(library.name)-\(wanted) is not in the new release, which has \(library.name)-\(found)"
        case .objectCode(let module, let reason): "object code of \(module.name): \(sentence(reason))"
        case .standby(let module, let worker, let reason):
            "new code of \(module.name) does not start\(worker.map { " for \($0)" } ?? ""): \(sentence(reason))"
        case .scriptOrder(let error): error.description
        case .badScript(_, let message), .systemLimit(_, let message): message
        case .applied(let function, let reason):
            """
            \(function.module.name):\(function.function.name)/\(function.arguments.count) failed: \
            \(sentence(reason))
            """
        case .syncNodes(let reason):
            // As OTP's `{sync_error, {nodedown, Node}}`, unless it is a sentence.
            "nodes could not be synchronised: \(reason.asText == nil ? sentence(term) : sentence(reason))"
        case .emulator(let reason): "the emulator is not restarted: \(reason)"
        case .codeChange(let module, let worker, let reason):
            "code_change of \(module.name) failed in \(worker): \(sentence(reason))"
        case .load(let module, let worker, let reason):
            "\(module.name) could not be loaded into \(worker): \(sentence(reason))"
        case .hung(let workers):
            """
            \(names(workers)) did not suspend in time and \(workers.count == 1 ? "is" : "are") left alone; see what \
            \(workers.count == 1 ? "it is" : "they are") at, or install with `--hung terminate`
            """
        case .refusedSuspend(let worker, let reason):
            """
            \(worker) did not suspend and is left alone: \(sentence(reason)); ask its author why, or install with \
            `--hung terminate`
            """
        case .suspend(let supervisor):
            """
            supervisor \(supervisor) could not be suspended in time: it is busy with the start or the end of a child; \
            try again when `releasectl tree` shows that it is done
            """
        case .handOff(let worker, let reason): "\(worker) could not be handed over: \(sentence(reason))"
        case .resume(let worker, let reason): "\(worker) could not be resumed in new code: \(sentence(reason))"
        case .start(let worker, let reason): "\(worker) could not be started: \(sentence(reason))"
        case .unexpectedEvent(let message): message
        }
    }
}

private func tuple(_ name: String, _ elements: Term...) -> Term {
    .tuple([.atom(Atom(name))] + elements)
}

/// A reason that is text is shown as it is, any other as a term.
func sentence(_ reason: Term) -> String {
    if let text = reason.asText, !text.isEmpty, text.utf8.count <= Term.reasonBytes { return text }
    return reason.reasonText
}

/// A list of workers for a sentence; long ones are cut, the reader wants to know which, not all of them.
public func names(_ workers: [ChildAddress]) -> String {
    let shown = workers.prefix(5).map(\.description).joined(separator: ", ")
    return workers.count > 5 ? "\(shown) and \(workers.count - 5) more" : shown
}
