import ArgumentParser
import Foundation
import Instructions
import ReleaseTools
import Terms

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Tell all that is wrong with a release root or a package; asks no daemon.",
        discussion: """
            PATH is a release root (a directory) or a package (a .tar.gz). All of it is read as the daemon reads it when \
            it starts, unpacks, checks and installs: RELEASES and start_erl.data; each release's .rel, .app files, \
            sys.config and relup; each module's file, whether it can run on this machine; each supervisor's children; \
            the digests of SHA256SUMS; and, in a root, files that differ between two releases and that no instruction \
            of the relup between them names. Nothing is changed and no program is started. A package is unpacked \
            into a scratch directory below TMPDIR.

            Each finding is a line with file, line and column on standard error, and below it what to do. An error is \
            what the daemon would refuse or what would fail later, a warning what is probably not meant. The exit code \
            is 0 where there is no error, else 1.

              releasectl check packages/kv-2.0.0.tar.gz
              releasectl check /var/lib/release-handler
            """)

    @Argument(help: "A release root or a package.", completion: .file()) var path: String
    @Flag(help: "Take warnings for errors.") var warningsAsErrors = false
    @Flag(help: "Print what was found as one JSON object.") var json = false

    func run() throws {
        let result = CheckTool(path).run()
        let isGood = result.isSuccess && (!warningsAsErrors || result.warnings == 0)
        result.diagnostics.reportAtTheirPlaces()
        if json {
            try printJSON(CheckAnswer(path, isGood, result))
        } else {
            print(result)
        }
        if !isGood { throw ExitCode(Exit.failure.rawValue) }
    }

    private func print(_ result: CheckTool.Result) {
        let releases = result.releases.map { release in
            let status = release.status.map { " (\($0.atom.name))" } ?? ""
            return printable("\(release.name) \(release.vsn)\(status)")
        }
        let subject = releases.isEmpty ? "" : " \(releases.joined(separator: ", ")):"
        let found = [
            Self.count(result.errors, "error"), Self.count(result.warnings, "warning"),
        ].compactMap { $0 }
        Terminal.standardOutput.line(
            "\(printable(path)):\(subject) \(found.isEmpty ? "nothing is wrong" : found.joined(separator: ", "))")
    }

    private static func count(_ count: Int, _ word: String) -> String? {
        count == 0 ? nil : "\(count) \(word)\(count == 1 ? "" : "s")"
    }
}

private struct CheckAnswer: Encodable {
    struct Release: Encodable {
        let name: String
        let vsn: String
        let status: String?
    }

    let path: String
    let isGood: Bool
    let releases: [Release]
    let diagnostics: [DiagnosticAnswer]

    init(_ path: String, _ isGood: Bool, _ result: CheckTool.Result) {
        self.path = path
        self.isGood = isGood
        releases = result.releases.map { Release(name: $0.name, vsn: $0.vsn, status: $0.status?.atom.name) }
        diagnostics = result.diagnostics.map(DiagnosticAnswer.init)
    }

    private enum CodingKeys: String, CodingKey {
        case path, releases, diagnostics
        case isGood = "ok"
    }
}
