import Foundation
import Glibc
import Testing
import Wire

@testable import TestSupport

/// The real daemon: a release that can't be taken back by a script is left by a restart under the same pid.
@Suite(.timeLimit(.minutes(5))) struct ProbationRestartTests {
    @Test func theDaemonExecutesItselfAgainIntoThePermanentRelease() async throws {
        let root = try ProbationTests.versions(flags: "#{intensity => 0, period => 60}")
        defer { root.remove() }
        let daemon = try DaemonProcess(root)
        defer { daemon.kill() }
        try await daemon.log("release 1.0.0 runs")
        #expect(try await daemon.status().release == "1.0.0")
        #expect(try await daemon.releasectl("install-release", "2.0.0").exit == 0)
        #expect(try await daemon.status().release == "2.0.0")
        #expect(try await daemon.releasectl("call", TestNode.c1, "crash").exit == 1)
        try await daemon.log(
            "executing itself again: release 2.0.0 failed its probation: supervisor fix/fix_sup gave up")
        try await daemon.log("release 1.0.0 runs")
        let status = try await daemon.status()
        #expect(status.release == "1.0.0")
        #expect(status.permanent == "1.0.0")
        #expect(status.pid == daemon.process.processIdentifier)
        daemon.process.terminate()
        try await daemon.log(nil)
        #expect(try await daemon.exitStatus() == 0)
    }
}

/// `release-handlerd` with a control socket of its own, its log read line by line.
final class DaemonProcess: @unchecked Sendable {
    let process = Process()
    private let socket: String
    private let errors = Pipe()
    /// What was read and belongs to no whole line yet.
    private var rest: [UInt8] = []

    init(_ root: TestRoot) throws {
        socket = "\(root.directory)/control.sock"
        process.executableURL = URL(filePath: Project.product("release-handlerd"))
        process.arguments = ["--root", root.root, "--socket", socket]
        var environment = ProcessInfo.processInfo.environment
        for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "JOURNAL_STREAM"] { environment[name] = nil }
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        process.standardError = errors
        try process.run()
        // Ours would keep the end of the log from being seen.
        try errors.fileHandleForWriting.close()
    }

    func kill() { if process.isRunning { Glibc.kill(process.processIdentifier, SIGKILL) } }

    func exitStatus() async throws -> Int32 {
        try await offPool { [self] in
            process.waitUntilExit()
            return process.terminationStatus
        }
    }

    func releasectl(_ arguments: String...) async throws -> Releasectl {
        try await Releasectl.run(arguments, environment: ["RELEASE_HANDLER_SOCKET": socket])
    }

    /// The control interface comes up beside the node: asked until it answers.
    func status() async throws -> NodeStatus {
        while process.isRunning {
            let answer = try await releasectl("status", "--json")
            if answer.exit == 0 { return try JSONDecoder().decode(NodeStatus.self, from: Data(answer.output.utf8)) }
        }
        throw Ended()
    }

    /// Awaits a line of the log that contains the text; nil is its end.
    func log(_ text: String?) async throws {
        try await offPool { [self] in
            while let line = try nextLine() { if let text, line.contains(text) { return } }
            if text != nil { throw Ended() }
        }
    }

    private func nextLine() throws -> String? {
        let descriptor = errors.fileHandleForReading.fileDescriptor
        while true {
            if let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                defer { rest.removeSubrange(...end) }
                return String(decoding: rest[..<end], as: UTF8.self)
            }
            // No test waits for ever: a daemon that says nothing fails the test instead.
            var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            try #require(poll(&request, 1, 60_000) == 1, "the daemon logged nothing within the limit")
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = read(descriptor, &buffer, buffer.count)
            if count <= 0 { return nil }
            rest += buffer[..<count]
        }
    }

    struct Ended: Error {}
}
