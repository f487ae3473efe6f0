import ArgumentParser
import Foundation
import ReleaseTools

struct SetPermanent: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set-permanent",
        abstract: "Make a release the one that boots, by hand, while no daemon runs; asks no daemon.",
        discussion: """
            The way back where the permanent release does not boot: VSN, which the root has, becomes permanent, whatever its status; \
            the one that was is old. A release in which something is wrong that `check` would tell is refused without --force.

              systemctl stop release-handlerd.socket release-handlerd.service
              releasectl set-permanent 1.0.0 --root /var/lib/release-handler
              systemctl start release-handlerd.socket release-handlerd.service
            """)

    @Argument(help: "The release's version.") var vsn: String
    @Option(help: "The release root.", completion: .directory) var root = "/var/lib/release-handler"
    @Flag(help: "Also a release in which something is wrong.") var force = false
    @Flag(help: "Print what came of it as one JSON object.") var json = false

    func run() throws {
        let result: PermanentTool.Result
        do {
            let path = URL(filePath: root).standardizedFileURL.path
            try RootOwner.become(of: path)
            result = try PermanentTool(vsn, root: path, isForced: force).run()
        } catch {
            [Diagnostic(.error, code: "not_permanent", error.message, advice: error.advice)].reportAtTheirPlaces()
            throw ExitCode(Exit.failure.rawValue)
        }
        if json {
            return try printJSON(Answer(permanent: result.vsn, former: result.former, repairs: result.repairs))
        }
        for repair in result.repairs { Terminal.standardOutput.line(printable(repair)) }
        let vsn = printable(result.vsn)
        Terminal.standardOutput.line(
            result.vsn == result.former
                ? "release \(vsn) is permanent already"
                : "release \(vsn) is permanent; before it was \(printable(result.former))"
        )
    }

    private struct Answer: Encodable {
        let permanent: String
        let former: String
        let repairs: [String]
    }
}
