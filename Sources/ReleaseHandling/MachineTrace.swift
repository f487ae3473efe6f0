public import Instructions
import Terms

/// What a relup machine was given and what it asked for, from its beginning on: kept for the case that the upgrade fails.
/// A trace that is whole can be replayed into a machine of the same version, which does the same again.
///
/// The code table is an input, too. What the machine changes in it follows from its actions; what was loaded beside it is
/// an input of its own.
///
/// The driver's obligations:
/// 1. note every event when it is handed to the machine, and every action that the machine returned for it;
/// 2. note a module that is loaded beside the machine's own changes when it is loaded.
///
/// Bounded: what is too much goes from the front, and the text says that it was cut. Such a trace is for reading only.
public struct MachineTrace: Sendable {
    /// All that a machine begins with.
    public struct Beginning: Hashable, Sendable {
        public let script: [LowLevelInstruction]
        public let fromRelease: String
        public let toRelease: String
        public let libraries: [LibraryRecord]
        public let options: RelupMachine.Options
        public let code: CodeTable

        public var machine: RelupMachine {
            RelupMachine(
                script: script, fromRelease: fromRelease, toRelease: toRelease, libraries: libraries, options: options)
        }
    }

    public enum Input: Hashable, Sendable {
        case event(RelupMachine.Event)
        /// A module became current, or was found in the new directory of its library, without the machine's asking: a
        /// start needed it.
        case loaded(CodeVersion)
    }

    enum Entry: Sendable {
        case input(Input)
        case action(RelupMachine.Action)

        /// How much it holds: 1 and one for each worker, module or instruction.
        var size: Int {
            switch self {
            case .input(.event(let event)): event.size
            case .input(.loaded): 1
            case .action(let action): action.size
            }
        }
    }

    public let beginning: Beginning
    private(set) var entries: [Entry] = []
    /// How many entries were dropped.
    private(set) var cutCount = 0
    private var size = 0
    private let sizeLimit: Int

    /// What is kept in memory, in `Entry.size`.
    public static let standardSizeLimit = 200_000

    /// Of a machine that is not started yet. `code`: what `start` is given.
    public init(of machine: RelupMachine, code: CodeTable, sizeLimit: Int = standardSizeLimit) {
        beginning = Beginning(
            script: machine.script, fromRelease: machine.fromRelease, toRelease: machine.toRelease,
            libraries: machine.libraries, options: machine.options, code: code)
        self.sizeLimit = sizeLimit
    }

    public mutating func note(_ input: Input) { append(.input(input)) }

    public mutating func note(_ actions: [RelupMachine.Action]) {
        for action in actions { append(.action(action)) }
    }

    private mutating func append(_ entry: Entry) {
        entries.append(entry)
        size += entry.size
        guard size > sizeLimit else { return }
        // Half at once: so that a long upgrade does not move all the others with each entry.
        var dropped = 0
        while size > sizeLimit / 2, dropped < entries.count {
            size -= entries[dropped].size
            dropped += 1
        }
        entries.removeFirst(dropped)
        cutCount += dropped
    }
}

extension RelupMachine.Event {
    fileprivate var size: Int {
        switch self {
        case .workersFound(let workers): 1 + workers.count
        case .objectCodeRead(let versions): 1 + versions.count
        case .standbysReady(let standbys, let notes): 1 + standbys.count + notes.count
        case .suspended(let ok, let hung, let died, let waiting, let refused):
            1 + ok.count + hung.count + died.count + waiting.count + refused.count
        case .handedOff(let ok, let failed, let died, let whole):
            1 + ok.count + failed.count + died.count + whole.count
        case .supervisorsChanged(let failed, let died, let notes): 1 + failed.count + died.count + notes.count
        case .supervisorsRestored(let failed), .restartsAwaited(let failed): 1 + failed.count
        case .resumed(let ok, let failed, let died): 1 + ok.count + failed.count + died.count
        case .startedAgain(let ok, let failed), .childrenStarted(let ok, let failed):
            1 + ok.count + failed.count
        case .childrenStopped(let stopped, let failed): 1 + stopped.count + failed.count
        case .copiedAhead(let failed, let without): 1 + failed.count + without.count
        case .modulesUpdated(let ok, let failed, let unanswered): 1 + ok.count + failed.count + unanswered.count
        case .modulesChanged(let ok, let failed, let without, let died):
            1 + ok.count + failed.count + without.count + died.count
        case .modulesRestored(let failed): 1 + failed.count
        case .objectCodeFailed, .standbyFailed, .codeChanged, .startsHeld, .hungTerminated, .startsReleased,
            .workersEnded, .nodesSynced, .nodesSyncFailed, .applied, .applyFailed, .standbysEnded:
            1
        }
    }
}

extension RelupMachine.Action {
    fileprivate var size: Int {
        switch self {
        case .findWorkers(let modules), .holdStarts(let modules), .releaseStarts(let modules),
            .stopChildren(let modules), .readObjectCode(_, let modules), .updateModules(let modules):
            1 + modules.count
        case .startStandbys(let orders): 1 + orders.count
        case .suspend(let orders, _, _), .awaitSuspended(let orders): 1 + orders.count
        case .restoreChildren(let children): 1 + children.count
        case .handOff(let handoffs, _): 1 + handoffs.count
        case .copyAhead(let orders, _): 1 + orders.count
        case .changeModules(let changes, _): 1 + changes.count
        case .restoreModules(let targets): 1 + targets.count
        case .terminateHung(let workers), .changeSupervisors(let workers), .restoreSupervisors(let workers),
            .resume(let workers, _), .resumeOld(let workers, _), .startAgain(let workers), .endWorkers(let workers, _),
            .startChildren(let workers), .awaitRestarts(let workers):
            1 + workers.count
        case .report(let report): 1 + report.touched.count + report.notes.count
        case .changeCode, .syncNodes, .apply, .endStandbys, .committed, .finished: 1
        }
    }
}
