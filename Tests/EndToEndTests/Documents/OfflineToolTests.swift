import Foundation
import Testing

@testable import TestSupport

/// releasectl's offline commands, as they are run: what goes to which output, and how they end.
@Suite(.timeLimit(.minutes(15))) struct OfflineToolTests {
    private let root: TestRoot

    init() throws {
        root = try TestRoot()
        for vsn in ["1.0.0", "2.0.0"] {
            try root.release(vsn)
            try root.write("lib/fix-\(vsn)/ebin/counter", "of \(vsn)")
        }
    }

    private func appup(_ script: String) throws {
        try root.write("lib/fix-2.0.0/ebin/fix.appup", "{\"2.0.0\",\n [{\"1.0.0\", [\(script)]}],\n []}.\n")
    }

    private func makeRelup(_ options: String...) async throws -> Releasectl {
        defer { root.remove() }
        let releases = "\(root.root)/releases"
        let run = try await Releasectl.run(
            [
                "make-relup", "\(releases)/2.0.0/fix.rel", "--up-from", "\(releases)/1.0.0/fix.rel=words",
                "--path", "\(root.root)/lib/*/ebin", "--outdir", root.root,
            ] + options)
        return Releasectl(exit: run.exit, output: shown(run.output), error: shown(run.error))
    }

    private func shown(_ text: String) -> String { text.replacing(root.root, with: "ROOT") }

    private var script: String {
        """
        [{load_object_code,{fix,"2.0.0",[counter]}},
            point_of_no_return,
            {suspend,[counter]},
            {load,{counter,brutal_purge,brutal_purge}},
            {resume,[counter]}]
        """
    }

    @Test func makeRelupPrintsTheRelup() async throws {
        try appup("{update, counter}")
        let run = try await makeRelup("--noexec")
        let relup = "%% coding: utf-8\n{\"2.0.0\",\n [{\"1.0.0\",\n   \"words\",\n   \(script)}],\n []}.\n"
        #expect(run == Releasectl(exit: 0, output: relup))
    }

    @Test func makeRelupSaysWhatItWrote() async throws {
        try appup("{update, counter}")
        let run = try await makeRelup()
        #expect(run == Releasectl(exit: 0, output: "ROOT/relup: 2.0.0, up from 1.0.0, down to nothing\n"))
    }

    @Test func makeRelupFailsInTheWordsOfSystools() async throws {
        try appup("{update, counter}, {frob, 1}")
        let run = try await makeRelup()
        #expect(
            run
                == Releasectl(
                    exit: 1, output: "",
                    error: "Bad instruction: {frob,1}\n  at ROOT/lib/fix-2.0.0/ebin/fix.appup:2:33\n"))
    }

    @Test func makeRelupAnswersInJSON() async throws {
        try appup("{load_module, fix_sup}")
        let run = try await makeRelup("--json", "--strict")
        #expect(run.exit == 1)
        #expect(
            run.output == """
                {"diagnostics":[{"code":"unchanged_module","column":14,"file":"ROOT/lib/fix-2.0.0/ebin/fix.appup",\
                "line":2,"severity":"error","text":"unchanged_module: up from 1.0.0: fix: fix_sup is the same in 1.0.0 \
                and 2.0.0: leave its instruction out, or build it anew"},{"code":"uncovered_change",\
                "file":"ROOT/lib/fix-2.0.0/ebin/fix.appup","severity":"error","text":"uncovered_change: up from 1.0.0: \
                fix: counter differs between 1.0.0 and 2.0.0, but no instruction loads it: update it"}]}

                """)
    }

    @Test func makeRelupWithAWrongCommandLine() async throws {
        let run = try await makeRelup("--down-to", "=words")
        #expect(run.exit == 64)
        #expect(run.output == "")
        #expect(run.error.contains("'=words' names no release: give BASE.rel=DESCRIPTION."))
    }

    /// What a file says must not steer the terminal.
    @Test func makeRelupKeepsControlCharactersFromTheTerminal() async throws {
        try appup("{update, counter, 'a\u{1B}[31mb'}")
        let run = try await makeRelup()
        #expect(run.exit == 1)
        #expect(!run.error.contains("\u{1B}"))
    }
}
