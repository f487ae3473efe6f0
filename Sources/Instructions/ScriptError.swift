public import Terms

/// An instruction that stands where it can't be evaluated.
///
/// `index` is the instruction's in its script, from 0; what people read counts from 1.
public struct ScriptError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Problem: Hashable, Sendable {
        case notAllowedBeforePointOfNoReturn(LowLevelInstruction)
        case readAfterPointOfNoReturn(LowLevelInstruction)
        case noPointOfNoReturn
        case secondPointOfNoReturn
        case restartNewEmulatorNotFirst
        case restartEmulatorNotLast
        /// `load` of a module that no `load_object_code` names.
        case loadedUnread(Atom)
        /// `load` of a module more often than it is read.
        case loadedAgain(Atom)
    }

    public let index: Int
    public let problem: Problem

    public init(index: Int, problem: Problem) {
        self.index = index
        self.problem = problem
    }

    public var description: String { "instruction \(index + 1): \(message)" }

    /// What was expected and what was found, without the place.
    public var message: String {
        switch problem {
        case .notAllowedBeforePointOfNoReturn(let instruction):
            "expected only load_object_code and apply before point_of_no_return, found \(Self.shown(instruction))"
        case .readAfterPointOfNoReturn(let instruction):
            "expected load_object_code only before point_of_no_return, found \(Self.shown(instruction)) after it"
        case .noPointOfNoReturn:
            "expected point_of_no_return after load_object_code, found none in the script"
        case .secondPointOfNoReturn:
            "expected one point_of_no_return, found a second one"
        case .restartNewEmulatorNotFirst:
            "expected restart_new_emulator only as the first instruction, found it as instruction \(index + 1)"
        case .restartEmulatorNotLast:
            "expected restart_emulator only as the last instruction, found it with others after it"
        case .loadedUnread(let module):
            "expected a load_object_code that names \(Term.atom(module)) before its load, found none"
        case .loadedAgain(let module):
            "expected \(Term.atom(module)) to be loaded once for each load_object_code of it, found one load more"
        }
    }

    private static func shown(_ instruction: LowLevelInstruction) -> String {
        TermReader.shortened(instruction.description)
    }
}
