import Foundation
import Glibc
import Testing

@testable import TestSupport

/// A control group of version 2 as a service manager leaves one to its service.
struct DelegatedGroup {
    let path: String

    /// The root of the hierarchy, where groups can be made here.
    private static let parent = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].first {
        access("\($0)/cgroup.controllers", F_OK) == 0 && access("\($0)/cgroup.procs", W_OK) == 0
    }

    static let obstacle: Comment? = parent == nil ? "no control group of version 2 can be made here" : nil
    /// Why no bound on memory can be had here.
    static let memoryObstacle: Comment? = {
        let enabled = parent.flatMap { try? String(contentsOfFile: "\($0)/cgroup.subtree_control", encoding: .utf8) }
        return enabled?.contains("memory") == true
            ? nil : "the memory controller is not in the hierarchy of version 2 here"
    }()

    static func with(_ body: (DelegatedGroup) async throws -> Void) async throws {
        let parent = try #require(Self.parent)
        let group = DelegatedGroup(path: "\(parent)/release-handlerd-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(atPath: group.path, withIntermediateDirectories: false)
        defer {
            // Nothing of it goes on, however the test ended.
            try? "1".write(toFile: "\(group.path)/cgroup.kill", atomically: false, encoding: .utf8)
            for name in group.names { rmdir("\(group.path)/\(name)") }
            rmdir(group.path)
        }
        // As systemd marks what it delegates.
        let mark = "import os, sys; os.setxattr(sys.argv[1], 'user.delegate', b'1')"
        let run = try await Program.run("/usr/bin/python3", ["-c", mark, group.path])
        try #require(run.exit == 0, "\(run)")
        try await body(group)
    }

    /// For `EndToEndDaemon.with`.
    var shell: String { "echo $$ > \(path)/cgroup.procs; exec \"$@\"" }

    /// The groups in it.
    var names: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.filter { $0 == "daemon" || $0.hasPrefix("worker-") }.sorted()
    }

    /// That in which a process stands, of those in it.
    func name(of pid: pid_t) throws -> String {
        let text = try String(contentsOfFile: "/proc/\(pid)/cgroup", encoding: .utf8)
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("0::") })
        return String(try #require(line.split(separator: "/").last))
    }

    func members(_ name: String) throws -> [pid_t] {
        try String(contentsOfFile: "\(path)/\(name)/cgroup.procs", encoding: .utf8).split(separator: "\n")
            .compactMap { pid_t($0) }
    }
}
