import Terms

extension [LowLevelInstruction] {
    /// Whether the instructions stand in an order that can be evaluated; found before any of them runs.
    ///
    ///     [restart_new_emulator]                      only as the first
    ///     load_object_code, apply ...                 nothing else before the point
    ///     point_of_no_return                          one, and needed where anything is read
    ///     load, suspend, apply ...                    everything but load_object_code; load of what was read
    ///     [restart_emulator]                          only as the last
    ///
    /// A script that reads nothing may go without the point; all of it then counts as standing after it.
    ///
    /// Source: `release_handler_1`, how it splits and checks a script; appup(4).
    public func checkOrder() throws(ScriptError) {
        try checkRestarts()
        guard let point = try pointOfNoReturn() else { return try checkLoads(point: 0) }
        for (index, instruction) in self[..<point].enumerated() {
            guard instruction.mayStandBeforePointOfNoReturn else {
                throw ScriptError(index: index, problem: .notAllowedBeforePointOfNoReturn(instruction))
            }
        }
        for (index, instruction) in self.enumerated().dropFirst(point + 1) {
            guard case .loadObjectCode = instruction else { continue }
            throw ScriptError(index: index, problem: .readAfterPointOfNoReturn(instruction))
        }
        try checkLoads(point: point)
    }

    private func checkRestarts() throws(ScriptError) {
        for (index, instruction) in self.enumerated() {
            if instruction == .restartNewEmulator, index > 0 {
                throw ScriptError(index: index, problem: .restartNewEmulatorNotFirst)
            }
            if instruction == .restartEmulator, index < count - 1 {
                throw ScriptError(index: index, problem: .restartEmulatorNotLast)
            }
        }
    }

    /// Where the point of no return is, or `nil` where none is needed.
    private func pointOfNoReturn() throws(ScriptError) -> Int? {
        guard let point = firstIndex(of: .pointOfNoReturn) else {
            let reading = firstIndex {
                if case .loadObjectCode = $0 { true } else { false }
            }
            if let reading { throw ScriptError(index: reading, problem: .noPointOfNoReturn) }
            return nil
        }
        if let second = self[(point + 1)...].firstIndex(of: .pointOfNoReturn) {
            throw ScriptError(index: second, problem: .secondPointOfNoReturn)
        }
        return point
    }

    /// A load takes what a load_object_code read, so that each needs one of its own.
    private func checkLoads(point: Int) throws(ScriptError) {
        var unloaded: [Atom: Int] = [:]
        for case .loadObjectCode(_, _, let modules) in self[..<point] {
            for module in modules { unloaded[module, default: 0] += 1 }
        }
        for (index, instruction) in self.enumerated() {
            guard case .load(let module, _, _) = instruction else { continue }
            guard let count = unloaded[module] else {
                throw ScriptError(index: index, problem: .loadedUnread(module))
            }
            guard count > 0 else { throw ScriptError(index: index, problem: .loadedAgain(module)) }
            unloaded[module] = count - 1
        }
    }
}

extension LowLevelInstruction {
    fileprivate var mayStandBeforePointOfNoReturn: Bool {
        switch self {
        case .loadObjectCode, .apply, .restartNewEmulator: true  // the last was checked to be the first of all
        case .pointOfNoReturn, .load, .remove, .purge, .suspend, .codeChange, .resume, .stop, .start, .syncNodes,
            .restartEmulator:
            false
        }
    }
}
