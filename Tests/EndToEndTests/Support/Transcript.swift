import Foundation
import Testing

@testable import TestSupport

/// Commands and what they print, as people reviewed it: `golden/NAME.transcript`.
///
/// A line that begins with `$ ` is a command for the shell; what it prints follows, then `[exit N]` where N is not 0.
/// One that begins with `%` is a comment.
/// With `REWRITE_GOLDEN=1` in the environment the file is written anew, to be reviewed before it is kept.
struct Transcript {
    private let file: URL

    init(_ name: String) {
        file = Project.root.appending(path: "Tests/EndToEndTests/golden/\(name).transcript")
    }

    func replay(with daemon: EndToEndDaemon) async throws {
        let golden = try String(contentsOf: file, encoding: .utf8)
        var found = ""
        for line in golden.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("%") { found += line + "\n" }
            guard line.hasPrefix("$ ") else { continue }
            let run = try await Program.run(
                "/bin/sh", ["-c", "exec 2>&1; \(line.dropFirst(2))"],
                environment: ["RELEASE_HANDLER_SOCKET": daemon.controlSocket, "PATH": Self.path])
            found += line + "\n" + Self.anonymous(run.output, root: daemon.root.root)
            if run.exit != 0 { found += "[exit \(run.exit)]\n" }
            found += "\n"
        }
        if ProcessInfo.processInfo.environment["REWRITE_GOLDEN"] == "1" {
            try found.write(to: file, atomically: true, encoding: .utf8)
        }
        #expect(found == golden)
    }

    /// The build's own programs first.
    private static var path: String {
        let directory = URL(filePath: Releasectl.path).deletingLastPathComponent().path
        return "\(directory):\(ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin")"
    }

    /// What differs from run to run is replaced by its name; columns, whose width depends on it, stand two blanks apart.
    static func anonymous(_ text: String, root: String? = nil) -> String {
        let text = root.map { text.replacing($0, with: "ROOT") } ?? text
        let changes: [(pattern: String, name: String)] = [
            ("(?<=\\S) {2,}", "  "),
            ("\\b\\d+(\\.\\d)? [KM]iB\\b", "MEMORY"),
            ("\\b(\\d+s|\\d+m\\d\\ds)\\b", "AGE"),
            ("\\b\\d+\\.\\d{3}\\b", "MS"),
            ("\\b\\d{8}T\\d{6}\\.\\d{3}Z\\b", "TIME"),
            ("\\b[0-9a-f]{64}\\b", "SHA256"),
            ("\\b\\d+ bytes\\b", "BYTES"),
            ("\\bpid \\d+", "pid PID"),
            ("(?<=  running  )\\d+(?![\\d.])", "PID"),
            ("(?m)^(pid: +)\\d+", "$1PID"),
            ("(?m)^(node: +\\w+@)\\S+", "$1HOST"),
            ("127\\.0\\.0\\.1:\\d+", "127.0.0.1:PORT"),
        ]
        return changes.reduce(text) { text, change in
            text.replacingOccurrences(of: change.pattern, with: change.name, options: .regularExpression)
        }
    }
}
