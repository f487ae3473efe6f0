import Host
import Instructions
import Terms
import Testing

@testable import ReleaseTools

/// An `.appup` that is there: what stands in it stays.
@Suite(.timeLimit(.minutes(15))) struct AppupAddingTests {
    private static let file = "lib/kv-2.0.0/ebin/kv.appup"
    private let directory = ReleaseDirectory()

    private func run(
        from vsn: String = "1.0.0", _ change: (inout AppupTool.Options) -> Void = { _ in }
    ) async -> AppupTool.Result {
        var options = AppupTool.Options(old: directory.file("lib/kv-\(vsn)"), new: directory.file("lib/kv-2.0.0"))
        options.asks = false
        change(&options)
        return await AppupTool(options).run()
    }

    private func versions() throws { for vsn in ["1.0.0", "1.5.0", "2.0.0"] { try directory.whole(vsn) } }

    private func told(_ result: AppupTool.Result) -> [String] {
        result.diagnostics.map {
            "\($0.severity) \($0.code): \($0.lines.joined(separator: "\n"))".replacing(directory.path, with: "DIR")
        }
    }

    private func text() throws -> String { try directory.text(Self.file) }

    /// The entries as `make-relup` takes them.
    private func scripts(_ vsn: String) throws -> [String] {
        let files = SourceFiles.host()
        let appup = try Appup.parse(Array(text().utf8), file: Self.file)
        return [appup.up, appup.down].map { entries in
            let entry = entries.first { entry in
                switch entry.version {
                case .exactly(let version): version == .string(vsn)
                case .matching(let expression): (try? files.matchesWhole(vsn, expression)) == true
                }
            }
            return entry?.script.term.description ?? "none"
        }
    }

    /// One older version after the other: each has its entries, and what a person wrote into the file stays.
    @Test func theEntriesOfSeveralOlderVersionsStandBesideEachOther() async throws {
        try versions()
        #expect(await run().isSuccess)
        try directory.write(Self.file, try text().replacing("{\"2.0.0\",", with: "%% mine: ü\n{\"2.0.0\","))
        let second = await run(from: "1.5.0")
        #expect(told(second) == [])
        #expect(second.up == .added && second.down == .added)
        let whole = try text()
        #expect(
            whole.drop { $0 != "{" } == """
                {"2.0.0",
                 [
                  %% From 1.5.0 to 2.0.0 and back, by releasectl make-appup, from what differs.
                  {"1.5.0",
                   [%% server: an executable that differs; soft, since it was not asked (--no-run)
                    {update,server}]},
                  {"1.0.0",
                   [%% server: an executable that differs; soft, since it was not asked (--no-run)
                    {update,server}]}],
                 [{"1.5.0",
                   [%% server: an executable that differs; soft, since it was not asked (--no-run)
                    {update,server}]},
                  {"1.0.0",
                   [%% server: an executable that differs; soft, since it was not asked (--no-run)
                    {update,server}]}]}.

                """)
        #expect(whole.contains("%% mine: ü\n"))
        // Once more each: the file is not even written.
        let inode = try FileStatus(of: directory.file(Self.file)).identity
        for vsn in ["1.0.0", "1.5.0"] {
            let again = await run(from: vsn)
            #expect(told(again) == [])
            #expect(again.up == .same && again.down == .same)
            #expect(await run(from: vsn) { $0.replaces = true }.up == .replaced)
        }
        #expect(try text() == whole)
        #expect(try FileStatus(of: directory.file(Self.file)).identity == inode)
    }

    /// A long form of the same instructions is no other entry.
    @Test func whatAPersonMadeOfAProposalStaysAndIsTold() async throws {
        try versions()
        let mine = """
            {"2.0.0",
             [{"1.5.0", [{load_module, store}]}, % not mine to change
              %% ü
              {"1.0.0", [{apply, {server, note, ["}]", $], '}']}}, % ]}
                         {update, server, {advanced, []}}]}, {"1.0.0", []}],
             [{"1.0.0", [{update, server, soft, brutal_purge, brutal_purge, []}]}]}.

            """
        try directory.write(Self.file, mine)
        let result = await run()
        #expect(result.isSuccess)
        #expect(
            told(result) == [
                """
                warning kept: the entry for "1.0.0" on the way up has other instructions than are proposed for 1.0.0
                  DIR/lib/kv-2.0.0/ebin/kv.appup:4:3: It stays as it is; --force puts the proposed one in its place, --noexec \
                prints the proposal.
                """
            ])
        #expect(result.down == .same)
        #expect(try text() == mine)
        // Of the other versions' nothing is touched by force either.
        let forced = await run { $0.replaces = true }
        #expect(told(forced) == [])
        #expect(forced.up == .replaced)
        #expect(
            try text() == """
                {"2.0.0",
                 [{"1.5.0", [{load_module, store}]}, % not mine to change
                  %% ü
                  {"1.0.0",
                   [%% server: an executable that differs; soft, since it was not asked (--no-run)
                    {update,server}]}, {"1.0.0", []}],
                 [{"1.0.0",
                   [%% server: an executable that differs; soft, since it was not asked (--no-run)
                    {update,server}]}]}.

                """)
    }

    @Test func oneWayThatIsThereIsNoReasonToLeaveTheOtherOut() async throws {
        try versions()
        try directory.write(Self.file, "{\"2.0.0\", [{\"1.0.0\", [{update,server}]}], [% none yet\n]}.")
        let result = await run()
        #expect(result.up == .same && result.down == .added)
        #expect(try scripts("1.0.0") == ["[{update,server}]", "[{update,server}]"])
        #expect(try text().contains("% none yet\n"))
    }

    /// What `make-relup` takes for a version is the first that names or matches it.
    @Test func aRegularExpressionIsAnEntryForWhatItMatches() async throws {
        try versions()
        let mine = """
            {"2.0.0",
             [{<<"1\\\\.0\\\\..*">>, [{load_module,store}]}, {"1.0.0", [{update,server}]}],
             [{<<"1\\\\.0\\\\..*">>, [{load_module,store}]}]}.
            """
        try directory.write(Self.file, mine)
        let matched = await run()
        #expect(
            told(matched).first == """
                warning kept: the entry for <<"1\\\\.0\\\\..*">> on the way up has other instructions than are proposed for \
                1.0.0
                  DIR/lib/kv-2.0.0/ebin/kv.appup:2:3: It stays as it is; --force puts one for 1.0.0 alone before it, \
                --noexec prints the proposal.
                """)
        #expect(told(matched).count == 2)
        #expect(try text() == mine)
        #expect(await run(from: "1.5.0").up == .added)
        #expect(try scripts("1.5.0") == ["[{update,server}]", "[{update,server}]"])
        #expect(try scripts("1.0.0") == ["[{load_module,store}]", "[{load_module,store}]"])
        #expect(await run { $0.replaces = true }.up == .added)
        #expect(try scripts("1.0.0") == ["[{update,server}]", "[{update,server}]"])
        #expect(try scripts("1.0.7") == ["[{load_module,store}]", "[{load_module,store}]"])
        let once = try text()
        #expect(await run { $0.replaces = true }.up == .replaced)
        #expect(await run().up == .same)
        #expect(try text() == once)
    }

    static let bad: [(text: String, words: String)] = [
        ("mine", "1:5: expected '.' at the end of the term, found the end of the text"),
        ("", "1:1: expected {Vsn, [{UpFromVsn, Script}], [{DownToVsn, Script}]}, found no term"),
        ("{\"2.0.0\", [], []}.\n{more}.", "2:1: expected the end of the file after one term, found {more}"),
        (
            "{\"2.0.0\", [], none}.",
            "1:15: Syntax error in the appup file: expected a list of {Vsn, Script}, found none"
        ),
        ("{\"2.0.0\", [], \"\"}.", "1:15: expected a list in brackets"),
        (
            "{\"2.0.0\",\n [{<<\"1.(\">>, []}], []}.",
            "2:4: Bad regular expression <<\"1.(\">> in the appup file: regular expression \"1.(\" does not compile"
        ),
        ("{\"1.5.0\", [], []}.", "1:2: the .appup that is there is for \"1.5.0\", and the application is 2.0.0"),
    ]

    /// Not even by force: nobody knows what it would have been.
    @Test(arguments: bad.indices) func aBadFileIsRefusedAndNeverWrittenOver(index: Int) async throws {
        try versions()
        let (bad, words) = Self.bad[index]
        try directory.write(Self.file, bad)
        for replaces in [false, true] {
            let result = await run { $0.replaces = replaces }
            let error = try #require(result.diagnostics.first)
            let place = error.place?.position.map { "\($0): " } ?? ""
            #expect("\(place)\(error.text)".hasPrefix(words), "\(place)\(error.text)")
            #expect(error.place?.file == directory.file(Self.file))
            #expect(error.advice?.hasSuffix("or remove it. --noexec prints the proposal.") == true)
            #expect(!result.isSuccess && result.file == nil)
            #expect(try text() == bad)
        }
        #expect(await run { $0.isWritten = false }.proposal != nil)
        // What is advised: without it, it is made.
        try Directory.removeTree(directory.file(Self.file))
        #expect(await run().up == .added)
    }
}
