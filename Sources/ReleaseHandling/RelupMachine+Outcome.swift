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
        /// After it, and not to be undone: the node has to restart into the permanent release.
        case restartNode(Failure)
        /// The script's first instruction: go on with the rest of it under the new emulator.
        case restartNewEmulator
        /// The script's last instruction: restart into the new release.
        case restartEmulator(warnings: [String])
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

    public struct Options: Hashable, Sendable {
        /// For `suspend` without a time of its own. OTP: `sys:suspend/1`.
        public var suspendTimeoutMilliseconds = 5_000
        /// For a handoff, export to import. OTP: `sys:change_code/4`.
        public var codeChangeTimeoutMilliseconds = 5_000
        public var hungWorkers = HungWorkers.terminate
        /// How long a worker may take to answer its suspend while those of earlier groups are held.
        public var suspendGraceMilliseconds = 100

        /// Whether `sync_nodes` can be evaluated; a script with one is refused otherwise.
        public var canSyncNodes = false

        public init() {}
    }
}
