import Foundation
import Glibc
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// The real daemon on a root whose name leads elsewhere later.
@Suite(.timeLimit(.minutes(15))) struct RootNameTests {
    /// Whatever the daemon does later, it does where the name led when it started: in each program that goes on in its place, too.
    @Test func aNameThatLeadsElsewhereLaterChangesNothing() async throws {
        let up = "point_of_no_return, restart_emulator"
        let root = try TestRoot.twoVersions(relup: TestRoot.relup(up: up, down: up))
        let other = try TestRoot()
        defer {
            root.remove()
            other.remove()
        }
        try other.install(vsn: "5.0.0")
        try other.release("5.0.0")
        try other.register(["5.0.0"])
        let name = "\(root.directory)/current"
        try FileManager.default.createSymbolicLink(atPath: name, withDestinationPath: root.root)
        let shell = "p=$1; shift 3; exec \"$p\" --root \(name) \"$@\""
        try await EndToEndDaemon.again(on: root, shell: shell) { daemon in
            #expect(try await daemon.status().root == root.root)
            try Spawned.run("/bin/ln", ["-sfn", other.root, name])
            let pid = try await daemon.workers().first?.pid
            #expect(try await daemon.releasectl("call", TestNode.c1, "crash").exit == 1)
            while try await daemon.workers().first?.pid == pid { await Task.yield() }
            try await daemon.ask("reexec")
            #expect(try await daemon.releaseStatuses().sorted() == ["1.0.0 permanent", "2.0.0 unpacked"])
            #expect(try await daemon.releasectl("install-release", "2.0.0").exit == 4)
            try await daemon.untilReady()
            let status = try await daemon.status()
            #expect(status.release == "2.0.0" && status.root == root.root, "\(status)")
            try await daemon.ask("make-permanent", "2.0.0")
        }
        let data = try String(contentsOfFile: "\(root.root)/releases/start_erl.data", encoding: .utf8)
        #expect(data == "\(Emulator.vsn) 2.0.0\n")
        let untouched = try String(contentsOfFile: "\(other.root)/releases/start_erl.data", encoding: .utf8)
        #expect(untouched == "\(Emulator.vsn) 5.0.0\n")
    }

    @Test func theNameStandsInNoArgumentOfTheNextProgram() {
        func arguments(_ words: String...) -> [String] { Daemon.arguments(of: words, root: "/r") }
        #expect(arguments() == ["--root", "/r"])
        #expect(arguments("--root", "x", "--socket", "s") == ["--root", "/r", "--socket", "s"])
        #expect(arguments("--socket=s", "--root=x", "--root", "y") == ["--root", "/r", "--socket=s"])
    }
}
