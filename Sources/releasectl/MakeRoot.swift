import ArgumentParser
import Foundation
import ReleaseTools

struct MakeRoot: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "make-root",
        abstract: "Lay out a release root with a package's release as its first; asks no daemon.",
        discussion: """
            DIR, which must be empty or not there, becomes a release root in which the package's release is permanent: it boots. The package is \
            checked and unpacked as unpack-release does it. Beside what it brings DIR gets
              releases/RELEASES         and start_erl.data
              erts-VSN/bin              the daemon of the version that the release is for, unless the package brings it
              bin/start                 what a unit's ExecStart= names
            The daemon is that of --erts, or else the installed one: beside releasectl, or in /usr/lib/release-handler.

            What fails leaves nothing; what was cut short is begun anew by the next run. The exit code is 0, or 1 where there is an error.

              releasectl make-root /srv/packages/kv-1.0.0.tar.gz
              releasectl make-root kv-1.0.0.tar.gz root && root/bin/start --socket control.sock
            """)

    @Argument(help: "The package.", completion: .file(extensions: ["gz"])) var package: String
    @Argument(
        help: ArgumentHelp("The directory that becomes a release root.", valueName: "dir"), completion: .directory)
    var directory = "/var/lib/release-handler"
    @Option(
        help: ArgumentHelp(
            "Where the daemon is: a directory with erts-VSN, erts-VSN itself, or a directory of programs.",
            valueName: "directory"),
        completion: .directory)
    var erts: String?
    @Flag(help: "Print what came of it as one JSON object.") var json = false

    func run() throws {
        let path = URL(filePath: directory).standardizedFileURL.path
        do {
            try RootOwner.become(of: path)
        } catch {
            [Diagnostic(.error, code: "unwritable", error.message, advice: error.advice)].reportAtTheirPlaces()
            throw ExitCode(Exit.failure.rawValue)
        }
        let result = RootTool(
            RootTool.Options(package: package, directory: path, emulatorDirectory: erts)
        ).run()
        result.diagnostics.reportAtTheirPlaces()
        if json {
            try printJSON(RootAnswer(directory, result))
        } else if let root = result.root {
            let release = "release \(printable(root.name)) \(printable(root.vsn))"
            Terminal.standardOutput.line(
                "\(printable(directory)): \(release) is permanent, with erts-\(printable(root.ertsVsn))")
        }
        if !result.isSuccess { throw ExitCode(Exit.failure.rawValue) }
    }
}

private struct RootAnswer: Encodable {
    let root: String
    let name: String?
    let vsn: String?
    let erts: String?
    let ertsFrom: String?
    let diagnostics: [DiagnosticAnswer]

    init(_ directory: String, _ result: RootTool.Result) {
        root = directory
        name = result.root?.name
        vsn = result.root?.vsn
        erts = result.root?.ertsVsn
        ertsFrom = result.root?.emulatorDirectory
        diagnostics = result.diagnostics.map(DiagnosticAnswer.init)
    }

    private enum CodingKeys: String, CodingKey {
        case root, name, vsn, erts, diagnostics
        case ertsFrom = "erts_from"
    }
}
