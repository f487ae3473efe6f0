public import Instructions

extension LowLevelInstruction {
    /// Why a script with this instruction is refused, as long as the daemon can't evaluate it.
    public var unsupported: String? {
        switch self {
        case .restartNewEmulator: "this version does not evaluate it yet"
        case .loadObjectCode, .pointOfNoReturn, .load, .remove, .purge, .suspend, .codeChange, .resume, .stop, .start,
            .syncNodes, .apply, .restartEmulator:
            nil
        }
    }
}
