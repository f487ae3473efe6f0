import Terms
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// An event manager whose handlers are functional modules, in a real node: added, swapped, removed, and changed by an upgrade with
/// their own code_change.
@Suite(.timeLimit(.minutes(15))) struct EventManagerTests {
    private static let update = """
        point_of_no_return, {suspend, [handler]}, {load, {handler, soft_purge, soft_purge}},
        {code_change, up, [{handler, []}]}, {resume, [handler]}
        """
    private static let back = """
        point_of_no_return, {suspend, [handler]}, {code_change, down, [{handler, []}]},
        {load, {handler, soft_purge, soft_purge}}, {resume, [handler]}
        """

    private func root(arguments: String = "[]", up: String = update, _ definitions: [String] = []) throws -> TestRoot {
        let children = "[#{id => c1, start => {events, start_link, \(arguments)}, modules => dynamic}]"
        let root = try TestRoot()
        let read = { (vsn: String) in "{load_object_code, {fix, \"\(vsn)\", [handler]}}, " }
        for vsn in ["1.0.0", "2.0.0"] {
            try root.release(
                vsn, children: children,
                relup: vsn == "2.0.0"
                    ? TestRoot.relup(up: read("2.0.0") + up, down: read("1.0.0") + Self.back) : nil,
                modules: ["events", "handler", "other"])
            try root.install(as: "events", vsn: vsn)
            let two = vsn == "2.0.0" ? ["TWO"] + definitions : []
            try ModuleLibrary.build(
                ["VSN=\"\(vsn)\"", "NAME=\"handler\""] + two, from: "handler.c",
                at: "\(root.root)/lib/fix-\(vsn)/ebin/handler.so")
            try ModuleLibrary.build(
                ["VSN=\"1\"", "NAME=\"other\""], from: "handler.c", at: "\(root.root)/lib/fix-\(vsn)/ebin/other.so")
        }
        try root.register(["1.0.0", "2.0.0"])
        return root
    }

    @Test func handlersAreAddedToldOfEventsAndRemoved() async throws {
        try await TestNode.with(try root()) { test async throws in
            #expect(try await test.call("which_handlers") == "[]")
            #expect(try await test.call("{add_handler, handler, 5}") == "ok")
            #expect(try await test.call("{add_handler, handler, 5}") == "{error,already_added}")
            #expect(try await test.call("{add_handler, {handler, b}, 0}") == "ok")
            #expect(try await test.call("{add_handler, none, 0}") == "{error,{undef,none}}")
            #expect(try await test.call("{sync_notify, hello}") == "ok")
            #expect(try await test.call("{call, handler, get}") == "6")
            #expect(try await test.call("{call, {handler, b}, get}") == "1")
            #expect(try await test.call("{call, other, get}") == "{error,bad_module}")
            #expect(try await test.call("{swap_handler, {handler, bye}, {other, 9}}") == "ok")
            #expect(try await test.call("which_handlers") == "[other,{handler,b}]")
            // It began with what the one before left.
            #expect(try await test.call("{call, other, get}") == "6")
            #expect(try await test.call("{delete_handler, {handler, b}, bye}") == "1")
            #expect(try await test.call("{delete_handler, {handler, b}, bye}") == "{error,module_not_found}")
            #expect(try await test.call("{sync_notify, leave}") == "ok")
            #expect(try await test.call("which_handlers") == "[]")
        }
    }

    @Test func oneThatFailsIsRemovedAndTheOthersGoOn() async throws {
        try await TestNode.with(try root()) { test async throws in
            _ = try await test.call("{add_handler, handler, 0}")
            _ = try await test.call("{add_handler, other, 0}")
            #expect(try await test.call("{sync_notify, hello}") == "ok")
            #expect(try await test.call("{sync_notify, fail}") == "ok")
            #expect(try await test.call("which_handlers") == "[]")
            #expect(try await test.ps().restarts == 0)
        }
    }

    @Test func anUpgradeChangesTheHandlersWithTheirOwnCode() async throws {
        try await TestNode.with(try root()) { test async throws in
            let pid = try await test.pid()
            _ = try await test.call("{add_handler, handler, 5}")
            _ = try await test.call("{add_handler, other, 7}")
            let up = try await test.install("2.0.0")
            #expect(up.outcome == .done && up.warnings == [], "\(up)")
            #expect(try await test.call("{call, handler, get}") == "{two,5}")
            #expect(try await test.call("{call, other, get}") == "7")
            #expect(try await test.pid() == pid)
            let down = try await test.install("1.0.0")
            #expect(down.outcome == .done && down.warnings == [], "\(down)")
            #expect(try await test.call("{call, handler, get}") == "5")
        }
    }

    /// What was converted, and what was loaded, is as it was.
    @Test func aConversionThatFailsLeavesAllAsItWas() async throws {
        try await TestNode.with(try root(["FAILS_TO_CHANGE"])) { test async throws in
            _ = try await test.call("{add_handler, handler, 5}")
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .aborted && result.lost == [], "\(result)")
            #expect(result.reason?.contains("code_change of handler failed in fix/fix_sup/c1") == true, "\(result)")
            #expect(try await test.call("{call, handler, get}") == "5")
        }
    }

    /// The script's second conversion fails: the first one's handlers are as they were.
    @Test func whatComesLaterAndFailsTakesAConversionBack() async throws {
        let up = """
            {load_object_code, {fix, "2.0.0", [other]}}, point_of_no_return, {suspend, [handler, other]},
            {load, {handler, soft_purge, soft_purge}}, {load, {other, soft_purge, soft_purge}},
            {code_change, up, [{handler, []}]}, {code_change, up, [{other, []}]}, {resume, [handler, other]}
            """
        let root = try root(up: up)
        try ModuleLibrary.build(
            ["VSN=\"2\"", "NAME=\"other\"", "FAILS_TO_CHANGE"], from: "handler.c",
            at: "\(root.root)/lib/fix-2.0.0/ebin/other.so")
        try await TestNode.with(root) { test async throws in
            _ = try await test.call("{add_handler, handler, 5}")
            _ = try await test.call("{add_handler, other, 7}")
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .aborted && result.lost == [], "\(result)")
            #expect(try await test.call("{call, handler, get}") == "5")
            #expect(try await test.call("{call, other, get}") == "7")
        }
    }

    /// As one instruction, and as two updates in a row of which each has a suspend of its own.
    @Test(arguments: [
        """
        {suspend, [events, handler]},
        {load, {handler, soft_purge, soft_purge}}, {load, {events, brutal_purge, brutal_purge}},
        {code_change, up, [{events, []}, {handler, []}]}, {resume, [events, handler]}
        """,
        """
        {suspend, [events]}, {load, {events, brutal_purge, brutal_purge}}, {code_change, up, [{events, []}]},
        {resume, [events]},
        {suspend, [handler]}, {load, {handler, soft_purge, soft_purge}}, {code_change, up, [{handler, []}]},
        {resume, [handler]}
        """,
        """
        {suspend, [handler]}, {load, {handler, soft_purge, soft_purge}}, {code_change, up, [{handler, []}]},
        {resume, [handler]},
        {suspend, [events]}, {load, {events, brutal_purge, brutal_purge}}, {code_change, up, [{events, []}]},
        {resume, [events]}
        """,
    ]) func theManagerThatIsHandedOffTakesItsHandlersAlong(script: String) async throws {
        let up = "{load_object_code, {fix, \"2.0.0\", [events]}}, point_of_no_return, \(script)"
        try await TestNode.with(try root(arguments: "[handler]", up: up)) { test async throws in
            let pid = try await test.pid()
            while try await test.call("which_handlers") == "[]" { await Task.yield() }
            _ = try await test.call("{sync_notify, hello}")
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done, "\(result)")
            #expect(try await test.pid() != pid)
            #expect(try await test.call("{sync_notify, hello}") == "ok")
            #expect(try await test.call("{call, handler, get}") == "{two,2}")
        }
    }
}
