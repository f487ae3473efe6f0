import Instructions
import Terms
import Testing

@Suite struct ScriptOrderTests {
    static let allowed: [String] = [
        "",
        "point_of_no_return",
        "{load_object_code,{kv,\"2\",[a]}}, {apply,{m,f,[]}}, {load_object_code,{kw,\"2\",[b]}}, point_of_no_return,"
            + "{suspend,[a]}, {load,{a,soft_purge,soft_purge}}, {load,{b,soft_purge,soft_purge}},"
            + "{code_change,up,[{a,[]}]}, {resume,[a]}, {apply,{m,f,[]}}",
        "restart_new_emulator, {load_object_code,{kv,\"2\",[a]}}, point_of_no_return, restart_emulator",
        "restart_emulator",
        "{apply,{m,f,[]}}, {stop,[a]}, {start,[a]}, {sync_nodes,s,[]}",
        "point_of_no_return, {remove,{a,soft_purge,soft_purge}}, {purge,[a]}",
        // Read twice, loaded twice.
        "{load_object_code,{kv,\"2\",[a]}}, {load_object_code,{kw,\"2\",[a]}}, point_of_no_return,"
            + "{load,{a,soft_purge,soft_purge}}, {load,{a,soft_purge,soft_purge}}",
    ]

    @Test(arguments: allowed)
    func allows(_ instructions: String) throws {
        try LowLevelInstructionTests.script(instructions).checkOrder()
    }

    static let refused: [Refused] = [
        Refused(
            "{load_object_code,{kv,\"2\",[a]}},\n {suspend,[a]},\n point_of_no_return",
            "f:3:2: expected only load_object_code and apply before point_of_no_return, found {suspend,[a]}"),
        Refused(
            "point_of_no_return,\n{load_object_code,{kv,\"2\",[a]}}",
            "f:3:1: expected load_object_code only before point_of_no_return, "
                + "found {load_object_code,{kv,\"2\",[a]}} after it"),
        Refused(
            "{apply,{m,f,[]}},\n{load_object_code,{kv,\"2\",[a]}}",
            "f:3:1: expected point_of_no_return after load_object_code, found none in the script"),
        Refused(
            "point_of_no_return,\npoint_of_no_return",
            "f:3:1: expected one point_of_no_return, found a second one"),
        Refused(
            "point_of_no_return,\nrestart_new_emulator",
            "f:3:1: expected restart_new_emulator only as the first instruction, found it as instruction 2"),
        Refused(
            "point_of_no_return,\nrestart_emulator,\n{resume,[a]}",
            "f:3:1: expected restart_emulator only as the last instruction, found it with others after it"),
        Refused(
            "{load_object_code,{kv,\"2\",[b]}},point_of_no_return,\n{load,{'A',soft_purge,soft_purge}}",
            "f:3:1: expected a load_object_code that names 'A' before its load, found none"),
        Refused(
            "{load,{a,soft_purge,soft_purge}}",
            "f:2:1: expected a load_object_code that names a before its load, found none"),
        Refused(
            "{load_object_code,{kv,\"2\",[a]}},point_of_no_return,{load,{a,soft_purge,soft_purge}},\n"
                + "{load,{a,soft_purge,soft_purge}}",
            "f:3:1: expected a to be loaded once for each load_object_code of it, found one load more"),
    ]

    @Test(arguments: refused)
    func refuses(_ refused: Refused) throws {
        let text = LowLevelInstructionTests.relup(refused.text)
        let relup = try Relup.parse(Array(text.utf8), file: "f")
        let entry = try #require(relup.upScript(from: "1"))
        do {
            try entry.checkScript(file: "f")
            Issue.record("the script was let through")
        } catch {
            #expect(error.description == refused.error)
        }
    }

    @Test func withoutAFileTheErrorCountsInstructions() throws {
        let entry = RelupEntry(vsn: "1", description: .list([]), script: [.pointOfNoReturn, .pointOfNoReturn])
        #expect {
            try entry.checkScript(file: "relup")
        } throws: { error in
            "\(error)" == "relup: instruction 2: expected one point_of_no_return, found a second one"
        }
    }
}
