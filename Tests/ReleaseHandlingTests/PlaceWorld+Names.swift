import ReleaseHandling
import Supervision
import Terms
import Wire

/// States and actions of a place in short.
extension PlaceWorld {
    static func name(_ state: Machine.State) -> String {
        switch state {
        case .empty(let spare): "empty" + name(spare)
        case .starting(let run, let spare, _, let limit): "starting \(name(run))" + name(limit) + name(spare)
        case .discarding(let run, let spare, let outcome):
            "discarding \(run.generation): \(name(outcome))" + name(spare)
        case .running(let run, let spare): "running \(name(run))" + name(spare)
        case .suspending(let run, let spare, let step): "suspending \(run.generation) for \(step)" + name(spare)
        case .hung(let run, let spare): "hung \(run.generation)" + name(spare)
        case .suspended(let run, let spare): "suspended \(run.generation)" + name(spare)
        case .exporting(let run, let standby, _, let step, let way):
            "exporting \(run.generation) to \(standby) for \(step)" + name(way)
        case .importing(let handover, let step):
            "importing \(name(handover)) for \(step)" + name(handover.way)
        case .imported(let handover): "imported \(name(handover))"
        case .resuming(let handover, let step): "resuming \(name(handover)) for \(step)"
        case .lost(let run, let reason): "lost \(run.generation): \(reason)"
        case .goingOn(let run, let step): "goingOn \(run.generation) for \(step)"
        case .stopping(let run, let spare, let signal, let limit):
            "stopping \(name(run))" + (signal == .sigterm ? "" : ", \(signal.rawValue)") + name(limit) + name(spare)
        }
    }

    private static func name(_ run: Machine.Run) -> String { "\(run.kind) \(run.generation)" }

    private static func name(_ spare: Machine.Spare) -> String {
        switch spare {
        case .none: ""
        case .preparing(let generation, let step): ", preparing \(generation) for \(step)"
        case .waiting(let generation): ", spare \(generation)"
        case .filling(let generation, let filling): ", \(generation) \(name(filling))"
        }
    }

    private static func name(_ filling: Machine.Filling) -> String {
        let waiter = filling.waiter.map { " for \($0)" } ?? ""
        return switch filling.stage {
        case .exporting(let transfer): "exporting \(name(transfer.part))" + waiter
        case .importing(let transfer, _, _): "importing \(name(transfer.part))" + waiter
        case .loaded: "loaded"
        case .complete: "complete"
        case .exported(let transfer, _): "exported \(name(transfer.part))"
        case .failed(let part, let reason): "without \(name(part)): \(reason)"
        }
    }

    private static func name(_ way: Machine.HandoffWay) -> String {
        switch way {
        case .whole: ""
        case .changes: ", else whole"
        case .wholeInstead(let reason): ", whole: \(reason)"
        }
    }

    private static func name(_ part: StatePart) -> String {
        switch part {
        case .whole: "whole"
        case .snapshot: "snapshot"
        case .changes(let isLast): isLast ? "last changes" : "changes"
        }
    }

    private static func name(_ limit: Machine.Limit) -> String {
        switch limit {
        case .none: ""
        case .until(let time): " until \(time)"
        }
    }

    private static func name(_ outcome: Machine.Discard) -> String {
        switch outcome {
        case .ignored: "ignored"
        case .failed(let reason): "failed \(reason)"
        case .cancelled: "cancelled"
        }
    }

    private static func name(_ handover: Machine.Handover) -> String {
        switch handover.old {
        case .stands(let old): "\(old) to \(handover.standby)"
        case .ended(let old, let reason): "\(old) (ended \(reason)) to \(handover.standby)"
        }
    }

    static func name(_ action: Machine.Action) -> String {
        switch action {
        case .launch(let generation): "launch \(generation)"
        case .launchStandby(let generation, _): "launch standby \(generation)"
        case .suspend(let generation, let limit, let export):
            "suspend \(generation) within \(limit.map(String.init) ?? "ever")"
                + (export.map { " and \(name($0))" } ?? "")
        case .export(let generation, let request): "export \(generation) \(name(request))"
        case .endSnapshot(let generation): "end snapshot \(generation)"
        case .relay(let generation, let packet): "relay to \(generation) \(packet.term)"
        case .importState(let generation, let ref, let part, let content):
            "import \(generation)\(part == .whole ? "" : " \(name(part))") ref \(ref) \(content.size)+\(content.descriptors) \(name(content.change))"
        case .resume(let generation, let limit): "resume \(generation) within \(limit.map(String.init) ?? "ever")"
        case .terminate(let generation): "terminate \(generation)"
        case .signal(let generation, let signal): "\(signal.rawValue) \(generation)"
        case .letGo(let generation): "let \(generation) go"
        case .kill(let generation, let reason): "kill \(generation) \(reason)"
        case .schedule(let time): "schedule \(time)"
        case .cancelTimer: "cancel timer"
        case .deliverMailbox(let generation): "mailbox to \(generation)"
        case .failCalls(let reason): "calls fail \(reason)"
        case .handedOver(let from, let to): "handed over \(from) to \(to)"
        case .tell(let notice): "tell \(name(notice))"
        case .answer(let step, let result): "answer \(step) \(name(result))"
        }
    }

    private static func name(_ request: Machine.ExportRequest) -> String {
        (request.part == .whole ? "" : "\(name(request.part)) ") + "ref \(request.ref) \(name(request.change))"
    }

    private static func name(_ change: CodeChange) -> String {
        switch change {
        case .none: "as it is"
        case .up(let from, _): "up from \(from)"
        case .down(let to, _): "down to \(to)"
        }
    }

    private static func name(_ notice: Machine.Notice) -> String {
        switch notice {
        case .started(let id): "started \(id)"
        case .ignored(let id): "ignored \(id)"
        case .startFailed(let id, let reason): "start failed \(id) \(reason)"
        case .exited(let id, let reason, let asked): "\(asked ? "stopped" : "exited") \(id) \(reason)"
        }
    }

    private static func name(_ result: StepResult) -> String {
        switch result {
        case .done: "done"
        case .doneWhole(let reason): "done whole: \(reason)"
        case .hung: "hung"
        case .died(let reason): "died \(reason)"
        case .failed(let reason): "failed \(reason)"
        }
    }
}
