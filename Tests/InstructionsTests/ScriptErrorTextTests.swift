import Instructions
import Terms
import Testing

/// Each error of a script, in its exact words and with its place.
@Suite struct ScriptErrorTextTests {
    private static func mistake(
        _ script: String, _ text: String, line: Int = 3, column: Int? = 2, down: String = ""
    ) -> Mistake {
        Mistake(
            "\(script) \(down)", text, at: column.map { "\(TranslationInput.appup):\(line):\($0)" },
            TranslationInput(up: script, down: down))
    }

    static let parts: [Mistake] = [
        mistake("frobnicate", "Bad instruction: frobnicate\n"),
        mistake("{load_module,a}, {update,\"b\"}", "Bad module: \"b\"(should be atom())\n", column: 19),
        mistake("{load_module,'../a'}", "Bad module: '../a'(should be atom())\n"),
        mistake("{code_change,[a]}", "Bad code_change: a(should be {Mod, Extra})\n"),
        mistake("{update,a,{advanced}}", "Bad change spec: {advanced}(should be soft | {advanced, E})\n"),
        mistake(
            "{update,a,fixed,1000,soft,soft_purge,soft_purge,[]}",
            "Bad module type: fixed(should be static | dynamic)\n"),
        mistake(
            "{load_module,a,soft_purge,hard_purge,[]}",
            "Bad purge method: hard_purge(should be soft_purge | brutal_purge)\n"),
        mistake("{purge,a}", "Bad list: a\n"),
        mistake("{apply,{m,f,x}}", "Bad argument list: x\n"),
        mistake("{sync_nodes,id,[n1@host,\"n2@host\"]}", "Bad node: \"n2@host\"(should be atom())\n"),
        mistake("{restart_application,\"kv\"}", "Bad application: \"kv\"(should be atom())\n"),
        mistake("{add_application,kv,always}", "{bad_start_type,always}\n"),
        mistake("{apply,{m,\"f\",[]}}", "Bad function: \"f\"(should be atom())\n"),
        mistake("{load_object_code,{\"kv\",\"2\",[a]}}", "Bad library: \"kv\"(should be atom())\n"),
        mistake("{load_object_code,{kv,2,[a]}}", "Bad library version: 2(should be string())\n"),
        mistake("{suspend,[{a,0}]}", "Bad timeout: 0(should be infinity | int() > 0)\n"),
        mistake("{code_change,sideways,[{a,[]}]}", "{bad_mode,sideways}\n"),
    ]

    static let others: [Mistake] = [
        mistake("{load_module,a},\nmnesia_backup", "{not_yet_implemented,mnesia_backup}\n", line: 4, column: 1),
        mistake(
            "{load_object_code,{kv,\"2\",[a]}}, {purge,[a]}, point_of_no_return",
            "Bad instruction {purge,[a]}\nbefore point_of_no_return\n", column: 35),
        mistake("point_of_no_return,point_of_no_return", "Too many point_of_no_return\n", column: 21),
        mistake("{load,{a,soft_purge,soft_purge}}", "No load_object_code found for module: a\n"),
        mistake("{suspend,[a]},{resume,[a]},{suspend,[b,c,b]}", "Suspended but not resumed: [b,c,b]\n", column: 29),
        mistake("{resume,[c]}", "Resumed but not suspended: [c]\n"),
        mistake("{start,[a]},{stop,[b]}", "Started but not stopped: [a]\n"),
        mistake("{start,[b]},{stop,[b,a]}", "Stopped but not started: [a]\n", column: 14),
        mistake("{restart_application,nobody}", "Started undefined application: nobody\n"),
        mistake("", "Removed application present: kv\n", line: 5, down: "{remove_application,kv}"),
        mistake("{load_module,a},{load_module,d}", "No such module: d\n", column: 18),
        mistake(
            "{load_object_code,{kv,\"1\",[a]}},{load_module,b}", "Conflicting versions for kv, 1 and 2\n", column: 34),
        mistake("{update,a,soft,[b]}", "Undefined module: b\n"),
        mistake("{update,a},{load_module,a}", "Multiply defined module: a\n", column: 13),
    ]

    @Test(arguments: parts + others)
    func text(_ mistake: Mistake) throws {
        let error = try mistake.check()
        #expect(error.module == "systools_rc")
        #expect(error.description == "\(mistake.place ?? ""): \(mistake.text)")
    }

    /// A new error does not compile here until it has a name, and has no name until it has a line above.
    @Test func noneIsLeftOut() throws {
        let errors = try (Self.parts + Self.others).map { try $0.input.failure() }
        #expect(Set(errors.compactMap(Self.part)) == Set(ScriptTranslationError.Part.allCases))
        #expect(Set(errors.compactMap(Self.name)) == Set(Name.allCases))
    }

    private enum Name: CaseIterable {
        case bad, notYetImplemented, badOperation, tooManyPoints, noObjectCode, suspended, resumed, started, stopped
        case noSuchApplication, removedApplication, noSuchModule, conflictingVersions, undefined, multiplyDefined
    }

    private static func part(_ error: SystoolsError) -> ScriptTranslationError.Part? {
        guard case .rc(.bad(let part, _)) = error.reason else { return nil }
        return part
    }

    private static func name(_ error: SystoolsError) -> Name? {
        guard case .rc(let error) = error.reason else { return nil }
        return switch error {
        case .bad: .bad
        case .notYetImplemented: .notYetImplemented
        case .badOperationBeforePointOfNoReturn: .badOperation
        case .tooManyPointsOfNoReturn: .tooManyPoints
        case .noObjectCode: .noObjectCode
        case .suspendedNotResumed: .suspended
        case .resumedNotSuspended: .resumed
        case .startNotStop: .started
        case .stopNotStart: .stopped
        case .noSuchApplication: .noSuchApplication
        case .removedApplicationPresent: .removedApplication
        case .noSuchModule: .noSuchModule
        case .conflictingVersions: .conflictingVersions
        case .undefinedModule: .undefined
        case .multiplyDefinedModule: .multiplyDefined
        }
    }
}
