import Instructions
import Terms
import Testing

@Suite struct AppupProposalTests {
    private typealias Module = AppupProposal.Module

    private func proposal(
        _ old: [Atom: AppupProposal.Module], _ new: [Atom: AppupProposal.Module],
        _ conversions: [Atom: AppupProposal.Conversion] = [:]
    ) throws -> AppupProposal {
        try AppupProposal(
            application: "kv", old: AppupProposal.Version(vsn: "1.0.0", modules: old),
            new: AppupProposal.Version(vsn: "2.0.0", modules: new), conversions: conversions)
    }

    @Test func eachDifferenceHasItsInstructionBothWays() throws {
        let proposal = try proposal(
            [
                "kv_sup": Module(kind: .supervisor, digest: "1"), "server": Module(kind: .executable, digest: "1"),
                "logger": Module(kind: .executable, digest: "1"), "same": Module(kind: .executable, digest: "0"),
                "format": Module(kind: .library, digest: "1"), "gone": Module(kind: .library, digest: "1"),
            ],
            [
                "kv_sup": Module(kind: .supervisor, digest: "2"),
                "server": Module(kind: .executable, digest: "2", linkedAgainst: ["format", "fresh", "same"]),
                "logger": Module(kind: .executable, digest: "2"), "same": Module(kind: .executable, digest: "0"),
                "format": Module(kind: .library, digest: "2"), "fresh": Module(kind: .library, digest: "2"),
            ],
            [
                "server": .init(converts: true, reason: "it says that it converts states"),
                "logger": .init(converts: false, reason: "soft, since nobody asked"),
            ])
        #expect(
            proposal.text() == """
                %% coding: utf-8
                %% kv from 1.0.0 to 2.0.0 and back, by releasectl make-appup, from what differs.
                %% What an instruction is for stands above it. Look it over: what a program opens while it runs (dlopen), and
                %% what workers expect of each other, can't be seen in their files.
                {"2.0.0",
                 [{"1.0.0",
                   [%% fresh: not in 1.0.0, a library
                    {add_module,fresh},
                    %% format: a library that differs
                    {load_module,format},
                    %% logger: an executable that differs; soft, since nobody asked
                    {update,logger},
                    %% server: an executable that differs; it says that it converts states
                    %% linked against format, fresh
                    {update,server,{advanced,[]},[format,fresh]},
                    %% kv_sup: a supervisor's file that differs
                    {update,kv_sup,supervisor},
                    %% gone: not in 2.0.0
                    {delete_module,gone}]}],
                 [{"1.0.0",
                   [%% gone: not in 2.0.0, a library
                    {add_module,gone},
                    %% kv_sup: a supervisor's file that differs
                    {update,kv_sup,supervisor},
                    %% logger: an executable that differs; soft, since nobody asked
                    {update,logger},
                    %% server: an executable that differs; it says that it converts states
                    %% linked against format, fresh
                    {update,server,{advanced,[]},[format,fresh]},
                    %% format: a library that differs
                    {load_module,format},
                    %% fresh: not in 1.0.0
                    {delete_module,fresh}]}]}.

                """)
    }

    @Test func whatIsTheSameNeedsNothing() throws {
        let modules: [Atom: AppupProposal.Module] = ["server": Module(kind: .executable, digest: "1")]
        let proposal = try proposal(modules, modules)
        #expect(proposal.up == [])
        #expect(proposal.text().hasSuffix("{\"2.0.0\",\n [{\"1.0.0\",\n   []}],\n [{\"1.0.0\",\n   []}]}.\n"))
    }

    @Test func theTextIsAnAppupWithTheInstructions() throws {
        let proposal = try proposal(
            ["it's": Module(kind: .library, digest: "1"), "gone": Module(kind: .executable, digest: "1")],
            ["it's": Module(kind: .library, digest: "2")])
        let appup = try Appup.parse(Array(proposal.text().utf8), file: "kv.appup")
        #expect(appup.vsn == .string("2.0.0"))
        #expect(appup.up.map(\.version) == [.exactly(.string("1.0.0"))])
        #expect(appup.up[0].script.term == .list(proposal.up.map(\.instruction.term)))
        #expect(appup.down[0].script.term == .list(proposal.down.map(\.instruction.term)))
    }

    /// Of a library that is gone, the older code needs it back; the newer must leave it first.
    @Test func whatTheOlderVersionIsLinkedAgainstCountsOnTheWayDown() throws {
        let proposal = try proposal(
            [
                "server": Module(kind: .executable, digest: "1", linkedAgainst: ["gone"]),
                "gone": Module(kind: .library, digest: "1"),
            ],
            ["server": Module(kind: .executable, digest: "2")])
        #expect(proposal.up.map(\.instruction.description) == ["{update,server}", "{delete_module,gone}"])
        #expect(proposal.down.map(\.instruction.description) == ["{add_module,gone}", "{update,server,[gone]}"])
    }

    @Test func aModuleCannotBecomeOneOfAnotherKind() {
        let error = #expect(throws: AppupProposal.KindError.self) {
            try proposal(
                ["m": Module(kind: .library, digest: "1")], ["m": Module(kind: .executable, digest: "2")])
        }
        #expect(error?.module == "m")
        #expect(error?.old.words == "a library")
        #expect(error?.new.words == "an executable")
    }
}
