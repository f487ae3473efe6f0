import Foundation
import Testing
import Wire

@testable import TestSupport

/// The example server's states, copied in parts, under clients that hold every answer and in the end every key against a model:
/// what they wrote, counted, deleted and let expire while it was copied is what the next version has, and nothing else.
///
/// `KEY_VALUE_CHANGES` and `KEY_VALUE_KEYS` in the environment make it longer: how often the release changes, and how many keys
/// each of four connections has.
@Suite(.timeLimit(.minutes(60))) struct EndToEndModelTests {
    private struct Report: Decodable {
        struct Phase: Decodable {
            let name: String
            let requests, errors, dropped, lost, stale: Int
        }

        let clean: Bool
        let phases: [Phase]
        let notes: [String]
    }

    private static func number(_ name: String, else standard: Int) -> Int {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? standard
    }

    @Test func everyKeyIsWhatItsWriterKnows() async throws {
        let changes = Self.number("KEY_VALUE_CHANGES", else: 4)
        let keys = Self.number("KEY_VALUE_KEYS", else: 3000)
        let (root, package) = try await KeyValueRoot.make()
        try await EndToEndDaemon.with(root) { daemon async throws in
            let port = try await daemon.port(KeyValueRoot.worker)
            try await daemon.ask("unpack-release", package)
            let arguments = ["model", "--port", "\(port)", "--keys", "\(keys)"]
            try await Program.with(Project.product("kv-check"), arguments, streaming: .output) { checker in
                for change in 1...changes {
                    let vsn = change.isMultiple(of: 2) ? "1.0.0" : "2.0.0"
                    try await Self.begin("to \(vsn), change \(change)", checker)
                    let result = try await Self.install(vsn, on: daemon)
                    #expect(result.outcome == .done && result.lost == [] && result.warnings == [], "\(result)")
                    // Neither the copying of the parts nor the last changes failed: either would be told.
                    #expect(result.instructions.compactMap(\.note) == [], "\(result)")
                    try await Self.begin("\(vsn) runs, change \(change)", checker)
                }
                try checker.write("stop\n")
                let line = try #require(try await checker.line(seconds: 120))
                let report = try JSONDecoder().decode(Report.self, from: Data(line.utf8))
                #expect(report.notes == [])
                #expect(report.clean, "\(report.phases)")
                // It was at work all the time, through each change, and read every key.
                #expect(
                    report.phases.filter { $0.name.hasPrefix("to ") && $0.requests > 0 }.count == changes, "\(line)")
                #expect(report.phases.last.map { $0.name == "last check" && $0.requests >= 4 * keys / 100 } == true)
                #expect(try await checker.ended() == .exit(0))
            }
            let worker = try #require(try await daemon.workers().first)
            #expect(worker.generation == 1 + changes)
            #expect(worker.restarts == 0)
        }
    }

    private static func install(_ vsn: String, on daemon: EndToEndDaemon) async throws -> InstallResult {
        let output = try await daemon.ask("install-release", vsn, "--json")
        let last = try #require(output.split(separator: "\n").last)
        return try #require(try JSONDecoder().decode([String: InstallResult].self, from: Data(last.utf8))["result"])
    }

    /// The phase begins with kv-check's own word for it, so that no request of it is counted elsewhere.
    private static func begin(_ phase: String, _ checker: Program) async throws {
        try checker.write("phase \(phase)\n")
        #expect(try await checker.line() == "{\"phase\": \"\(phase)\"}")
    }
}
