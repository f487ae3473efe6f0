public import Terms

/// Why a script of an `.appup` can't be translated, in the words of `systools`.
///
/// Source: OTP's `systools_rc`, its reasons and `format_error/1`.
public enum ScriptTranslationError: Error, Hashable, Sendable {
    /// What an instruction has in a place where something else belongs.
    public enum Part: String, Hashable, Sendable, CaseIterable {
        case instruction = "bad_instruction"
        case module = "bad_module"
        case codeChange = "bad_code_change"
        case change = "bad_change"
        case moduleType = "bad_mod_type"
        case purgeMethod = "bad_purge_method"
        case list = "bad_list"
        case argumentList = "bad_args_list"
        case node = "bad_node"
        case application = "bad_application"
        case startType = "bad_start_type"
        case function = "bad_func"
        case library = "bad_lib"
        case libraryVsn = "bad_lib_vsn"
        case timeout = "bad_timeout"
        case mode = "bad_mode"
    }

    case bad(Part, Term)
    case notYetImplemented(Atom)
    case badOperationBeforePointOfNoReturn(Term)
    case tooManyPointsOfNoReturn
    case noObjectCode(Atom)
    case suspendedNotResumed([Atom])
    case resumedNotSuspended([Atom])
    case startNotStop([Atom])
    case stopNotStart([Atom])
    case noSuchApplication(Atom)
    case removedApplicationPresent(Atom)
    case noSuchModule(Atom)
    case conflictingVersions(library: Atom, String, String)
    case undefinedModule(Atom)
    case multiplyDefinedModule(Atom)

    /// The reason as OTP returns it.
    public var reason: Term {
        switch self {
        case .bad(let part, let found): .tagged(Atom(part.rawValue), found)
        case .notYetImplemented(let name): .tagged("not_yet_implemented", .atom(name))
        case .badOperationBeforePointOfNoReturn(let instruction):
            .tagged("bad_op_before_point_of_no_return", instruction)
        case .tooManyPointsOfNoReturn: .atom(Atom("too_many_point_of_no_return"))
        case .noObjectCode(let module): .tagged("no_object_code", .atom(module))
        case .suspendedNotResumed(let modules): .tagged("suspended_not_resumed", .atoms(modules))
        case .resumedNotSuspended(let modules): .tagged("resumed_not_suspended", .atoms(modules))
        case .startNotStop(let modules): .tagged("start_not_stop", .atoms(modules))
        case .stopNotStart(let modules): .tagged("stop_not_start", .atoms(modules))
        case .noSuchApplication(let name): .tagged("no_such_application", .atom(name))
        case .removedApplicationPresent(let name): .tagged("removed_application_present", .atom(name))
        case .noSuchModule(let module): .tagged("no_such_module", .atom(module))
        case .conflictingVersions(let library, let first, let second):
            .tagged("conflicting_versions", .atom(library), .string(first), .string(second))
        case .undefinedModule(let module): .tagged("undef_module", .atom(module))
        case .multiplyDefinedModule(let module): .tagged("muldef_module", .atom(module))
        }
    }

    /// The sentence that OTP prints, with its line's end.
    public var text: String {
        switch self {
        case .bad(let part, let found):
            guard let format = Self.format(of: part) else { return ErlangFormat.format("~tp~n", [.term(reason)]) }
            return ErlangFormat.format(format, [.term(found)])
        case .notYetImplemented: return ErlangFormat.format("~tp~n", [.term(reason)])
        case .badOperationBeforePointOfNoReturn(let instruction):
            return ErlangFormat.format("Bad instruction ~p~nbefore point_of_no_return~n", [.term(instruction)])
        case .tooManyPointsOfNoReturn: return "Too many point_of_no_return\n"
        case .noObjectCode(let module): return Self.naming("No load_object_code found for module: ~w~n", module)
        case .suspendedNotResumed(let modules): return Self.naming("Suspended but not resumed: ~p~n", modules)
        case .resumedNotSuspended(let modules): return Self.naming("Resumed but not suspended: ~p~n", modules)
        case .startNotStop(let modules): return Self.naming("Started but not stopped: ~p~n", modules)
        case .stopNotStart(let modules): return Self.naming("Stopped but not started: ~p~n", modules)
        case .noSuchApplication(let name): return Self.naming("Started undefined application: ~w~n", name)
        case .removedApplicationPresent(let name): return Self.naming("Removed application present: ~w~n", name)
        case .noSuchModule(let module): return Self.naming("No such module: ~w~n", module)
        case .conflictingVersions(let library, let first, let second):
            return ErlangFormat.format(
                "Conflicting versions for ~w, ~ts and ~ts~n",
                [.term(.atom(library)), .text(first), .text(second)])
        case .undefinedModule(let module): return Self.naming("Undefined module: ~p~n", module)
        case .multiplyDefinedModule(let module): return Self.naming("Multiply defined module: ~p~n", module)
        }
    }

    private static func naming(_ format: String, _ name: Atom) -> String {
        ErlangFormat.format(format, [.term(.atom(name))])
    }

    private static func naming(_ format: String, _ modules: [Atom]) -> String {
        ErlangFormat.format(format, [.term(.atoms(modules))])
    }

    /// `nil` where OTP has no sentence and prints the reason.
    private static func format(of part: Part) -> String? {
        switch part {
        case .instruction: "Bad instruction: ~tp~n"
        case .module: "Bad module: ~tp(should be atom())~n"
        case .codeChange: "Bad code_change: ~tp(should be {Mod, Extra})~n"
        case .change: "Bad change spec: ~tp(should be soft | {advanced, E})~n"
        case .moduleType: "Bad module type: ~tp(should be static | dynamic)~n"
        case .purgeMethod: "Bad purge method: ~tp(should be soft_purge | brutal_purge)~n"
        case .list: "Bad list: ~tp~n"
        case .argumentList: "Bad argument list: ~tp~n"
        case .node: "Bad node: ~tp(should be atom())~n"
        case .application: "Bad application: ~tp(should be atom())~n"
        case .function: "Bad function: ~tp(should be atom())~n"
        case .library: "Bad library: ~tp(should be atom())~n"
        case .libraryVsn: "Bad library version: ~tp(should be string())~n"
        case .timeout: "Bad timeout: ~tp(should be infinity | int() > 0)~n"
        case .startType, .mode: nil
        }
    }
}
