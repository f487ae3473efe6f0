import Foundation
import Glibc
import Testing

@testable import TestSupport

/// A control group with the pids controller, for a daemon and its workers: root, as the tests may run, has no other limit of tasks.
struct TaskLimit {
    private let path: String

    /// Where one can be made: the hierarchy of the controller alone, or the one of all where the controller is enabled below its root.
    private static let parent: String? = {
        let enabled = try? String(contentsOfFile: "/sys/fs/cgroup/cgroup.subtree_control", encoding: .utf8)
        let candidates = enabled?.split(separator: " ").contains("pids") == true ? ["/sys/fs/cgroup"] : []
        return (["/sys/fs/cgroup/pids"] + candidates).first { access("\($0)/cgroup.procs", W_OK) == 0 }
    }()

    static let obstacle: Comment? = parent == nil ? "no control group with the pids controller can be made here" : nil

    static func with(_ body: (TaskLimit) async throws -> Void) async throws {
        let parent = try #require(Self.parent)
        let limit = TaskLimit(path: "\(parent)/release-handlerd-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(atPath: limit.path, withIntermediateDirectories: false)
        defer { rmdir(limit.path) }
        try await body(limit)
    }

    /// For `EndToEndDaemon.with`.
    var shell: String { "echo $$ > \(path)/cgroup.procs; exec \"$@\"" }

    /// No further task can be made where there are as many by now.
    func set(_ most: Int?) throws {
        try (most.map(String.init) ?? "max").write(toFile: "\(path)/pids.max", atomically: false, encoding: .utf8)
    }
}
