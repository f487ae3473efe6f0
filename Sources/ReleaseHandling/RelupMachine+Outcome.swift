public import Instructions
public import Terms
public import Wire

extension RelupMachine {
    /// What one instruction did to whom.
    public struct InstructionReport: Hashable, Sendable {
        /// In the script, from 0. A resume that the script forgot has the index after its last.
        public let index: Int
        public let instruction: LowLevelInstruction
        public let touched: [ChildAddress]
        /// Sentences, one for each thing worth telling; among them that it should have touched workers and did not.
        public let notes: [String]

        public init(index: Int, instruction: LowLevelInstruction, touched: [ChildAddress], notes: [String]) {
            self.index = index
            self.instruction = instruction
            self.touched = touched
            self.notes = notes
        }
    }

    /// How it ended.
    public enum Outcome: Hashable, Sendable {
        /// Every instruction was evaluated.
        case done(unpurged: [UnpurgedModule], warnings: [String])
        /// Before the point of no return: nothing changed.
        case refused(Failure)
        /// After it, but undone: the old release runs on.
        case aborted(Failure, warnings: [String])
        /// After a commit, and what came since is undone: what was committed has to be taken back by the opposite script.
        case takeBack(Failure, Committed, warnings: [String])
        /// After it, and not to be undone: the node has to restart into the permanent release.
        case restartNode(Failure)
        /// The script's first instruction: go on with the rest of it under the new emulator.
        case restartNewEmulator
        /// The script's last instruction: restart into the new release.
        case restartEmulator(warnings: [String])

        /// With further warnings, where it has any.
        public func warning(of further: [String]) -> Outcome {
            switch self {
            case .done(let unpurged, let warnings): .done(unpurged: unpurged, warnings: warnings + further)
            case .aborted(let failure, let warnings): .aborted(failure, warnings: warnings + further)
            case .takeBack(let failure, let committed, let warnings):
                .takeBack(failure, committed, warnings: warnings + further)
            case .restartEmulator(let warnings): .restartEmulator(warnings: warnings + further)
            case .refused, .restartNode, .restartNewEmulator: self
            }
        }
    }

    /// What of a script was committed before it failed.
    public struct Committed: Hashable, Sendable {
        /// Whose current version was changed.
        public let modules: [Atom]
        public let script: [LowLevelInstruction]
        /// So many of its instructions come before the one that failed.
        public let count: Int

        public init(modules: [Atom], script: [LowLevelInstruction], count: Int) {
            self.modules = modules
            self.script = script
            self.count = count
        }
    }

    /// What went wrong, at which instruction (none: at the check before the first).
    public struct Failure: Hashable, Sendable, CustomStringConvertible {
        public let index: Int?
        public let instruction: LowLevelInstruction?
        public let error: RelupError

        public init(index: Int?, instruction: LowLevelInstruction?, error: RelupError) {
            self.index = index
            self.instruction = instruction
            self.error = error
        }

        public var worker: ChildAddress? { error.worker }
        public var reason: Term { error.term }

        public var description: String {
            guard let index, let instruction else { return error.description }
            return "instruction \(index + 1), \(instruction.term): \(error)"
        }
    }

    /// What becomes of a worker that does not answer its suspend in time.
    public typealias HungWorkers = InstallRequest.HungWorkers

    /// How the daemon becomes another version of itself in the middle of an upgrade.
    public enum EmulatorRestart: String, Hashable, Sendable, CaseIterable {
        /// They are kept where the other version can take them over; else they are stopped.
        case keepWorkers = "keep_workers"
        /// In order, and started again under the other version, as in OTP.
        case stopWorkers = "stop_workers"
    }

    public struct Options: Hashable, Sendable {
        /// For `suspend` without a time of its own. OTP: `sys:suspend/1`.
        public var suspendTimeoutMilliseconds = 5_000
        /// For a handoff, export to import. OTP: `sys:change_code/4`.
        public var codeChangeTimeoutMilliseconds = 5_000
        public var hungWorkers = HungWorkers.terminate
        /// How long a worker may take to answer its suspend while those of earlier groups are held.
        public var suspendGraceMilliseconds = 100
        /// For each part of a state that is copied while its worker runs, and for what the standby makes of it.
        public var snapshotTimeoutMilliseconds = 60_000

        /// What becomes of the workers where the script begins with `restart_new_emulator`.
        public var emulatorRestart = EmulatorRestart.keepWorkers

        /// For a program of the release that an `apply` calls.
        public var applyTimeoutMilliseconds = 60_000

        public init() {}
    }
}
