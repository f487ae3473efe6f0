import Foundation
import Glibc
import Synchronization
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// How far long work is: lines for who asks for NDJSON, and a bar on a terminal.
@Suite(.timeLimit(.minutes(15))) struct ControlProgressTests {
    private static let clear = "\r\u{1B}[K"
    private static let package = "/srv/kv-2.0.0.tar.gz"

    private static func bar(_ full: Int, of width: Int = 30) -> String {
        "[\(String(repeating: "#", count: full))\(String(repeating: ".", count: width - full))]"
    }

    // MARK: The interface

    private static let body = #"{"package":"\#(package)"}"#

    @Test func whoAsksForLinesGetsThem() async throws {
        try await ControlFixture.run { fixture async throws in
            let answer = try await fixture.lines("POST", "/v1/releases", body: Self.body)
            #expect(answer.status == 201 && answer.headers["content-type"] == "application/x-ndjson")
            let lines = try answer.text.split(separator: "\n").map {
                try JSONDecoder().decode(WorkProgress<ReleaseSummary>.self, from: Data($0.utf8))
            }
            #expect(
                lines == [
                    .progress(WorkStep("unpacking", done: 1_048_576, of: 4_194_304, .bytes)),
                    .progress(WorkStep("checking it")), .result(ControlTestNode.release),
                ])
            let audited = fixture.audit.withLock { $0.map { "\($0.operation) \($0.target) \($0.outcome)" } }
            #expect(audited == ["unpack-release \(Self.package) done"])
        }
    }

    @Test(arguments: ["application/json, application/x-ndjson", "application/json", "*/*", ""])
    func whoNamesTheDocumentFirstGetsThat(accept: String) async throws {
        try await ControlFixture.run { fixture async throws in
            let answer = try await fixture.lines("POST", "/v1/releases", body: Self.body, accept: accept)
            let plain = try await fixture.request("POST", "/v1/releases", body: Self.body)
            #expect(answer.status == 201 && answer.headers["content-type"] == "application/json")
            #expect(answer.text == plain.text)
        }
    }

    @Test func whatFailsAtOnceHasItsStatus() async throws {
        try await ControlFixture.run { fixture async throws in
            let refused = try await fixture.lines("POST", "/v1/releases", body: #"{"package":"/srv/none"}"#)
            #expect(refused.status == 422)
            #expect(try refused.error().code == .packageInvalid)
            let broken = try await fixture.lines("POST", "/v1/releases", body: #"{"package":"/srv/breaks-off.tar.gz"}"#)
            #expect(broken.status == 201)
            #expect(
                broken.text.hasSuffix(
                    #"{"error":{"code":"package_invalid","details":{},"message":"it is damaged\u001b[2J"}}"# + "\n"),
                "\(broken.text)")
            let outcomes = fixture.audit.withLock { $0.map { "\($0.outcome)" } }
            #expect(outcomes.count == 2 && outcomes.allSatisfy { $0.hasPrefix("failed") }, "\(outcomes)")
        }
    }

    // MARK: A terminal

    @Test func aTerminalShowsABarAndIsCleanInTheEnd() async throws {
        try await ControlFixture.run { fixture async throws in
            let unpacked = try await fixture.releasectlOnTerminal(["unpack-release", Self.package])
            #expect(
                unpacked
                    == [
                        "\(Self.clear)unpack-release \(Self.package)",
                        "\(Self.clear)\(Self.bar(7))   25%  unpacking: 4.0 MiB", "\(Self.clear)checking it…",
                        "\(Self.clear)kv 2.0.0 is unpacked\r\n",
                    ].joined())
            let removed = try await fixture.releasectlOnTerminal(["remove-release", "0.9.0"])
            #expect(removed.contains("\(Self.clear)removing lib/kv-0.9.0: 101 files\(Self.clear)0.9.0 is removed\r\n"))
        }
    }

    @Test(arguments: [40, 20, 5] as [UInt16])
    func noLineIsLongerThanTheTerminal(columns: UInt16) async throws {
        try await ControlFixture.run { fixture async throws in
            for arguments in [["unpack-release", Self.package], ["install-release", "2.0.0"]] {
                let run = try await fixture.releasectlOnTerminal(arguments, columns: columns)
                let drawn = run.components(separatedBy: Self.clear).dropLast()
                #expect(drawn.count > 2)
                #expect(drawn.allSatisfy { $0.count < Int(columns) }, "\(drawn)")
            }
        }
    }

    @Test func aFailureStandsOnALineOfItsOwn() async throws {
        try await ControlFixture.run { fixture async throws in
            let run = try await fixture.releasectlOnTerminal(["unpack-release", "/srv/breaks-off.tar.gz"])
            #expect(
                run.hasSuffix(
                    """
                    4.0 MiB\(Self.clear)releasectl: unpack-release /srv/breaks-off.tar.gz: it is damaged\\x{1b}[2J (package_invalid)\r
                      Nothing was changed.\r

                    """), "\(run)")
        }
    }

    @Test func whoIsInterruptedLeavesTheLineClean() async throws {
        try await ControlFixture.run { fixture async throws in
            let (run, exit) = try await fixture.releasectlOnTerminal(
                ["install-release", "waits"], interruptedAt: "1/2 {load_object_code")
            #expect(exit == 128 + SIGINT)
            #expect(run.hasSuffix(Self.clear), "\(run)")
            // The install goes on; the server is let go.
            for await install in fixture.node.waiting.stream {
                install.finish()
                break
            }
        }
    }

    @Test(
        arguments: [
            (["unpack-release", package], ["TERM": "dumb"]), (["unpack-release", package, "--json"], [:]),
            (["install-release", "2.0.0"], ["TERM": "dumb"]), (["install-release", "2.0.0", "--json"], [:]),
        ] as [([String], [String: String])])
    func nothingOfItWhereItCannotBe(arguments: [String], environment: [String: String]) async throws {
        try await ControlFixture.run { fixture async throws in
            let run = try await fixture.releasectlOnTerminal(arguments, environment: environment)
            #expect(!run.contains("\u{1B}") && !run.contains("%"), "\(run)")
            let piped = try await fixture.releasectl(arguments)
            #expect(piped.error == "" && !piped.output.contains("\u{1B}"))
        }
    }

    // MARK: Help

    @Test func theHelpHasEveryCommandInAGroup() async throws {
        let help = try await Releasectl.run(["--help"]).output
        let headings = help.split(separator: "\n").filter { $0.hasSuffix("SUBCOMMANDS:") }.map(String.init)
        #expect(
            headings
                == ["RELEASE", "NODE", "WORKER", "SUPERVISOR", "APPLICATION", "BUILD", "OFFLINE"].map {
                    "\($0) SUBCOMMANDS:"
                }, "\(help)")
        for name in ["install-release", "kill", "logs", "terminate-child", "set-env", "make-tar", "term"] {
            #expect(help.contains("\n  \(name) "), "\(name)")
        }
    }
}
