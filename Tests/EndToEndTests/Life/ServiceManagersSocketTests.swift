import Foundation
import Glibc
import Host
import Testing
import Wire

@testable import TestSupport

/// The real daemon is given its control socket, as by `release-handlerd.socket`.
@Suite(.timeLimit(.minutes(15))) struct ServiceManagersSocketTests {
    /// Listens at what `--socket` names and becomes the daemon, which finds that as descriptor 3. Source: sd_listen_fds(3).
    private static let shell = """
        exec python3 -c '
        import os, socket, sys
        control = socket.socket(socket.AF_UNIX)
        control.bind(sys.argv[sys.argv.index("--socket") + 1])
        control.listen()
        if control.fileno() != 3: os.dup2(control.fileno(), 3)
        os.set_inheritable(3, True)
        os.environ.update(LISTEN_FDS="1", LISTEN_FDNAMES="control", LISTEN_PID=str(os.getpid()))
        os.execv(sys.argv[1], sys.argv[1:])' "$@"
        """

    @Test func itIsKeptByReexecutionsAndRestartsAndLeftAtTheEnd() async throws {
        let restart = "point_of_no_return, restart_emulator"
        let root = try TestRoot.twoVersions(relup: TestRoot.relup(up: restart, down: restart))
        defer { root.remove() }
        let path = "\(root.directory)/control.sock"
        let file = try await EndToEndDaemon.again(on: root, shell: Self.shell) { daemon in
            let file = try FileStatus(ofLink: path).identity.inode
            // Who connects to a socket that is there before the daemon waits for it: once it answers it has all that it has.
            let worker = try await daemon.workers().first?.pid
            let descriptors = try Self.descriptors(of: daemon)
            for _ in 0..<3 { try await daemon.ask("reexec") }
            #expect(try await daemon.workers().first?.pid == worker)
            let after = try Self.descriptors(of: daemon)
            #expect(after == descriptors, "none is left over")
            // Another run in the same process: who connects before it listens again waits for it.
            let install = try await daemon.releasectl("install-release", "2.0.0")
            #expect(install.exit == 4, "\(install)")
            #expect(try await daemon.releasectl("status").exit == 0)
            try await daemon.untilReady()
            #expect(try await daemon.status().release == "2.0.0")
            try await daemon.ask("reexec")
            let last = try Self.descriptors(of: daemon)
            #expect(last == descriptors)
            #expect(try await daemon.status().pid == daemon.program.pid)
            #expect(try FileStatus(ofLink: path).identity.inode == file)
            return file
        }
        #expect(try FileStatus(ofLink: path).identity.inode == file, "it is the service manager's to remove")
    }

    /// Listening unix sockets that the daemon has: the one that was given, and the control server's copy.
    private static func descriptors(of daemon: EndToEndDaemon) throws -> Int {
        let directory = "/proc/\(daemon.program.pid)/fd"
        // It is there; but who reads that file in parts, while sockets come and go, may miss it.
        var listening: Set<String> = []
        while listening.isEmpty {
            listening = Set(
                try String(contentsOfFile: "/proc/net/unix", encoding: .utf8).split(separator: "\n")
                    .filter { $0.hasSuffix(" \(daemon.controlSocket)") && $0.contains(" 00010000 ") }
                    .map { "socket:[\($0.split(separator: " ")[6])]" })
        }
        return try FileManager.default.contentsOfDirectory(atPath: directory)
            .compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "\(directory)/\($0)") }
            .count { listening.contains($0) }
    }
}
