import Host
import Instructions
import Testing

@testable import ReleaseTools

@Suite struct RelupToolTests {
    private let directory = ReleaseDirectory()
    private let appup = """
        {"2.0.0",
         [{<<"1\\\\..*">>, [{update, server, {advanced, []}}]}],
         [{"1.0.0", [{update, server, {advanced, []}}]}]}.
        """

    private func options(_ change: (inout RelupTool.Options) -> Void = { _ in }) -> RelupTool.Options {
        var options = RelupTool.Options(
            release: directory.file("rel/kv-2.0.0.rel"), path: [directory.file("lib/*/ebin")])
        options.upFrom = [RelupTool.Base(release: directory.file("rel/kv-1.0.0"), description: "faster")]
        options.downTo = [RelupTool.Base(release: directory.file("rel/kv-1.0.0.rel"))]
        options.outputDirectory = directory.path
        change(&options)
        return options
    }

    /// What a person reads, with the test's directory left out.
    private func told(_ result: RelupTool.Result) -> [String] {
        result.diagnostics.flatMap(\.lines).map { $0.replacing(directory.path, with: "DIR") }
    }

    @Test func theRelupIsWritten() throws {
        try directory.release("1.0.0")
        try directory.release("2.0.0", appup: appup)
        let result = RelupTool(options()).run()
        #expect(told(result) == [])
        #expect(result.file == directory.file("relup"))
        #expect(
            try directory.text("relup") == """
                %% coding: utf-8
                {"2.0.0",
                 [{"1.0.0",
                   "faster",
                   [{load_object_code,{kv,"2.0.0",[server]}},
                    point_of_no_return,
                    {suspend,[server]},
                    {load,{server,brutal_purge,brutal_purge}},
                    {code_change,up,[{server,[]}]},
                    {resume,[server]}]}],
                 [{"1.0.0",
                   [],
                   [{load_object_code,{kv,"1.0.0",[server]}},
                    point_of_no_return,
                    {suspend,[server]},
                    {code_change,down,[{server,[]}]},
                    {load,{server,brutal_purge,brutal_purge}},
                    {resume,[server]}]}]}.

                """)
    }

    @Test func nothingIsWrittenOnAnError() throws {
        try directory.release("1.0.0")
        try directory.release("2.0.0", appup: String(appup.prefix(60)))
        try directory.write("relup", "the one before")
        let result = RelupTool(options()).run()
        #expect(result.relup == nil)
        #expect(result.file == nil)
        #expect(!result.isSuccess)
        #expect(
            told(result) == [
                "Could not parse file DIR/lib/kv-2.0.0/ebin/kv.appup",
                "  DIR/lib/kv-2.0.0/ebin/kv.appup:2:51: expected ',', '|' or ']', found the end of the text: "
                    + "the list begun at 2:18 is not ended",
            ])
        #expect(try directory.text("relup") == "the one before")
        #expect(Directory.names(directory.path) == ["lib", "rel", "relup"])
    }

    /// Written to start_erl.data it could not be read again.
    @Test func aVersionWithABlankIsRefused() throws {
        try directory.release("1.0.0")
        try directory.release("2.0.0", appup: appup)
        try directory.write("rel/kv-2.0.0.rel", "{release, {\"kv\", \"R1A 2\"}, {erts, \"1.0\"}, [{kv, \"2.0.0\"}]}.")
        let result = RelupTool(options()).run()
        #expect(result.file == nil)
        #expect(
            told(result) == [
                "expected a version (1 to 200 bytes without blanks, slashes and control characters, not \".\" or \"..\"), "
                    + "found \"R1A 2\"",
                "  at DIR/rel/kv-2.0.0.rel:1:18",
            ])
    }

    @Test func nothingIsWrittenWhereItIsPrinted() throws {
        try directory.release("1.0.0")
        try directory.release("2.0.0", appup: appup)
        let result = RelupTool(options { $0.isWritten = false }).run()
        #expect(result.relup?.vsn == "2.0.0")
        #expect(Directory.names(directory.path) == ["lib", "rel"])
    }

    @Test func adviceIsAnErrorWhereItIsStrict() throws {
        try directory.release("1.0.0", server: "same")
        try directory.release("2.0.0", server: "same", appup: appup)
        let sentence =
            "unchanged_module: up from 1.0.0: kv: server is the same in 1.0.0 and 2.0.0: "
            + "leave its instruction out, or build it anew"
        let lenient = RelupTool(options { $0.downTo = [] }).run()
        #expect(told(lenient) == ["*WARNING* \(sentence)", "  at DIR/lib/kv-2.0.0/ebin/kv.appup:2:19"])
        #expect(lenient.isSuccess)
        let strict = RelupTool(
            options {
                $0.isStrict = true
                $0.isWritten = false
            }
        ).run()
        #expect(told(strict).first == sentence)
        #expect(strict.diagnostics.map(\.code) == ["unchanged_module", "unchanged_module"])
        #expect(!strict.isSuccess)
        #expect(strict.relup == nil)
    }

    /// What an install would be refused for; of what is not built yet nothing is known.
    @Test func callsOfWhatIsNotThere() throws {
        let appup = """
            {"2.0.0",
             [{"1.0.0", [{update, server, {advanced, []}}, {apply, {migrate, run, ["2.0.0"]}}]}],
             [{"1.0.0", [{update, server, {advanced, []}}, {apply, {timer, sleep, [soon]}}]}]}.
            """
        let up =
            "bad_apply: up from 1.0.0: {apply,{migrate,run,[\"2.0.0\"]}}: migrate:run/1 is no built-in function, and release "
            + "2.0.0 has no program or library ebin/migrate; correct the call in the .appup, or bring the program"
        let down =
            "bad_apply: down to 1.0.0: {apply,{timer,sleep,[soon]}}: expected 0 to 60000 milliseconds, found soon; correct "
            + "the call in the .appup"
        try directory.release("1.0.0", server: "old")
        try directory.release("2.0.0", server: "new", appup: appup)
        let lenient = RelupTool(options { _ in }).run()
        #expect(lenient.isSuccess)
        let calls = lenient.diagnostics.filter { $0.code == "bad_apply" }
        #expect(calls.map { "\($0.code): \($0.text)" } == [up, down])
        let strict = RelupTool(options { $0.isStrict = true }).run()
        #expect(strict.diagnostics.filter { $0.code == "bad_apply" }.map(\.severity) == [.error, .error])
        try directory.write("lib/kv-2.0.0/ebin/migrate", "#!/bin/sh")
        let there = RelupTool(options { $0.downTo = [] }).run()
        #expect(there.diagnostics.filter { $0.code == "bad_apply" } == [])

        // Of a library it is known which functions it has.
        try Directory.removeTree(directory.file("lib/kv-2.0.0/ebin/migrate"))
        func library(_ exports: [String]) throws -> [String] {
            try directory.write(
                "lib/kv-2.0.0/ebin/migrate.so", ObjectFile.library(exports: ["rhm_module_info"] + exports))
            let result = RelupTool(options { $0.downTo = [] }).run()
            return result.diagnostics.filter { $0.code == "bad_apply" }.map(\.text)
        }
        #expect(try library(["rhm_call_run"]) == [])
        #expect(
            try library(["rhm_call_runs", "other"]) == [
                "up from 1.0.0: {apply,{migrate,run,[\"2.0.0\"]}}: migrate:run/1 can't be called: migrate.so has no function "
                    + "run; it has runs; correct the call in the .appup, or bring the program"
            ])
    }

    @Test func warningsAreErrorsWhereThatIsSaid() throws {
        try directory.release("1.0.0")
        try directory.release("2.0.0", appup: appup.replacing("{\"2.0.0\"", with: "{\"2.0\""))
        let lenient = RelupTool(options()).run()
        let place = "DIR/lib/kv-2.0.0/ebin/kv.appup:1:2"
        let warning = ["*WARNING* {bad_vsn,{\"2.0\",\"2.0.0\"}}", "  at \(place)"]
        #expect(told(lenient) == warning + warning)
        #expect(lenient.isSuccess)
        let result = RelupTool(options { $0.warningsAsErrors = true }).run()
        #expect(!result.isSuccess)
        #expect(
            told(result) == [
                "Warnings being treated as errors:", "{bad_vsn,{\"2.0\",\"2.0.0\"}}", "{bad_vsn,{\"2.0\",\"2.0.0\"}}",
            ])
    }

    @Test func theEmulatorIsRestartedWhereThatIsSaid() throws {
        try directory.release("1.0.0")
        try directory.release("2.0.0", appup: appup)
        let result = RelupTool(options { $0.restartsEmulator = true }).run()
        #expect(result.relup?.up.first?.script.last == .restartEmulator)
        #expect(result.relup?.down.first?.script.last == .restartEmulator)
    }

    @Test func aPathWithoutDirectoriesIsTold() throws {
        try directory.release("1.0.0")
        let result = RelupTool(options { $0.path = [directory.file("nix/*")] }).run()
        #expect(
            told(result) == [
                "--path DIR/nix/* names no directory",
                "  Name the directories with the .app files as seen from here, such as --path 'lib/*/ebin'.",
                "File not found: \"DIR/rel/kv-2.0.0.rel\"",
            ])
    }

    @Test func theOutputDirectoryMustBeThere() throws {
        let result = RelupTool(options { $0.outputDirectory = directory.file("nix") }).run()
        #expect(
            told(result) == ["--outdir DIR/nix is no directory", "  Make it first, mkdir -p DIR/nix, or name another."])
    }

    @Test func whatCannotBeWrittenIsTold() throws {
        try directory.release("1.0.0")
        try directory.release("2.0.0", appup: appup)
        try directory.write("relup/in-the-way", "")
        let result = RelupTool(options()).run()
        #expect(told(result) == ["DIR/relup: rename: Is a directory", "  Nothing was written."])
        #expect(Directory.names(directory.path) == ["lib", "rel", "relup"])
    }

    @Test(arguments: [
        ("base.rel=a=b", "base.rel", "a=b"), ("base=words", "base", "words"), ("a=b/base.rel=", "a=b/base.rel", ""),
        ("a=b/base.rel", "a=b/base.rel", ""), ("base", "base", ""),
    ])
    func aBase(argument: String, release: String, description: String) throws {
        let base = try #require(RelupTool.Base(argument: argument))
        #expect(base == RelupTool.Base(release: release, description: description))
    }

    @Test(arguments: ["", "=words", ".rel=words"])
    func noBase(argument: String) {
        #expect(RelupTool.Base(argument: argument) == nil)
    }
}
