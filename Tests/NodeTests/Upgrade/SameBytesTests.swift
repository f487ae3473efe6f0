import Foundation
import Glibc
import Host
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport
import ReleaseHandling
import Instructions
import Terms

/// The same bytes are the same code: put back under a running worker's file, and in the directory of another version.
@Suite(.timeLimit(.minutes(15))) struct SameBytesTests {
    /// Two versions of the application whose worker is byte for byte one, with another `priv` each.
    static func privOnly(relup: String) throws -> TestRoot {
        let root = try TestRoot()
        for vsn in ["1.0.0", "2.0.0"] {
            try root.write("lib/fix-\(vsn)/ebin/counter", try Project.pythonWorker(vsn: "1.0.0"))
            chmod("\(root.root)/lib/fix-\(vsn)/ebin/counter", 0o755)
            try root.write("lib/fix-\(vsn)/priv/index", "page \(vsn)\n")
        }
        try root.release("1.0.0")
        try root.release("2.0.0", relup: relup)
        try root.register(["1.0.0", "2.0.0"])
        return root
    }

    private static func kill(_ test: TestNode) async throws {
        let before = await test.events.last
        Glibc.kill(try await test.pid(), SIGKILL)
        _ = try await test.events.first("worker_started", worker: TestNode.c1, after: before)
    }

    @Test func aWorkerWhoseFileWasPutBackStartsAgain() async throws {
        let root = try Self.privOnly(relup: TestRoot.relup(up: "point_of_no_return"))
        try await TestNode.with(root) { test async throws in
            let file = "\(test.root.root)/lib/fix-1.0.0/ebin/counter"
            #expect(utimes(file, [timeval(tv_sec: 1, tv_usec: 0), timeval(tv_sec: 1, tv_usec: 0)]) == 0)
            try await Self.kill(test)
            try FileManager.default.copyItem(atPath: file, toPath: "\(file).new")
            #expect(rename("\(file).new", file) == 0)
            try await Self.kill(test)
            #expect(try await test.call("get") == "0")
        }
    }

    /// Between the reading and the start of its process.
    @Test func aStandbyWhoseFileWasPutBackIsStarted() async throws {
        try await TestNode.with(try Self.privOnly(relup: TestRoot.relup(up: TestRoot.up()))) { test async throws in
            let file = "\(test.root.root)/lib/fix-2.0.0/ebin/counter"
            try await { @HostActor in
                let library = try #require(test.node.store.table.releases.releases.last?.libraries.first)
                let code = try test.node.code.reader.read("counter", of: library)
                test.node.code.keep(code)
                #expect(utimes(file, [timeval(tv_sec: 1, tv_usec: 0), timeval(tv_sec: 1, tv_usec: 0)]) == 0)
                #expect(test.node.code.isTouched(code.version))
                await test.node.code.readAgain(code.version)
                #expect(!test.node.code.isTouched(code.version))
            }()
            #expect(try await test.install("2.0.0").outcome == .done)
        }
    }

    @Test func otherBytesUnderItsFileAreRefused() async throws {
        let root = try Self.privOnly(relup: TestRoot.relup(up: "point_of_no_return"))
        try await TestNode.with(root) { test async throws in
            _ = try await test.service.terminateChild(supervisor: "fix_sup", id: "c1", peer: TestNode.peer)
            try test.root.write("lib/fix-1.0.0/ebin/counter", try Project.pythonWorker(vsn: "9"))
            chmod("\(test.root.root)/lib/fix-1.0.0/ebin/counter", 0o755)
            let refusal = await test.refusal {
                try await test.service.restartChild(supervisor: "fix_sup", id: "c1", peer: TestNode.peer)
            }
            #expect(refusal.contains("the file was changed since it was checked; load it again"), "\(refusal)")
        }
    }

    /// Nothing is loaded by the script: the worker runs on, and moves when it starts again.
    @Test func aWorkerMovesToTheNewDirectoryWithItsNextStart() async throws {
        let root = try Self.privOnly(relup: TestRoot.relup(up: "point_of_no_return", down: "point_of_no_return"))
        try await TestNode.with(root) { test async throws in
            let pid = try await test.pid()
            #expect(try await test.install("2.0.0").outcome == .done)
            #expect(try await test.pid() == pid)
            #expect(try await test.call("{priv, index}") == "\"page 1.0.0\"")
            _ = try await test.service.makePermanent(vsn: "2.0.0", peer: TestNode.peer)
            let refusal = await test.refusal {
                try await test.service.removeRelease(vsn: "1.0.0", peer: TestNode.peer)
            }
            #expect(
                refusal == """
                    busy: release 1.0.0 can't be removed: fix/fix_sup/c1 runs from lib/fix-1.0.0; it is free once that \
                    has ended or started again
                    """)
            try await Self.kill(test)
            #expect(try await test.call("{priv, index}") == "\"page 2.0.0\"")
            try await test.service.removeRelease(vsn: "1.0.0", peer: TestNode.peer)
            // It is found there from now on, and nothing is old by it.
            await { @HostActor in
                #expect(test.node.code.table.current["counter"]?.libraryVsn == "2.0.0")
                #expect(test.node.code.table.old["counter"] == nil)
            }()
            try await Self.kill(test)
            #expect(try await test.call("{priv, index}") == "\"page 2.0.0\"")
        }
    }

    /// An `update` of a worker whose program is the same hands its state to a new process in the new directory.
    @Test func anUpdateOfTheSameBytesBringsTheWorkerAndItsStateIntoTheNewDirectory() async throws {
        let root = try Self.privOnly(relup: TestRoot.relup(up: TestRoot.up(), down: TestRoot.down()))
        try await TestNode.with(root) { test async throws in
            let pid = try await test.pid()
            _ = try await test.call("{add, 7}")
            #expect(try await test.install("2.0.0").outcome == .done)
            #expect(try await test.pid() != pid)
            #expect(try await test.call("get") == "7")
            #expect(try await test.call("{priv, index}") == "\"page 2.0.0\"")
            #expect(try await test.install("1.0.0").outcome == .done)
            #expect(try await test.call("get") == "7")
            #expect(try await test.call("{priv, index}") == "\"page 1.0.0\"")
        }
    }
}
