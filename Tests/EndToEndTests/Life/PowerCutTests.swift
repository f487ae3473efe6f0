import Foundation
import Testing

@testable import TestSupport

/// The release root on a disk whose power is cut while releases come and go: what was answered for is there after each boot, and nothing
/// half. Tests/PowerCut/power-cut says how, and what such a disk is; `--cuts 200` by hand.
@Suite(.enabled(if: PowerCut.obstacle == nil, Comment(rawValue: PowerCut.obstacle ?? "")), .timeLimit(.minutes(15)))
struct PowerCutTests {
    @Test func aPowerCutLosesNothingThatWasAnsweredFor() async throws {
        let run = try await PowerCut.run(["--cuts", "5"])
        #expect(run.exit == 0, "\(run.output)\(run.error)")
    }

    /// With a daemon whose fsync(2) does nothing it is found within a few cuts: this can fail.
    @Test func aDaemonThatSyncsNothingIsFoundOut() async throws {
        let run = try await PowerCut.run(["--cuts", "20", "--forgetful"])
        #expect(run.exit == 1 && run.error.contains("power-cut: seed "), "\(run.output)\(run.error)")
    }
}

private enum PowerCut {
    static let script = Project.root.appending(path: "Tests/PowerCut/power-cut").path

    /// Why there can't be such a disk here; nil where it can.
    static let obstacle: String? = {
        do {
            let probe = try Releasectl.runNow(["--probe"], executable: script)
            return probe.exit == 0 ? nil : "\(probe.error)".trimmingCharacters(in: .whitespacesAndNewlines)
        } catch {
            return "\(script) can't be run: \(error)"
        }
    }()

    static func run(_ arguments: [String]) async throws -> Releasectl {
        let programs = URL(filePath: EndToEndDaemon.path).deletingLastPathComponent().path
        return try await Releasectl.run(["--programs", programs] + arguments, executable: script)
    }
}
