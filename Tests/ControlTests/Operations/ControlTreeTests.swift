import Testing
import Wire

@testable import TestSupport

/// `releasectl tree`, once and again and again.
@Suite(.timeLimit(.minutes(15))) struct ControlTreeTests {
    private static let table = """
        NAME                 TYPE         STATE      PID  GEN  VSN    RESTARTS   MEMORY    AGE
        kv                   application  running              1.0.0
        └─ kv_sup            one_for_one  running
           ├─ store          worker       running     31    2  1.0.0         1  912 KiB  1m05s
           ├─ pool_sup       one_for_all  running
           │  └─ deep        worker       suspended   33    2  1.0.0         1  912 KiB  1m05s
           └─ gone\\x{1b}[2J  worker       undefined            1.0.0         3  912 KiB  1m05s

        """

    @Test func drawsTheTree() async throws {
        try await ControlFixture.run { fixture async throws in
            #expect(try await fixture.releasectl("tree").output == Self.table)
        }
    }

    @Test func whatMattersMostStaysOnANarrowTerminal() async throws {
        try await ControlFixture.run { fixture async throws in
            let run = try await fixture.releasectl(["tree"], environment: ["COLUMNS": "44"])
            #expect(
                run.output == """
                    NAME              STATE      RESTARTS    AGE
                    kv                running
                    └─ kv_sup         running
                       ├─ store       running           1  1m05s
                       ├─ pool_sup    running
                       │  └─ deep     suspended         1  1m05s
                       └─ gone\\x{1b…  undefined         3  1m05s

                    """)
        }
    }

    /// Into a pipe each drawing follows the one before, behind the time.
    @Test func watchIntoAPipe() async throws {
        try await ControlFixture.run { fixture async throws in
            let run = try await fixture.releasectl("tree", "--watch", "--interval", "0.1", "--count", "3")
            #expect(run.exit == 0)
            let lines = run.output.split(separator: "\n", omittingEmptySubsequences: false)
            let times = lines.filter { $0.hasPrefix("20") && $0.hasSuffix("Z") }
            #expect(times.count == 3)
            #expect(!run.output.contains("\u{1B}"))
            var drawings = run.output
            for time in Set(times) { drawings = drawings.replacing(time + "\n", with: "") }
            #expect(drawings == [Self.table, Self.table, Self.table].joined(separator: "\n"))
            let json = try await fixture.releasectl(
                "tree", "--watch", "--interval", "0.1", "--count", "2", "--json")
            #expect(json.output.split(separator: "\n").count == 2)
        }
    }

    /// On a terminal it is drawn over itself, no line wider than it and no more lines than it has.
    @Test func watchOnATerminal() async throws {
        try await ControlFixture.run { fixture async throws in
            let run = try await fixture.releasectlOnTerminal(
                ["tree", "--watch", "--interval", "0.1", "--count", "2"], environment: ["NO_COLOR": "1"])
            #expect(run.hasPrefix("\u{1B}[2J\u{1B}[Hevery 0.1 s, 20"))
            let drawings = run.split(separator: "\u{1B}[H")
            #expect(drawings.count == 3)
            #expect(drawings[2].contains("├─ store          worker       running     31"), "\(drawings[2])")
            #expect(drawings[2].hasSuffix("\u{1B}[K\r\n\u{1B}[J"))
            let low = try await fixture.releasectlOnTerminal(
                ["tree", "--watch", "--count", "1"], environment: ["NO_COLOR": "1"], rows: 5)
            #expect(low.contains("… 5 more lines"), "\(low)")
            #expect(!low.contains("pool_sup"))
            let dumb = try await fixture.releasectlOnTerminal(
                ["tree", "--watch", "--count", "1"], environment: ["TERM": "dumb"])
            #expect(!dumb.contains("\u{1B}"))
        }
    }

    @Test func optionsThatMeanNothing() async throws {
        try await ControlFixture.run { fixture async throws in
            for arguments in [["--count", "2"], ["--watch", "--count", "0"], ["--watch", "--interval", "0"]] {
                #expect(try await fixture.releasectl(["tree"] + arguments).exit == 64)
            }
        }
    }
}
