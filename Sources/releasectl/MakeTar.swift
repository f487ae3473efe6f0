import ArgumentParser
import Foundation
import ReleaseTools

struct MakeTar: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "make-tar",
        abstract: "Pack a release for unpack-release; asks no daemon.",
        discussion: """
            It does what OTP's systools:make_tar does. NAME.tar.gz, beside NAME.rel or in --outdir, gets
              lib/APP-VSN/ebin, priv    of each application of the release
              releases/NAME.rel         and once more in releases/VSN
              releases/VSN/relup        and sys.config, where they are found
              erts-VSN/bin              the daemon of that version, with --erts
              releases/VSN/SHA256SUMS   a digest of each file, for unpack-release
            relup and sys.config are taken from beside NAME.rel, from VSN beside it, from the working directory, or from \
            the directories of --path, whichever comes first. The same files give the same bytes, whoever packs them and whenever. Links are packed as what they lead to.

            All that the daemon would refuse is told, on standard error; then no package is written and the exit code \
            is 1.

              mkdir -p packages
              releasectl make-tar releases/kv-2.0.0.rel --path 'lib/*/ebin' --outdir packages
            """)

    @Argument(help: "The release.", completion: .file(extensions: ["rel"]))
    var release: String
    @Option(
        help: ArgumentHelp(
            "Where .app files and object code are; * stands for any part of a name (default: lib/*/ebin); repeats.",
            valueName: "directories"))
    var path: [String] = []
    @Option(
        help: ArgumentHelp("The directory to write the package to (default: that of the .rel).", valueName: "directory")
    )
    var outdir: String?
    @Option(
        help: ArgumentHelp(
            "Pack the daemon that the release is for, too: of a directory with erts-VSN, of erts-VSN itself, or of a directory of programs.",
            valueName: "directory"))
    var erts: String?
    @Flag(help: "Print what came of it as one JSON object.") var json = false

    func run() throws {
        let options = TarTool.Options(
            release: release, path: path.isEmpty ? ["lib/*/ebin"] : path, outputDirectory: outdir,
            emulatorDirectory: erts)
        let result = TarTool(options).run()
        result.diagnostics.reportAtTheirPlaces()
        if json {
            try printJSON(PackageAnswer(result))
        } else if let package = result.package {
            print(package)
        }
        if !result.isSuccess { throw ExitCode(Exit.failure.rawValue) }
    }

    private static let applicationsShown = 8

    private func print(_ package: TarTool.Package) {
        let output = Terminal.standardOutput
        output.line(
            "\(printable(package.path)): release \(printable(package.name)) \(printable(package.vsn)), "
                + "\(package.files.count) files, \(package.bytes) bytes")
        let shown = package.applications.prefix(Self.applicationsShown).joined(separator: " ")
        let more = package.applications.count - Self.applicationsShown
        output.line("  applications  \(printable(shown))\(more > 0 ? " and \(more) more" : "")")
        output.line("  relup         \(package.relup.map(printable) ?? "none: no release can be upgraded to it")")
        output.line("  sys.config    \(package.config.map(printable) ?? "none")")
        output.line("  SHA-256       \(package.sha256)")
    }
}

private struct PackageAnswer: Encodable {
    var package: String?
    var name: String?
    var vsn: String?
    var sha256: String?
    var bytes: Int?
    var files: [String]?
    var applications: [String]?
    var relup: String?
    var config: String?
    var diagnostics: [DiagnosticAnswer]

    init(_ result: TarTool.Result) {
        package = result.package?.path
        name = result.package?.name
        vsn = result.package?.vsn
        sha256 = result.package?.sha256
        bytes = result.package?.bytes
        files = result.package?.files
        applications = result.package?.applications
        relup = result.package?.relup
        config = result.package?.config
        diagnostics = result.diagnostics.map(DiagnosticAnswer.init)
    }
}
