import Foundation
import Glibc

enum ProcessGroup {
    /// Processes of a group that have not ended; those that only wait for their parent to see it have.
    static func alive(_ group: pid_t) throws -> [pid_t] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { pid_t($0) }.filter { pid in
            guard getpgid(pid) == group else { return false }
            let status = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
            return status.map { !$0.contains(") Z ") && !$0.contains(") X ") } ?? false
        }
    }
}
