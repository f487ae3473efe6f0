import Testing

@testable import TestSupport

/// What people see, word for word: the real releasectl against the real daemon.
@Suite(.timeLimit(.minutes(15))) struct EndToEndTranscriptTests {
    @Test func anUpgradeAndItsWayBack() async throws {
        let children = """
            [#{id => c1, start => {counter, start_link, []},
               sockets => [#{name => lines, listen => "127.0.0.1:0"}]},
             #{id => c2, start => {counter, start_link, []}}]
            """
        try await EndToEndDaemon.with(try .twoVersions(children: children)) { daemon async throws in
            try await Transcript("upgrade").replay(with: daemon)
        }
    }

    @Test func whatGoesWrong() async throws {
        let root = try TestRoot.twoVersions(extra: "throw")
        try root.install(vsn: "3.0.0")
        try root.release("3.0.0", relup: "{\"3.0.0\", [{\"2.0.0\", [], []}], []}.")
        try root.register(["1.0.0", "2.0.0", "3.0.0"])
        try await EndToEndDaemon.with(root) { daemon async throws in
            try await Transcript("failure").replay(with: daemon)
        }
    }
}
