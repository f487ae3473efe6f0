import Foundation
import Host
import Instructions
import Testing

@testable import ReleaseTools
@testable import TestSupport

@Suite(.timeLimit(.minutes(15))) struct AppupToolTests {
    private let directory = ReleaseDirectory()

    private func run(_ change: (inout AppupTool.Options) -> Void = { _ in }) async -> AppupTool.Result {
        var options = AppupTool.Options(old: directory.file("lib/kv-1.0.0"), new: directory.file("lib/kv-2.0.0"))
        // A loaded machine starts Python slowly.
        options.timeoutMilliseconds = 60_000
        change(&options)
        return await AppupTool(options).run()
    }

    private func told(_ result: AppupTool.Result) -> [String] {
        result.diagnostics.map { $0.lines.joined(separator: "\n").replacing(directory.path, with: "DIR") }
    }

    private func up(_ result: AppupTool.Result) -> [String] { result.proposal?.up.map(\.instruction.description) ?? [] }

    /// Why the worker's update is as it is.
    private func reason(_ result: AppupTool.Result) -> String {
        let line = result.proposal?.up.first { $0.instruction.description.hasPrefix("{update,server") }
        return line?.reasons.first?.replacing(directory.path, with: "DIR") ?? "no line"
    }

    // MARK: Through make-relup

    @Test func whatIsProposedIsAllThatMakeRelupWants() async throws {
        for vsn in ["1.0.0", "2.0.0"] { try directory.whole(vsn) }
        try directory.app("1.0.0", modules: "kv_sup, server, store, gone, format")
        try directory.app("2.0.0", modules: "kv_sup, server, store, fresh, format")
        try directory.write("lib/kv-1.0.0/ebin/gone.so", ObjectFile.library())
        try directory.write("lib/kv-2.0.0/ebin/fresh.so", ObjectFile.library(mark: "new"))
        try directory.write("lib/kv-1.0.0/ebin/format.so", ObjectFile.library(needed: ["gone.so", "libc.so.6"]))
        try directory.write(
            "lib/kv-2.0.0/ebin/format.so", ObjectFile.library(needed: ["store.so", "fresh.so"], mark: "2"))
        try directory.write("lib/kv-2.0.0/ebin/store.so", ObjectFile.library(mark: "2"))
        try directory.write("lib/kv-2.0.0/ebin/kv_sup.sup", "{ok, {#{intensity => 2}, []}}.\n")
        let result = await run()
        #expect(told(result) == [])
        #expect(result.file == directory.file("lib/kv-2.0.0/ebin/kv.appup"))
        #expect(
            up(result) == [
                "{add_module,fresh}", "{load_module,format,[fresh,store]}", "{load_module,store}",
                "{update,server,{advanced,[]}}", "{update,kv_sup,supervisor}", "{delete_module,gone}",
            ])
        #expect(
            result.proposal?.down.map(\.instruction.description) == [
                "{add_module,gone}", "{update,kv_sup,supervisor}", "{update,server,{advanced,[]}}",
                "{load_module,format,[fresh,gone,store]}", "{load_module,store}", "{delete_module,fresh}",
            ])
        #expect(reason(result) == "server: an executable that differs; it says that it converts states")
        #expect(try directory.text("lib/kv-2.0.0/ebin/kv.appup") == result.proposal?.text())

        var options = RelupTool.Options(
            release: directory.file("rel/kv-2.0.0.rel"), path: [directory.file("lib/*/ebin")])
        options.upFrom = [RelupTool.Base(release: directory.file("rel/kv-1.0.0.rel"))]
        options.downTo = [RelupTool.Base(release: directory.file("rel/kv-1.0.0.rel"))]
        options.outputDirectory = directory.file("rel")
        options.warningsAsErrors = true
        options.isStrict = true
        let relup = RelupTool(options).run()
        #expect(relup.diagnostics == [])
        #expect(relup.relup?.up.count == 1)
        #expect(relup.relup?.down.count == 1)
        // And it can be packed.
        let tar = TarTool(
            TarTool.Options(release: directory.file("rel/kv-2.0.0.rel"), path: [directory.file("lib/*/ebin")])
        ).run()
        #expect(tar.diagnostics == [])
        #expect(tar.package?.relup == directory.file("rel/relup"))
    }

    // MARK: Asking

    private func answer(_ program: String, timeout: Int = 60_000) async throws -> String {
        try directory.whole("1.0.0")
        try directory.whole("2.0.0")
        try Directory.removeTree(directory.file("lib/kv-2.0.0/ebin/server"))
        try directory.program("lib/kv-2.0.0/ebin/server", program)
        let result = await run { $0.timeoutMilliseconds = timeout }
        let isSoft = up(result) == ["{update,server}"]
        return isSoft ? reason(result) : "\(up(result))"
    }

    private let prefix = "server: an executable that differs; soft, since it "

    @Test func aProgramThatEndsIsSoft() async throws {
        let answer = try await answer("#!/bin/sh\necho nothing to do >&2\nexit 3\n")
        #expect(answer == prefix + "exited with status 3 and did not acknowledge, saying: nothing to do")
    }

    @Test func aProgramThatDoesNotAnswerIsSoftAndEndsWithAllThatItStarted() async throws {
        // The child holds the FIFO open for writing: its end is seen there.
        let fifo = directory.file("fifo")
        #expect(mkfifo(fifo, 0o600) == 0)
        let reader = open(fifo, O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        let answer = try await answer("#!/bin/sh\nsleep 1000 > '\(fifo)' &\nwait\n", timeout: 300)
        #expect(answer == prefix + "did not acknowledge within 300 ms")
        // End of file where nobody holds it open; where somebody does, the end is awaited.
        var byte: UInt8 = 0
        if read(reader, &byte, 1) < 0 {
            var request = pollfd(fd: reader, events: Int16(POLLIN), revents: 0)
            #expect(poll(&request, 1, 60_000) == 1)
            #expect(read(reader, &byte, 1) == 0)
        }
    }

    @Test func aProgramThatSaysNothingOfItIsSoft() async throws {
        // {ack, 0, #{vsn => undefined, protocol => 1}}
        let frame = """
            \\000\\000\\000\\053\\203\\150\\003\\167\\003ack\\141\\000\\164\\000\\000\\000\\002\
            \\167\\003vsn\\167\\011undefined\\167\\010protocol\\141\\001
            """
        let answer = try await answer("#!/bin/sh\nprintf '\(frame)' >&3\nexec sleep 1000\n")
        #expect(answer == prefix + "does not say whether it converts states (code_change in its acknowledgement)")
    }

    @Test func aProgramThatSpeaksSomethingElseIsSoft() async throws {
        let answer = try await answer("#!/bin/sh\nprintf 'Hello, world' >&3\nexec sleep 1000\n")
        #expect(answer.hasPrefix(prefix + "does not speak the worker protocol: "), "\(answer)")
    }

    @Test func itIsAskedInADirectoryOfItsOwnWithFewVariables() async throws {
        let seen = directory.file("seen")
        _ = try await answer("#!/bin/sh\n{ pwd; ls -A; env | sed 's/=.*//' | sort; } > '\(seen)'\n")
        let lines = try directory.text("seen").split(separator: "\n").map(String.init)
        #expect(lines.first?.contains("/releasectl-") == true)
        #expect(!FileManager.default.fileExists(atPath: lines.first ?? "/"))
        let allowed: Set<String> = [
            "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PWD", "OLDPWD", "SHLVL", "TMPDIR", "TZ", "_",
            "RELEASE_HANDLER_CHANNEL", "RELEASE_HANDLER_TRANSFER",
        ]
        #expect(Set(lines.dropFirst()).subtracting(allowed) == [])
    }

    @Test func nothingIsStartedWhereThatIsNotWanted() async throws {
        try directory.whole("1.0.0")
        try directory.whole("2.0.0")
        let result = await run { $0.asks = false }
        #expect(up(result) == ["{update,server}"])
        #expect(reason(result) == "server: an executable that differs; soft, since it was not asked (--no-run)")
    }

    @Test func aProgramThatCannotRunHereIsSoft() async throws {
        try directory.whole("1.0.0")
        try directory.whole("2.0.0")
        try Directory.removeTree(directory.file("lib/kv-2.0.0/ebin/server"))
        try directory.write("lib/kv-2.0.0/ebin/server", ObjectFile.library(machine: 8), permissions: 0o755)
        let result = await run()
        #expect(reason(result).hasPrefix(prefix + "can't be asked: DIR/lib/kv-2.0.0/ebin/server: built for MIPS"))
    }

    // MARK: Mistakes

    /// A worker is its executable and what it reads in `priv`.
    @Test func anotherPrivIsAnUpdateOfWhatMayReadIt() async throws {
        for vsn in ["1.0.0", "2.0.0"] {
            try directory.whole(vsn)
            try Directory.removeTree(directory.file("lib/kv-\(vsn)/ebin/server"))
            try directory.link("lib/kv-\(vsn)/ebin/server", to: Project.pythonWorker)
            try directory.write("lib/kv-\(vsn)/priv/same", "same")
            try directory.write("lib/kv-\(vsn)/priv/www/index.html", "page \(vsn)")
        }
        try directory.write("lib/kv-1.0.0/priv/gone", "")
        try directory.link("lib/kv-1.0.0/priv/link", to: "same")
        try directory.link("lib/kv-2.0.0/priv/link", to: "www/index.html")
        try directory.link("lib/kv-2.0.0/priv/loop", to: ".")
        let result = await run()
        #expect(told(result) == [])
        #expect(up(result) == ["{update,server}"])
        #expect(
            reason(result) == """
                server: the same executable, but priv/link differs, priv/www/index.html differs, priv/loop/ is not in \
                1.0.0 and 1 more, which its workers may read; soft, since the same code has nothing to convert
                """)
        var options = RelupTool.Options(
            release: directory.file("rel/kv-2.0.0.rel"), path: [directory.file("lib/*/ebin")])
        options.upFrom = [RelupTool.Base(release: directory.file("rel/kv-1.0.0.rel"))]
        options.outputDirectory = directory.file("rel")
        options.isStrict = true
        // An update of an executable that is the same is right here, and none is not.
        #expect(RelupTool(options).run().diagnostics == [])
        try directory.write("lib/kv-2.0.0/ebin/kv.appup", "{\"2.0.0\", [{\"1.0.0\", []}], []}.")
        #expect(
            RelupTool(options).run().diagnostics.map(\.text) == [
                """
                uncovered_change: up from 1.0.0: kv: priv/link differs, priv/www/index.html differs, priv/loop/ is not in \
                1.0.0 and 1 more, but no instruction loads a program that may read it: update those of server that do
                """
            ])
    }

    @Test func aWorkerThatIsLinkedAgainstWhatDiffersIsTold() async throws {
        for vsn in ["1.0.0", "2.0.0"] {
            try directory.whole(vsn)
            try Directory.removeTree(directory.file("lib/kv-\(vsn)/ebin/server"))
            try directory.write(
                "lib/kv-\(vsn)/ebin/server", ObjectFile.library(needed: ["store.so"]), permissions: 0o755)
        }
        try directory.write("lib/kv-2.0.0/ebin/store.so", ObjectFile.library(mark: "2"))
        let result = await run()
        #expect(up(result) == ["{load_module,store}"])
        #expect(
            told(result) == [
                """
                server does not differ, but is linked against store, which does
                  DIR/lib/kv-2.0.0/ebin/kv.app: Its workers have the library from their start on, and keep it until \
                they start anew: build it anew with its vsn, then it gets an update, too.
                """
            ])
    }

    static let mistakes: [(spoil: @Sendable (ReleaseDirectory) throws -> Void, words: [String])] = [
        (
            { try $0.app("2.0.0", modules: "server, none") },
            [
                """
                there is no DIR/lib/kv-2.0.0/ebin/none, DIR/lib/kv-2.0.0/ebin/none.so or DIR/lib/kv-2.0.0/ebin/none.sup
                  DIR/lib/kv-2.0.0/ebin/kv.app: Its modules list none: build it, or take it out of the list.
                """,
                """
                DIR/lib/kv-2.0.0/ebin/kv_sup.sup is no module of kv
                  DIR/lib/kv-2.0.0/ebin/kv.app: It gets no instruction: add kv_sup to the modules, or put it into priv.
                """,
                """
                DIR/lib/kv-2.0.0/ebin/store.so is no module of kv
                  DIR/lib/kv-2.0.0/ebin/kv.app: It gets no instruction: add store to the modules, or put it into priv.
                """,
            ]
        ),
        (
            { try $0.write("lib/kv-2.0.0/ebin/kv.app", "{application, db, [{vsn, \"2.0.0\"}]}.") },
            ["DIR/lib/kv-1.0.0 holds kv, DIR/lib/kv-2.0.0 db\n  Give two versions of one application."]
        ),
        (
            { try $0.write("lib/kv-2.0.0/ebin/kv.app", "{application, kv, [{vsn, \"1.0.0\"}]}.") },
            [
                """
                both are kv-1.0.0
                  DIR/lib/kv-2.0.0/ebin/kv.app: What differs needs another vsn: the daemon takes no other files for a \
                version that it has.
                """
            ]
        ),
        (
            { try $0.write("lib/kv-2.0.0/ebin/kv.app", "{application, kv, [{vsn, 2}]}.") },
            ["expected a version (a string), found 2\n  at DIR/lib/kv-2.0.0/ebin/kv.app:1:26"]
        ),
        (
            { try Directory.removeTree($0.file("lib/kv-1.0.0")) },
            [
                """
                DIR/lib/kv-1.0.0 has no .app file
                  Give the directory of one version of an application, such as lib/kv-2.0.0.
                """
            ]
        ),
        (
            { directory in
                try Directory.removeTree(directory.file("lib/kv-2.0.0/ebin/store.so"))
                try directory.write("lib/kv-2.0.0/ebin/store.sup", "{ok, {#{}, []}}.")
            },
            [
                """
                store is a library in 1.0.0 and a supervisor's file in 2.0.0
                  No instruction makes the one of the other: give the new one another name.
                """
            ]
        ),
    ]

    @Test(arguments: mistakes.indices) func nothingIsWrittenOnAMistake(index: Int) async throws {
        try directory.whole("1.0.0")
        try directory.whole("2.0.0")
        try Self.mistakes[index].spoil(directory)
        let result = await run()
        #expect(told(result) == Self.mistakes[index].words)
        #expect(!result.isSuccess)
        #expect(!FileNames.exists(directory.file("lib/kv-2.0.0/ebin/kv.appup")))
    }
}
