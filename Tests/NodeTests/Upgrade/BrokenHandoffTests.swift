import Foundation
import Glibc
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// Workers in another language that do not keep to the handoff: what the protocol document says of it.
@Suite(.timeLimit(.minutes(15))) struct BrokenHandoffTests {
    /// Two versions of the Python worker; `spoil` is what is wrong with the text of one of them.
    static func root(
        spoil vsn: String, _ what: String, _ with: String, children: String = TestRoot.oneCounter
    ) throws -> TestRoot {
        let root = try TestRoot.twoVersions(children: children)
        for version in ["1.0.0", "2.0.0"] {
            let file = "lib/fix-\(version)/ebin/counter"
            let text = try Project.pythonWorker(vsn: version)
            try #require(text.contains(what))
            try FileManager.default.removeItem(atPath: "\(root.root)/\(file)")
            try root.write(file, version == vsn ? text.replacing(what, with: with) : text)
            chmod("\(root.root)/\(file)", 0o755)
        }
        return root
    }

    static let exported = "Atom(\"descriptors\"): len(raw)}))"

    /// The limit is an hour: only the counts can end it.
    @Test func announcedCountsThatCannotComeTrueFailAtOnce() async throws {
        let root = try Self.root(spoil: "1.0.0", Self.exported, "Atom(\"descriptors\"): 20}))")
        try await TestNode.with(root) { test async throws in
            await test.limitCodeChange(to: 3_600_000)
            _ = try await test.call("{add, 5}")
            let before = try await test.pid()
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .aborted, "\(result)")
            let reason = try #require(result.reason)
            #expect(reason.hasPrefix("code_change of counter failed in fix/fix_sup/c1: {protocol_error,"), "\(reason)")
            let size = try #require(reason.firstMatch(of: /a state of (\d+) bytes and 20/)?.1)
            let sentence =
                "export announced a state of \(size) bytes and 20 descriptors, but a state of \(size) bytes and 0 "
                + "descriptors came"
            #expect(reason.contains(sentence), "\(reason)")
            #expect(try await test.pid() == before)
            #expect(try await test.call("get") == "5")
        }
    }

    static let resume = """
            def resume(self, ref):
                self.status = "running"
                self.ok(ref)
        """
    static let dies = """
            def resume(self, ref):
                self.status = "running"
                os._exit(7)
        """

    /// It may have read from its connections, so the old process does not go on with them.
    @Test func aWorkerThatEndsBeforeItSaysThatItGoesOnHasDied() async throws {
        try await Self.expectDeath(of: Self.dies, "{resume_failed,{exit_status,7}}")
    }

    @Test func soHasOneThatSaysNothing() async throws {
        let hangs = """
                def resume(self, ref):
                    if self.status == "imported":
                        return
                    self.status = "running"
                    self.ok(ref)
            """
        try await Self.expectDeath(of: hangs, "{resume_failed,{timeout,500}}", resumeMilliseconds: 500)
    }

    private static func expectDeath(
        of method: String, _ reason: String, resumeMilliseconds: Int? = nil
    ) async throws {
        let root = try Self.root(spoil: "2.0.0", Self.resume, method)
        try await TestNode.with(root) { test async throws in
            if let resumeMilliseconds {
                await test.limitResume(to: resumeMilliseconds)
            }
            _ = try await test.call("{add, 5}")
            let old = ProcessExit(of: try await test.pid())
            async let result = test.install("2.0.0")
            let exited = try await test.events.first("worker_exited", worker: TestNode.c1)
            #expect(exited.fields["reason"] == reason)
            try await old.passed("the old process")
            _ = try await result
        }
    }

    /// By its own word it has not gone on: the old process is whole.
    @Test func aWorkerThatSaysThatItCannotGoOnLeavesTheOldProcess() async throws {
        let refuses = """
                def resume(self, ref):
                    self.error(ref, Atom("not_today"))
            """
        let root = try Self.root(spoil: "2.0.0", Self.resume, refuses)
        try await TestNode.with(root) { test async throws in
            _ = try await test.call("{add, 5}")
            let before = try await test.pid()
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .aborted, "\(result)")
            #expect(result.reason?.contains("not_today") == true, "\(result)")
            #expect(try await test.pid() == before)
            #expect(try await test.call("get") == "5")
        }
    }
}
