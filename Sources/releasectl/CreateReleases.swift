import ArgumentParser
import Foundation
import Instructions
import ReleaseTools
import Terms

struct CreateReleases: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create-releases",
        abstract:
            "Write a root's RELEASES and start_erl.data anew from what stands, while no daemon runs; asks no daemon.",
        discussion: """
            It does what OTP's release_handler:create_RELEASES does, for all releases that stand: each directory releases/VSN with its .rel, all of whose \
            applications are there. VSN becomes permanent; without it the release that start_erl.data names, or the only one. The others \
            are old where RELEASES, where it can be read, or the history says that they were permanent, else unpacked. A damaged file is kept beside the new \
            one. VSN is refused without --force where something is wrong that `check` would tell.

            The daemon does the same by itself when it starts and RELEASES is gone; by hand it is for a root in which nothing says which \
            release is permanent, or to which releases were copied.

              systemctl stop release-handlerd.socket release-handlerd.service
              releasectl create-releases 1.0.0 --root /var/lib/release-handler
              systemctl start release-handlerd.socket release-handlerd.service
            """)

    @Argument(help: "The release that is to be permanent.") var vsn: String?
    @Option(help: "The release root.", completion: .directory) var root = "/var/lib/release-handler"
    @Flag(help: "Also with a release in which something is wrong.") var force = false
    @Flag(help: "Print what came of it as one JSON object.") var json = false

    func run() throws {
        let result: ReleasesTool.Result
        do {
            let path = URL(filePath: root).standardizedFileURL.path
            try RootOwner.become(of: path)
            result = try ReleasesTool(vsn, root: path, isForced: force).run()
        } catch {
            [Diagnostic(.error, code: "not_created", error.message, advice: error.advice)].reportAtTheirPlaces()
            throw ExitCode(Exit.failure.rawValue)
        }
        if json { return try printJSON(Answer(result)) }
        let output = Terminal.standardOutput
        for release in result.releases { output.line("\(printable(release.vsn)) is \(release.status.atom.name)") }
        for omission in result.omitted {
            output.line("\(printable(omission.vsn)) is not listed: \(printable(omission.reason))")
        }
        for file in result.kept { output.line("what was there is kept as \(file)") }
    }

    private struct Answer: Encodable {
        struct Release: Encodable {
            let vsn: String
            let status: String
        }

        struct Omission: Encodable {
            let vsn: String
            let reason: String
        }

        let releases: [Release]
        let omitted: [Omission]
        let kept: [String]

        init(_ result: ReleasesTool.Result) {
            releases = result.releases.map { Release(vsn: $0.vsn, status: $0.status.atom.name) }
            omitted = result.omitted.map { Omission(vsn: $0.vsn, reason: $0.reason) }
            kept = result.kept
        }
    }
}
