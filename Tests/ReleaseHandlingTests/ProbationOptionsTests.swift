import Instructions
import ReleaseHandling
import Terms
import Testing
import Wire

@Suite struct ProbationOptionsTests {
    static func read(_ text: String) throws -> ProbationOptions {
        let config = try SysConfig.parse(Array("[{release_handler, [\(text)]}].".utf8), file: "sys.config")
        return try ProbationOptions(config.environment(of: ProbationOptions.application), file: "sys.config")
    }

    @Test func theDefaults() throws {
        let options = try Self.read("")
        #expect(options == ProbationOptions(makePermanent: .auto, milliseconds: 30_000, restarts: 1))
        #expect(options.healthCheck == nil)
    }

    @Test func everyParameter() throws {
        let options = try Self.read(
            """
            {make_permanent, {auto, 5}}, {probation_restarts, 0}, {masters, []},
            {health_check, {"/bin/check", ["-q", <<"kv">>], 2000}}
            """)
        let check = ProbationOptions.HealthCheck(
            program: "/bin/check", arguments: ["-q", "kv"], timeoutMilliseconds: 2_000)
        #expect(
            options == ProbationOptions(makePermanent: .auto, milliseconds: 5_000, restarts: 0, healthCheck: check))
    }

    @Test func manualHasTheStandardLength() throws {
        #expect(try Self.read("{make_permanent, manual}") == ProbationOptions(makePermanent: .manual))
    }

    static let shape = "{Program, [Arg], Timeout}, all strings but the timeout, which is 1 to 3600000 ms"
    static let range = "manual or {auto, Seconds} with 1 to 86400 seconds"
    static let refused: [(String, String)] = [
        ("{make_permanent, true}", "make_permanent: expected \(range), found true"),
        ("{make_permanent, {auto, 0}}", "make_permanent: expected \(range), found {auto,0}"),
        ("{make_permanent, {auto, 86401}}", "make_permanent: expected \(range), found {auto,86401}"),
        ("{make_permanent, {auto, 1, 2}}", "make_permanent: expected \(range), found {auto,1,2}"),
        ("{probation_restarts, -1}", "probation_restarts: expected a number from 0 to 1000000, found -1"),
        ("{probation_restarts, many}", "probation_restarts: expected a number from 0 to 1000000, found many"),
        ("{health_check, \"x\"}", "health_check: expected \(shape), found \"x\""),
        ("{health_check, {\"\", [], 1}}", "health_check: expected \(shape), found {[],[],1}"),
        ("{health_check, {\"x\", [a], 1}}", "health_check: expected \(shape), found {\"x\",[a],1}"),
        ("{health_check, {\"x\", [], 0}}", "health_check: expected \(shape), found {\"x\",[],0}"),
        ("{health_check, {\"x\", [], infinity}}", "health_check: expected \(shape), found {\"x\",[],infinity}"),
    ]

    @Test(arguments: refused)
    func refuses(text: String, message: String) {
        let error = #expect(throws: FileError.self) { try Self.read(text) }
        #expect(error?.description == "sys.config: release_handler, \(message)")
    }
}

@Suite struct ChangedCodeTests {
    static let old = [
        LibraryRecord(name: "fix", vsn: "1", directory: "lib/fix-1"),
        LibraryRecord(name: "gone", vsn: "1", directory: "lib/gone-1"),
        LibraryRecord(name: "shared", vsn: "1", directory: "lib/shared-1"),
    ]
    static let new = [
        LibraryRecord(name: "fix", vsn: "2", directory: "lib/fix-2"),
        LibraryRecord(name: "new", vsn: "1", directory: "lib/new-1"),
        LibraryRecord(name: "shared", vsn: "1", directory: "lib/shared-1"),
    ]

    @Test func whatTheScriptLoadsConvertsOrStartsIsChanged() {
        let script: [LowLevelInstruction] = [
            .loadObjectCode(library: "fix", vsn: "2", modules: ["read"]), .pointOfNoReturn,
            .suspend([SuspendTarget(module: "waits")]),
            .load(module: "loaded", prePurge: .brutalPurge, postPurge: .brutalPurge),
            .remove(module: "removed", prePurge: .brutalPurge, postPurge: .brutalPurge), .purge(["removed"]),
            .codeChange(.up, [CodeChangeTarget(module: "converted", extra: .nil)]), .resume(["waits"]),
            .stop(["stopped"]), .start(["started"]),
            .apply(MFA(module: "application", function: "start", arguments: [.atom("new")])),
        ]
        let changed = ChangedCode(script: script, from: Self.old, to: Self.new, touched: [place("fix/sup/w")])
        #expect(changed.modules == ["read", "loaded", "converted", "started"])
        #expect(changed.applications == ["fix", "new"])
        #expect(changed.concerns(place("a/b/c"), listing: ["other", "loaded"]))
        #expect(changed.concerns(place("fix/sup/w"), listing: []))
        #expect(!changed.concerns(place("a/b/c"), listing: ["removed", "waits"]))
    }
}
