import Foundation
import Glibc
import Terms
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// What is known of an install beforehand is refused beforehand: by the check and by the install, in the same words.
@Suite(.timeLimit(.minutes(15))) struct InstallPreflightTests {
    private static let reading = "{load_object_code, {fix, \"2.0.0\", [counter]}}, point_of_no_return"

    // MARK: Calls

    static let calls: [(call: String, words: String)] = [
        (
            "{shop_migrate, run, []}",
            "shop_migrate:run/0 is no built-in function, and the release has no program or library ebin/shop_migrate; "
        ),
        ("{application, start, [fix, permanent, 1]}", "application:start/3 is no built-in function; "),
        ("{timer, sleep, [60001]}", "expected 0 to 60000 milliseconds, found 60001; "),
        ("{timer, sleep, [infinity]}", "expected 0 to 60000 milliseconds, found infinity; "),
        ("{application, stop, [\"fix\"]}", "expected an application's name, found \"fix\"; "),
        ("{application, start, [fix, often]}", "expected permanent, transient or temporary, found often; "),
        ("{application, set_env, [fix, \"key\", 1]}", "expected a parameter's name (an atom), found \"key\"; "),
        ("{supervisor, start_child, [fix_sup, #{id => c2}]}", "missing_start: a child spec needs the key start; "),
        (
            "{application, start, [gone]}",
            """
            application gone is not in release 2.0.0, so it can't be started; add it to the .rel, or take the instruction \
            out of the .appup
            """
        ),
    ]

    @Test(arguments: calls.indices) func aCallThatCanNotSucceed(index: Int) async throws {
        let (call, words) = Self.calls[index]
        let up = "\(TestRoot.up()), {apply, \(call)}"
        try await TestNode.with(try .twoVersions(relup: TestRoot.relup(up: up))) { test async throws in
            let refusal = try await test.refusedBeforehand()
            let instruction = "instruction 7, {apply,\(try TermText.parseTerm(call))}: "
            #expect(refusal.hasPrefix(instruction + words), "\(refusal)")
            let told = try await test.events.first("install_refused")
            #expect(told.message.hasPrefix("release 2.0.0 refused, nothing changed: "), "\(told)")
        }
    }

    // MARK: Scripts

    static let scripts: [(script: String, words: String)] = [
        (
            """
            \(reading), {suspend, [counter]}, {load, {counter, brutal_purge, brutal_purge}},
            {code_change, up, [{counter, []}]}, {code_change, up, [{counter, again}]}, {resume, [counter]}
            """,
            """
            instruction 6, {code_change,up,[{counter,again}]}: the script converts the state of counter's workers a second \
            time, which is in the other version's form since the first; leave one of the two out
            """
        ),
        (
            "{load_object_code, {fix, \"9\", [counter]}}, point_of_no_return",
            """
            instruction 1, {load_object_code,{fix,"9",[counter]}}: library fix-9 is not in the new release, which has \
            fix-2.0.0
            """
        ),
        (
            "{load_object_code, {gone, \"2.0.0\", [counter]}}, point_of_no_return",
            "instruction 1, {load_object_code,{gone,\"2.0.0\",[counter]}}: library gone is not in the new release"
        ),
    ]

    @Test(arguments: scripts.indices) func aScriptThatCanNotBeEvaluated(index: Int) async throws {
        let (script, words) = Self.scripts[index]
        try await TestNode.with(try .twoVersions(relup: TestRoot.relup(up: script))) { test async throws in
            #expect(try await test.refusedBeforehand() == words)
        }
    }

    @Test func aLoadOfWhatWasNotRead() async throws {
        let up = "point_of_no_return, {load, {counter, brutal_purge, brutal_purge}}"
        let root = try TestRoot.twoVersions(relup: TestRoot.relup(up: up))
        try await TestNode.with(root) { test async throws in
            let refusal = try await test.refusedBeforehand()
            #expect(refusal.hasPrefix("\(root.root)/releases/2.0.0/relup:1:"), "\(refusal)")
            let words = "expected a load_object_code that names counter before its load, found none"
            #expect(refusal.hasSuffix(words), "\(refusal)")
        }
    }

    // MARK: Supervisors

    static let supervisors: [(child: String, words: @Sendable (TestRoot) -> String)] = [
        (
            "#{id => w2, start => {ghost, start_link, []}}",
            { root in
                """
                child w2 is started by ghost, and there is no executable ghost in \(root.root)/lib/fix-2.0.0/ebin; bring \
                the module, or correct the spec
                """
            }
        ),
        (
            "#{id => s2, start => {ghost_sup, start_link, []}, type => supervisor}",
            { root in
                """
                child s2 is started by ghost_sup, and there is no ghost_sup.sup in \(root.root)/lib/fix-2.0.0/ebin; bring \
                the module, or correct the spec
                """
            }
        ),
        (
            "#{id => w2, start => {fix_sup, start_link, []}}",
            { _ in "child w2 is a worker, and its module fix_sup is no executable fix_sup; correct one of them" }
        ),
        (
            "#{id => w2, start => {counter, start_link, []}, sockets => [#{name => web, listen => \"nonsense\"}]}",
            { _ in "child w2: \(noAddress("nonsense")); correct the spec, or the environment that it is of" }
        ),
    ]

    @Test(arguments: supervisors.indices) func aSupervisorsFileThatNamesWhatIsNotThere(index: Int) async throws {
        let (child, words) = Self.supervisors[index]
        let up = """
            {load_object_code, {fix, "2.0.0", [fix_sup]}}, point_of_no_return, {suspend, [fix_sup]},
            {load, {fix_sup, brutal_purge, brutal_purge}}, {code_change, up, [{fix_sup, []}]}, {resume, [fix_sup]}
            """
        let root = try TestRoot.twoVersions(relup: TestRoot.relup(up: up))
        let sup = "lib/fix-2.0.0/ebin/fix_sup.sup"
        try root.write(sup, "{ok, {#{}, [#{id => c1, start => {counter, start_link, []}}, \(child)]}}.")
        try await TestNode.with(root) { test async throws in
            #expect(
                try await test.refusedBeforehand() == """
                    instruction 1, {load_object_code,{fix,"2.0.0",[fix_sup]}}: object code of fix_sup: \
                    \(root.root)/\(sup): \(words(root))
                    """)
        }
    }

    @Test func aCallThatStartsWhatIsNotThere() async throws {
        let call = "{apply, {supervisor, start_child, [fix_sup, #{id => w2, start => {ghost, start_link, []}}]}}"
        let root = try TestRoot.twoVersions(relup: TestRoot.relup(up: "\(TestRoot.up()), \(call)"))
        try await TestNode.with(root) { test async throws in
            let refusal = try await test.refusedBeforehand()
            #expect(refusal.hasPrefix("instruction 7, {apply,{supervisor,start_child,"), "\(refusal)")
            let words = """
                : child w2 is started by ghost, and there is no executable ghost in \(root.root)/lib/fix-2.0.0/ebin; bring \
                the module, or correct the spec
                """
            #expect(refusal.hasSuffix(words), "\(refusal)")
        }
    }

    private static func noAddress(_ text: String) -> String {
        """
        its socket web can't listen at "\(text)": not an address; write 127.0.0.1:6379, [::1]:6379, 6379 for all addresses, \
        /run/x.sock or @name
        """
    }

    private static func listening(at address: String) -> String {
        "[#{id => c1, start => {counter, start_link, []}, sockets => [#{name => web, listen => \(address)}]}]"
    }

    /// The script does not come to the supervisor: its worker would listen where it does, and the next boot would fail.
    @Test(arguments: ["nonsense", "127.0.0.1:99999", "localhost:80"])
    func anAddressThatIsNone(text: String) async throws {
        let words = """
            fix/fix_sup/c1 could not be started: \(Self.noAddress(text)); correct its spec in release 2.0.0, or the \
            sys.config that it is of
            """
        let configured = try TestRoot.twoVersions(
            children: Self.listening(at: "{'$env', listen, \"127.0.0.1:0\"}"),
            config2: "[{fix, [{listen, \"\(text)\"}]}].")
        let written = try TestRoot.twoVersions(children: Self.listening(at: "\"127.0.0.1:0\""))
        let children = Self.listening(at: "\"\(text)\"")
        try written.write("lib/fix-2.0.0/ebin/fix_sup.sup", "{ok, {\(TestRoot.usualFlags), \(children)}}.")
        for root in [configured, written] {
            try await TestNode.with(root) { test async throws in
                #expect(try await test.refusedBeforehand() == words)
            }
        }
    }

    // MARK: Old code

    /// Twice the same careless script: the first leaves a worker in old code, so the second one can't come softly.
    @Test func oldCodeThatASoftPurgeWouldMeet() async throws {
        let root = try TestRoot()
        for vsn in ["1.0.0", "2.0.0", "3.0.0"] {
            try root.install(vsn: vsn)
            try root.makeDistinct(vsn)
        }
        func script(_ vsn: String) -> String {
            """
            {load_object_code, {fix, "\(vsn)", [counter]}}, point_of_no_return,
            {load, {counter, soft_purge, soft_purge}}
            """
        }
        try root.release("1.0.0")
        try root.release("2.0.0", relup: TestRoot.relup(up: script("2.0.0")))
        try root.release("3.0.0", relup: "{\"3.0.0\", [{\"2.0.0\", [], [\(script("3.0.0"))]}], []}.")
        try root.register(["1.0.0", "2.0.0", "3.0.0"])
        try await TestNode.with(root) { test async throws in
            #expect(try await test.install("2.0.0").outcome == .done)
            #expect(
                try await test.refusedBeforehand("3.0.0") == """
                    instruction 3, {load,{counter,soft_purge,soft_purge}}: fix/fix_sup/c1 still runs old code of counter, \
                    which the script purges softly; restart it or use brutal_purge
                    """)
        }
    }

    // MARK: Unmodified programs

    /// A program that one child runs as it is, and that the spec of another would start as a worker.
    @Test(arguments: [
        "#{id => p1, start => {os, start, [\"ebin/extra\"]}, modules => []}",
        "#{id => p1, start => {os, start, [\"/bin/sleep\", \"1000\"]}, modules => [extra]}",
    ])
    func anUnmodifiedProgramIsNeverRunAsAWorker(program: String) async throws {
        let children = "[#{id => c1, start => {counter, start_link, []}}, \(program)]"
        let up = "{load_object_code, {fix, \"2.0.0\", [extra]}}, point_of_no_return"
        let root = try TestRoot.twoVersions(children: children, relup: TestRoot.relup(up: up))
        for (vsn, script) in [("1.0.0", "exec sleep 1000"), ("2.0.0", "touch \"$0.ran\"; exec sleep 1000")] {
            try root.write("lib/fix-\(vsn)/ebin/extra", "#!/bin/sh\n\(script)\n")
            chmod("\(root.root)/lib/fix-\(vsn)/ebin/extra", 0o755)
        }
        let worker = "#{id => x, start => {extra, start_link, []}}"
        try root.write("lib/fix-2.0.0/ebin/fix_sup.sup", "{ok, {#{}, [\(worker), \(program)]}}.")
        try await TestNode.with(root) { test async throws in
            let note = "extra is the unmodified program of child p1: it is read, and not tried by a start"
            let plan = try await test.service.checkInstallRelease(vsn: "2.0.0")
            #expect(plan.instructions.map(\.notes) == [[note], []])
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done)
            #expect(result.instructions.first?.note == note)
            #expect(!FileManager.default.fileExists(atPath: "\(root.root)/lib/fix-2.0.0/ebin/extra.ran"))
        }
    }

    @Test func thePlanTellsWhatIsTriedAndWhatFindsNobody() async throws {
        let up = """
            {load_object_code, {fix, "2.0.0", [counter, other]}}, point_of_no_return, {suspend, [other]},
            {resume, [other]}
            """
        let root = try TestRoot.twoVersions(
            children: "[#{id => c1, start => {counter, start_link, []}}]", relup: TestRoot.relup(up: up))
        try root.install(as: "other", vsn: "2.0.0")
        try await TestNode.with(root) { test async throws in
            let plan = try await test.service.checkInstallRelease(vsn: "2.0.0")
            #expect(
                plan.instructions.map(\.notes) == [
                    [
                        "no worker runs counter: one is started as child c1 would be, to try it",
                        "no child spec starts other: it is read, and not tried by a start",
                    ], [], ["no worker's child spec lists other"], [],
                ])
        }
    }
}
