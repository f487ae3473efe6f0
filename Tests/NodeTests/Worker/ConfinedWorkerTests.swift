import Foundation
import Glibc
import Host
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// Workers that are confined by their child specs are supervised, handed over and re-executed beside as any.
@Suite(.enabled(if: getuid() == 0), .timeLimit(.minutes(15))) struct ConfinedWorkerTests {
    private static let all = """
        no_new_privs => true, capabilities => [cap_net_bind_service], private_tmp => true, protect_system => strict,
        read_write_paths => ["/run"], seccomp => strict, user => nobody
        """

    private static func child(_ keys: String) -> String {
        """
        [#{id => c1, start => {counter, start_link, []}, sockets => [#{name => lines, listen => "127.0.0.1:0"}], \(keys)}]
        """
    }

    /// Fields of a process' status.
    private static func status(_ pid: Int32, _ names: [String]) throws -> [String] {
        let text = String(decoding: try FileContents.read("/proc/\(pid)/status", limit: 1 << 16), as: UTF8.self)
        return names.map { name in
            let line = text.split(separator: "\n").first { $0.hasPrefix("\(name):\t") }
            return line.map { String($0.dropFirst(name.count + 2)) } ?? ""
        }
    }

    private static func expectConfined(_ pid: Int32) throws {
        let found = try status(pid, ["CapPrm", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"])
        #expect(found == [String](repeating: "0000000000000400", count: 3) + ["1", "2"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/root/tmp") == [])
        let mounts = String(decoding: try FileContents.read("/proc/\(pid)/mountinfo", limit: 1 << 20), as: UTF8.self)
        let root = mounts.split(separator: "\n").last { $0.split(separator: " ")[4] == "/" }
        #expect(root?.split(separator: " ")[5].hasPrefix("ro") == true, "\(mounts)")
    }

    /// Its state, a connection with half a request, and the descriptors of both come over under all of them.
    @Test func aWorkerUnderAllKeysIsHandedOver() async throws {
        let root = try TestRoot.twoVersions(children: Self.child(Self.all))
        chmod(root.directory, 0o755)
        try await TestNode.with(root) { test async throws in
            let before = try await test.pid()
            try Self.expectConfined(before)
            let client = try LineClient(port: try await test.port())
            #expect(try await client.ask("mark hello") == "ok")
            #expect(try await client.ask("add 5") == "5")
            try client.send("ge")
            for vsn in ["2.0.0", "1.0.0"] {
                let result = try await test.install(vsn)
                #expect(result.outcome == .done && result.warnings == [], "\(result)")
                #expect(try await test.call("vsn") == "\"\(vsn)\"")
                try Self.expectConfined(try await test.pid())
            }
            try client.send("t\nvsn\n")
            #expect(try await client.line() == "5")
            #expect(try await client.line() == "1.0.0")
            #expect(try await client.ask("marked") == "hello")
            #expect(try await test.pid() != before)
        }
    }

    private static func group(_ mode: String, _ vsn: String) -> String {
        """
        {load_object_code, {fix, "\(vsn)", [fix_sup, counter]}}, point_of_no_return, {suspend, [fix_sup, counter]},
        {load, {fix_sup, brutal_purge, brutal_purge}}, {load, {counter, brutal_purge, brutal_purge}},
        {code_change, \(mode), [{fix_sup, []}, {counter, []}]}, {resume, [counter, fix_sup]}
        """
    }

    /// The process that takes over is confined by its new spec, and by the old one again on the way back.
    @Test func aStandbyIsConfinedByItsNewSpec() async throws {
        let root = try TestRoot()
        for vsn in ["1.0.0", "2.0.0"] { try root.install(vsn: vsn) }
        try root.release("1.0.0", children: Self.child("no_new_privs => false"))
        try root.release(
            "2.0.0", children: Self.child(Self.all),
            relup: TestRoot.relup(up: Self.group("up", "2.0.0"), down: Self.group("down", "1.0.0")))
        try root.register(["1.0.0", "2.0.0"])
        chmod(root.directory, 0o755)
        try await TestNode.with(root) { test async throws in
            let plain = try Self.status(try await test.pid(), ["CapPrm", "NoNewPrivs", "Seccomp"])
            _ = try await test.call("{add, 5}")
            let up = try await test.install("2.0.0")
            #expect(up.outcome == .done && up.warnings == [], "\(up)")
            try Self.expectConfined(try await test.pid())
            #expect(try await test.call("get") == "5")
            #expect(try await test.install("1.0.0").outcome == .done)
            #expect(try Self.status(try await test.pid(), ["CapPrm", "NoNewPrivs", "Seccomp"]) == plain)
            #expect(try await test.call("get") == "5")
        }
    }

    /// Only the supervisor is changed: what runs on is told, by key.
    @Test func whoRunsOnUnconfinedIsTold() async throws {
        let root = try TestRoot()
        for vsn in ["1.0.0", "2.0.0"] { try root.install(vsn: vsn) }
        try root.release("1.0.0", children: Self.child("no_new_privs => false"))
        let up = """
            {load_object_code, {fix, "2.0.0", [fix_sup]}}, point_of_no_return, {suspend, [fix_sup]},
            {load, {fix_sup, brutal_purge, brutal_purge}}, {code_change, up, [{fix_sup, []}]}, {resume, [fix_sup]}
            """
        try root.release(
            "2.0.0", children: Self.child("capabilities => [], seccomp => strict"), relup: TestRoot.relup(up: up))
        try root.register(["1.0.0", "2.0.0"])
        try await TestNode.with(root) { test async throws in
            let sentence = """
                fix/fix_sup/c1: runs on with the capabilities and seccomp that it was started with: its new spec counts from \
                its next start on
                """
            #expect(try await test.service.checkInstallRelease(vsn: "2.0.0").warnings == [sentence])
            #expect(try await test.install("2.0.0").warnings == [sentence])
        }
    }

    @Test func whatCantBeConfinedIsNotStarted() async throws {
        try await TestNode.with(try SupervisionProcessTests.oneVersion(children: TestRoot.oneCounter)) {
            test async throws in
            let before = try await test.pid()
            let spec = """
                #{id => p1, start => {os, start, ["/bin/sleep", "1000"]}, modules => [], protect_system => full,
                  read_write_paths => ["/no/such/path"]}
                """
            let refusal = await test.refusal {
                try await test.service.startChild(supervisor: "fix_sup", spec: spec, peer: TestNode.peer)
            }
            #expect(
                refusal == """
                    child_start_failed: child p1 of fix/fix_sup could not be started: {launch,<<"can't start /bin/sleep: \
                    read_write_paths: /no/such/path: No such file or directory">>}
                    """)
            #expect(try await test.pid() == before)
        }
    }
}
