import Instructions
import Terms
import Testing

@Suite struct LowLevelInstructionTests {
    static func relup(_ instructions: String) -> String { "{\"2\",[{\"1\",d,[\n\(instructions)\n]}],[]}." }

    static func script(_ instructions: String) throws -> [LowLevelInstruction] {
        let relup = try Relup.parse(Array(relup(instructions).utf8), file: "f")
        return try #require(relup.upScript(from: "1")).script
    }

    static let instructions: [(String, LowLevelInstruction)] = [
        ("{load_object_code,{kv,\"2.0.0\",[a,b]}}", .loadObjectCode(library: "kv", vsn: "2.0.0", modules: ["a", "b"])),
        ("point_of_no_return", .pointOfNoReturn),
        ("{load,{a,soft_purge,brutal_purge}}", .load(module: "a", prePurge: .softPurge, postPurge: .brutalPurge)),
        ("{remove,{a,brutal_purge,soft_purge}}", .remove(module: "a", prePurge: .brutalPurge, postPurge: .softPurge)),
        ("{purge,[a]}", .purge(["a"])),
        (
            "{suspend,[a,{b,2000},{c,infinity}]}",
            .suspend([
                SuspendTarget(module: "a"), SuspendTarget(module: "b", timeout: .milliseconds(2000)),
                SuspendTarget(module: "c", timeout: .infinity),
            ])
        ),
        ("{suspend,[{a,default}]}", .suspend([SuspendTarget(module: "a", timeout: .standard)])),
        ("{code_change,[{a,1}]}", .codeChange(nil, [CodeChangeTarget(module: "a", extra: 1)])),
        ("{code_change,up,[{a,[]}]}", .codeChange(.up, [CodeChangeTarget(module: "a", extra: .list([]))])),
        (
            "{code_change,down,[{a,{x,1}}]}",
            .codeChange(.down, [CodeChangeTarget(module: "a", extra: .tuple([.atom("x"), 1]))])
        ),
        ("{resume,[a]}", .resume(["a"])),
        ("{stop,[a]}", .stop(["a"])),
        ("{start,[a]}", .start(["a"])),
        (
            "{sync_nodes,{any,1},[n1@host,n2@host]}",
            .syncNodes(id: .tuple([.atom("any"), 1]), .nodes(["n1@host", "n2@host"]))
        ),
        (
            "{sync_nodes,s,{m,f,[1]}}",
            .syncNodes(id: .atom("s"), .apply(MFA(module: "m", function: "f", arguments: [1])))
        ),
        ("{apply,{m,f,[]}}", .apply(MFA(module: "m", function: "f", arguments: []))),
        ("restart_new_emulator", .restartNewEmulator),
        ("restart_emulator", .restartEmulator),
    ]

    @Test(arguments: instructions)
    func readsAndWrites(_ text: String, _ instruction: LowLevelInstruction) throws {
        #expect(try Self.script(text) == [instruction])
        #expect(instruction.description == text)
    }

