import Foundation
import Glibc
import Testing

@testable import Host
@testable import TestSupport

@Suite struct AvailableMemoryTests {
    private static let meminfo = "MemTotal: 16000 kB\nMemAvailable:   8000 kB\nSwapTotal: 2000 kB\nSwapFree: 1000 kB\n"

    /// Control groups as files below a directory of the test's own.
    private func available(_ group: String, _ files: [String: String]) throws -> AvailableMemory? {
        let directory = TemporaryDirectory()
        let all =
            files.map { ("groups/\($0)", $1) } + [
                ("meminfo", Self.meminfo), ("cgroup", "4:memory:/old\n0::\(group)\n"),
            ]
        for (path, text) in all {
            let file = URL(filePath: "\(directory.path)/\(path)")
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try text.write(to: file, atomically: false, encoding: .utf8)
        }
        return AvailableMemory.read(
            meminfo: "\(directory.path)/meminfo", cgroup: "\(directory.path)/cgroup", groups: "\(directory.path)/groups"
        )
    }

    @Test func `the machine's is what is available, and swap`() throws {
        #expect(try available("/", [:]) == AvailableMemory(kibibytes: 9000))
        #expect(try available("/a", ["a/memory.max": "max\n", "a/memory.current": "1024\n"])?.kibibytes == 9000)
    }

    @Test func `a group has its limit less what it uses, without files that are kept`() throws {
        let files = [
            "a/b/memory.max": "4096000\n", "a/b/memory.current": "3072000\n",
            "a/b/memory.stat": "anon 2048000\ninactive_file 512000\nactive_file 512000\n", "a/b/memory.swap.max": "0\n",
        ]
        #expect(try available("/a/b", files) == AvailableMemory(kibibytes: 2000, group: "/a/b"))
    }

    @Test func `the narrowest of a group and those above it counts`() throws {
        let files = [
            "a/memory.max": "1024000\n", "a/memory.current": "1024000\n", "a/memory.swap.max": "102400\n",
            "a/memory.swap.current": "51200\n", "a/b/memory.max": "4096000\n", "a/b/memory.current": "0\n",
        ]
        #expect(try available("/a/b", files) == AvailableMemory(kibibytes: 50, group: "/a"))
    }

    @Test func `this machine says how much`() throws {
        #expect(try #require(AvailableMemory.read()).kibibytes > 0)
    }

    @Test func `what a process has for itself is in its status`() throws {
        let (input, output) = (try PipeEnds(), try PipeEnds())
        let program = "import sys; kept = b'1' * (64 << 20); print(len(kept), flush=True); sys.stdin.read()"
        let child = try Spawned(
            "/usr/bin/python3", ["-c", program], environment: [:],
            descriptors: [input.readEnd, output.writeEnd, 2])
        close(input.readEnd)
        close(output.writeEnd)
        #expect(String(decoding: PipeEnds.readUntil("\n", output.readEnd), as: UTF8.self) == "67108864\n")
        let kibibytes = try #require(ProcessMemory.rssWithoutFilesKiB(pid: child.pid))
        #expect((64 << 10..<128 << 10).contains(kibibytes))
        close(input.writeEnd)
        #expect(child.waitForExit() == 0)
        close(output.readEnd)
        #expect(ProcessMemory.rssWithoutFilesKiB(pid: -1) == nil)
    }
}
