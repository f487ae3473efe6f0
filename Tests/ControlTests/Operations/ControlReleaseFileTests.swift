import ReleaseHandlerD
import Synchronization
import Testing
import Wire

@testable import TestSupport

/// Releases by hand over the real server, with the real `releasectl`.
@Suite(.timeLimit(.minutes(15))) struct ControlReleaseFileTests {
    @Test func releasesOfOneStatus() async throws {
        try await ControlFixture.run { fixture async throws in
            let old = try await fixture.releasectl("which-releases", "old")
            #expect(old.output == "RELEASE  VSN  STATUS  ERTS  APPLICATIONS\n")
            let unpacked = try await fixture.releasectl("which-releases", "unpacked")
            #expect(
                unpacked.output == """
                    RELEASE  VSN    STATUS    ERTS   APPLICATIONS
                    kv       2.0.0  unpacked  0.1.0  kv-2.0.0

                    """)
            #expect(try await fixture.releasectl("which-releases", "odd").exit == 64)
            let odd = try await fixture.request("GET", "/v1/releases/status/odd")
            #expect(odd.status == 400)
            #expect(odd.text.contains("give one of unpacked, current, permanent, old, tmp_current"), "\(odd.text)")
        }
    }

    @Test func changesAreMadeAndAudited() async throws {
        try await ControlFixture.run { fixture async throws in
            let commands: [([String], String)] = [
                (["reboot-old-release", "2.0.0"], "kv 2.0.0 is permanent, and the node restarts into it\n"),
                (["set-unpacked", "/srv/kv.rel"], "kv 2.0.0 is unpacked\n"),
                (["set-unpacked", "/srv/kv.rel", "[{kv, \"2.0.0\", \"/opt\"}]"], "kv 2.0.0 is unpacked\n"),
                (["set-removed", "2.0.0"], "2.0.0 is forgotten, and its files stay\n"),
                (["install-file", "2.0.0", "/srv/relup"], "releases/2.0.0/relup is there\n"),
            ]
            for (arguments, output) in commands {
                let run = try await fixture.releasectl(arguments)
                #expect(run == Releasectl(exit: 0, output: output))
            }
            #expect(
                fixture.node.registered.withLock { $0 } == [
                    SetUnpackedRequest(releaseFile: "/srv/kv.rel"),
                    SetUnpackedRequest(
                        releaseFile: "/srv/kv.rel",
                        applications: [.init(name: "kv", vsn: "2.0.0", directory: "/opt")]),
                ])
            let records = fixture.audit.withLock { $0 }
            #expect(
                records.map { "\($0.operation) \($0.target)" } == [
                    "reboot-old-release 2.0.0", "set-unpacked /srv/kv.rel", "set-unpacked /srv/kv.rel",
                    "set-removed 2.0.0", "install-file 2.0.0 /srv/relup",
                ])
            #expect(records.allSatisfy { $0.outcome == .done })
        }
    }

    /// The daemon has another working directory than who asks.
    @Test func aRelativePathIsMadeAbsolute() async throws {
        try await ControlFixture.run { fixture async throws in
            let run = try await fixture.releasectl("set-unpacked", "here/kv.rel", "[{kv, \"2.0.0\", \"lib\"}]")
            #expect(run.exit == 0, "\(run)")
            let asked = try #require(fixture.node.registered.withLock { $0.first })
            #expect(asked.releaseFile.hasPrefix("/") && asked.releaseFile.hasSuffix("/here/kv.rel"))
            #expect(asked.applications.first?.directory.hasSuffix("/lib") == true)
            #expect(asked.applications.first?.directory.hasPrefix("/") == true)
        }
    }

    @Test func whatIsWrongIsToldApart() async throws {
        try await ControlFixture.run { fixture async throws in
            let appdirs = try await fixture.releasectl("set-unpacked", "/srv/kv.rel", "[kv]")
            #expect(
                appdirs
                    == Releasectl(
                        exit: 64, output: "",
                        error: """
                            releasectl: set-unpacked: [kv] is no list of {App, Vsn, Dir}
                              Write it as in Erlang and quote it for the shell: '[{kv, "2.0.0", "/opt/lib"}]'.

                            """))
            #expect(try await fixture.releasectl("reboot-old-release", "9").exit == 2)
            #expect(try await fixture.releasectl("set-removed", "9").exit == 2)
            for command in [["reboot-old-release", "2.0.0"], ["set-unpacked", "/x"], ["set-removed", "2.0.0"]] {
                let run = try await fixture.releasectlAsStranger(command)
                #expect(run.exit == 2)
                #expect(run.error.contains("(forbidden)"), "\(run.error)")
            }
            let stranger = try await fixture.releasectlAsStranger("install-file", "2.0.0", "/srv/relup")
            #expect(stranger.error.contains("(forbidden)"), "\(stranger.error)")
            #expect(try await fixture.releasectlAsStranger("which-releases", "unpacked").exit == 0)
        }
    }
}