    static let refused: [Refused] = [
        Refused("{frobnicate,[a]}", "f:2:1: expected a known instruction, found {frobnicate,[a]}"),
        Refused("frobnicate", "f:2:1: expected a known instruction, found frobnicate"),
        Refused("  17", "f:2:3: expected an instruction, found 17"),
        Refused("{}", "f:2:1: expected an instruction, found {}"),
        Refused("{1,a}", "f:2:1: expected an instruction, found {1,a}"),
        Refused(
            "{update,kv_store,{advanced,[]}}",
            "f:2:1: expected a low-level instruction, found {update,kv_store,{advanced,[]}}, which is for an .appup: "
                + "translate that into a relup"),
        Refused(
            "{load_object_code,kv,\"2\",[a]}",
            "f:2:1: expected {load_object_code, {Lib, LibVsn, [Module]}}, found {load_object_code,kv,\"2\",[a]}"),
        Refused("{load_object_code,kv}", "f:2:19: expected {Lib, LibVsn, [Module]}, found kv"),
        Refused(
            "{load_object_code,{\"kv\",\"2\",[]}}", "f:2:20: expected an application's name (an atom), found \"kv\""),
        Refused(
            "{load_object_code,{'../kv',\"2\",[]}}",
            "f:2:20: expected an application's name (an atom) that can be a file's name (1 to 200 bytes without slashes and control characters, not \".\" or \"..\"), found '../kv'"
        ),
        Refused("{load_object_code,{kv,2,[]}}", "f:2:23: expected a version (a string), found 2"),
        Refused(
            "{load_object_code,{kv,\"../2\",[]}}",
            "f:2:23: expected a version (1 to 200 bytes without blanks, slashes and control characters, not \".\" or \"..\"), found \"../2\""
        ),
        Refused("{load_object_code,{kv,\"2\",a}}", "f:2:27: expected a list of modules, found a"),
        Refused("{load_object_code,{kv,\"2\",[a,\n3]}}", "f:3:1: expected a module's name (an atom), found 3"),
        Refused(
            "{load_object_code,{kv,\"2\",['a/b']}}",
            "f:2:28: expected a module's name (an atom) that can be a file's name (1 to 200 bytes without slashes and control characters, not \".\" or \"..\"), found 'a/b'"
        ),
        Refused("load", "f:2:1: expected {load, {Module, PrePurge, PostPurge}}, found load"),
        Refused("{load,a}", "f:2:7: expected {Module, PrePurge, PostPurge}, found a"),
        Refused("{load,{a,hard,soft_purge}}", "f:2:10: expected soft_purge or brutal_purge, found hard"),
        Refused("{remove,{a,soft_purge}}", "f:2:9: expected {Module, PrePurge, PostPurge}, found {a,soft_purge}"),
        Refused("{remove,a,b}", "f:2:1: expected {remove, {Module, PrePurge, PostPurge}}, found {remove,a,b}"),
        Refused("{purge,a}", "f:2:8: expected a list of modules, found a"),
        Refused("{purge}", "f:2:1: expected {purge, [Module]}, found {purge}"),
        Refused("{suspend,a}", "f:2:10: expected a list of Module or {Module, Timeout}, found a"),
        Refused("{suspend}", "f:2:1: expected {suspend, [Module | {Module, Timeout}]}, found {suspend}"),
        Refused("{suspend,[{a}]}", "f:2:11: expected Module or {Module, Timeout}, found {a}"),
        Refused(
            "{suspend,[{a,0}]}",
            "f:2:14: expected a timeout (milliseconds above 0, infinity or default), found 0"),
        Refused("{code_change,sideways,[]}", "f:2:14: expected up or down, found sideways"),
        Refused("{code_change,up,a}", "f:2:17: expected a list of {Module, Extra}, found a"),
        Refused("{code_change,[a]}", "f:2:15: expected {Module, Extra}, found a"),
        Refused(
            "code_change",
            "f:2:1: expected {code_change, [{Module, Extra}]} or {code_change, up | down, [{Module, Extra}]}, "
                + "found code_change"),
        Refused("{resume}", "f:2:1: expected {resume, [Module]}, found {resume}"),
        Refused("{stop}", "f:2:1: expected {stop, [Module]}, found {stop}"),
        Refused("{start}", "f:2:1: expected {start, [Module]}, found {start}"),
        Refused("{sync_nodes,s}", "f:2:1: expected {sync_nodes, Id, [Node] | {M, F, A}}, found {sync_nodes,s}"),
        Refused("{sync_nodes,s,n}", "f:2:15: expected a list of nodes or {Module, Function, Arguments}, found n"),
        Refused("{sync_nodes,s,[\"n\"]}", "f:2:16: expected a node's name (an atom), found \"n\""),
        Refused("{apply,m,f,[]}", "f:2:1: expected {apply, {M, F, A}}, found {apply,m,f,[]}"),
        Refused("{apply,{m,f}}", "f:2:8: expected {Module, Function, Arguments}, found {m,f}"),
        Refused("{apply,{m,\"f\",[]}}", "f:2:11: expected a function's name (an atom), found \"f\""),
        Refused("{apply,{m,f,x}}", "f:2:13: expected a list of arguments, found x"),
        Refused(
            "{frobnicate,aaaaaaaaaaaaaaaaaaaa,bbbbbbbbbbbbbbbbbbbb,cccccccccccccccccccc}",
            "f:2:1: expected a known instruction, "
                + "found {frobnicate,aaaaaaaaaaaaaaaaaaaa,bbbbbbbbbbbbbbbbbbbb,cccccc…"),
    ]

    @Test(arguments: refused)
    func refuses(_ refused: Refused) {
        #expect(refusal(Self.relup(refused.text), Relup.parse) == refused.error)
    }
}
