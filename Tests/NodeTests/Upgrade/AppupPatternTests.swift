import Foundation
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// From an appup, whose older versions a pattern names, by the real `releasectl make-relup` to the node: functional modules that are
/// replaced, converted, added and deleted, up and down.
@Suite(.timeLimit(.minutes(15))) struct AppupPatternTests {
    private static let older = ["1.0.0", "1.0.7"]
    private static let newer = "2.0.0"
    private static let handlers = "fix/fix_sup/c2"
    private static let children = """
        [#{id => c1, start => {counter, start_link, []}, modules => [counter, format, words]},
         #{id => c2, start => {events, start_link, []}, modules => dynamic}]
        """

    private static let appup = """
        {"2.0.0",
         [{<<"1\\\\.0\\\\..*">>, [{load_module, words}, {add_module, extra}, {delete_module, gone},
                             {update, format, {advanced, []}, []}, {update, handler, {advanced, []}, []}]}],
         [{<<"1\\\\.0\\\\..*">>, [{update, handler, {advanced, []}, []}, {update, format, {advanced, []}, []},
                             {add_module, gone}, {delete_module, extra}, {load_module, words}]}]}.
        """

    /// The workers are the same in all versions, `words`, `format` and `handler` differ; `gone` the older ones have alone, `extra` the
    /// newer one.
    private static func root(from vsn: String, appup: String = appup) throws -> TestRoot {
        let root = try TestRoot()
        for vsn in older + [newer] {
            let libraries = ["format", "words", vsn == newer ? "extra" : "gone"]
            try root.release(vsn, children: children, modules: ["counter", "events", "handler"] + libraries)
            for worker in ["counter", "events"] { try root.install(as: worker, vsn: vsn) }
            for name in libraries { try root.module(name, vsn: vsn) }
            try ModuleLibrary.build(
                ["VSN=\"\(vsn)\"", "NAME=\"handler\""] + (vsn == newer ? ["TWO"] : []), from: "handler.c",
                at: "\(root.root)/lib/fix-\(vsn)/ebin/handler.so")
        }
        try root.write("lib/fix-\(newer)/ebin/fix.appup", appup)
        try root.register([vsn] + (older + [newer]).filter { $0 != vsn })
        return root
    }

    /// The relup for all older versions, and what was said about it.
    private static func makeRelup(in root: TestRoot, _ more: [String] = []) async throws -> Releasectl {
        let rel = { (vsn: String) in "\(root.root)/releases/\(vsn)/fix.rel" }
        let paths = ["--path", "\(root.root)/lib/*/ebin", "--outdir", "\(root.root)/releases/\(newer)"]
        let bases = older.flatMap { ["--up-from", rel($0), "--down-to", rel($0)] }
        return try await Releasectl.run(["make-relup", rel(newer)] + paths + bases + more)
    }

    /// What a call of a module answers.
    private static func version(of module: String, _ test: TestNode) async throws -> String {
        try await test.call("{module, \(module), version}")
    }

    @Test(arguments: older) func whatThePatternNamesGoesUpAndDown(_ vsn: String) async throws {
        let root = try Self.root(from: vsn)
        let made = try await Self.makeRelup(in: root, ["--strict", "--warnings-as-errors"])
        try #require(made.exit == 0, "\(made.error)")
        try await TestNode.with(root) { test async throws in
            let pids = [try await test.pid(), try await test.pid(Self.handlers)]
            _ = try await test.call("{add, 5}")
            _ = try await test.call("{add_handler, handler, 7}", of: Self.handlers)
            #expect(try await test.call("{want_module, gone}") == "{ok,\"\(vsn)\"}")

            let up = try await test.install(Self.newer)
            #expect(up.outcome == .done && up.lost == [] && up.warnings == [], "\(up)")
            #expect(try await test.call("{call, handler, get}", of: Self.handlers) == "{two,7}")
            let change = up.instructions.first { $0.text == "{code_change,up,[{format,[]}]}" }
            #expect(change?.note == "\(TestNode.c1) keeps nothing for format: not converted", "\(up)")
            for module in ["format", "words"] {
                #expect(try await Self.version(of: module, test) == "<<\"2.0.0\">>")
            }
            #expect(try await Self.version(of: "gone", test) == "{error,{undef,{gone,version}}}")
            #expect(try await test.call("{want_module, gone}") == "{error,{undef,gone}}")
            #expect(try await test.call("{want_module, extra}") == "{ok,\"2.0.0\"}")
            #expect(try await test.modules("gone") == [])

            let down = try await test.install(vsn)
            #expect(down.outcome == .done && down.lost == [] && down.warnings == [], "\(down)")
            #expect(try await test.call("{call, handler, get}", of: Self.handlers) == "7")
            for module in ["format", "words"] {
                #expect(try await Self.version(of: module, test) == "<<\"\(vsn)\">>")
            }
            #expect(try await Self.version(of: "extra", test) == "{error,{undef,{extra,version}}}")
            #expect(try await test.call("{want_module, gone}") == "{ok,\"\(vsn)\"}")
            #expect([try await test.pid(), try await test.pid(Self.handlers)] == pids)
            #expect(try await test.call("get") == "5")
        }
    }

    /// It must match the whole version; one that none of the entries names is no release to come from.
    @Test func aPatternMatchesTheWholeVersion() async throws {
        let root = try Self.root(from: "1.0.0", appup: Self.appup.replacing(".*\">>", with: "0\">>"))
        defer { root.remove() }
        let made = try await Self.makeRelup(in: root)
        #expect(made.exit == 1)
        #expect(made.error.contains("1.0.7"), "\(made.error)")
        #expect(!FileManager.default.fileExists(atPath: "\(root.root)/releases/\(Self.newer)/relup"))
    }
}
