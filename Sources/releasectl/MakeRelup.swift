import ArgumentParser
import Foundation
import Glibc
import Instructions
import ReleaseTools

struct MakeRelup: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "make-relup",
        abstract: "Make a release's relup of the .appup files of its applications; asks no daemon.",
        discussion: """
            It does what OTP's systools:make_relup does, and says so in its words. Warnings and errors go to standard \
            error; on an error nothing is written and the exit code is 1. Beyond OTP it warns of
              code_change_not_suspended  a code_change that no worker would get
              uncovered_change           an object file, or a priv, that changed and that no instruction brings
              unchanged_module           an instruction for a module that did not change
              useless_entry              something in an .appup that is no entry
              reverted_dependency        a way back that reverts code while its user still runs

              mkdir -p releases/2.0.0
              releasectl make-relup releases/kv-2.0.0.rel --path 'lib/*/ebin' --outdir releases/2.0.0 \\
                --up-from 'releases/kv-1.0.0.rel=faster' --down-to releases/kv-1.0.0.rel
            """)

    @Argument(help: "The release that is upgraded to.", completion: .file(extensions: ["rel"]))
    var release: String
    @Option(
        help: ArgumentHelp(
            "A release that is upgraded from, and words for the relup; repeats.", valueName: "base.rel=description"),
        transform: base)
    var upFrom: [RelupTool.Base] = []
    @Option(
        help: ArgumentHelp("A release that is gone back to; repeats.", valueName: "base.rel=description"),
        transform: base)
    var downTo: [RelupTool.Base] = []
    @Option(
        help: ArgumentHelp(
            "Where .rel, .app and .appup files are; * stands for any part of a name (default: lib/*/ebin); repeats.",
            valueName: "directories"))
    var path: [String] = []
    @Option(help: ArgumentHelp("The directory to write the relup to, which must be there.", valueName: "directory"))
    var outdir = "."
    @Flag(help: "Write no file, print the relup.") var noexec = false
    @Flag(help: "End each script with restart_emulator.") var restartEmulator = false
    @Flag(help: "Take the warnings of systools for errors.") var warningsAsErrors = false
    @Flag(help: "Take what OTP would let pass for errors.") var strict = false
    @Flag(help: "Print what came of it as one JSON object.") var json = false

    func run() throws {
        var options = RelupTool.Options(release: release, path: path.isEmpty ? ["lib/*/ebin"] : path)
        options.upFrom = upFrom
        options.downTo = downTo
        options.outputDirectory = outdir
        options.isWritten = !noexec
        options.restartsEmulator = restartEmulator
        options.warningsAsErrors = warningsAsErrors
        options.isStrict = strict
        let result = RelupTool(options).run()
        result.diagnostics.forEach { $0.report() }
        if json {
            try printJSON(RelupAnswer(result, isPrinted: noexec))
        } else if let relup = result.relup {
            if noexec {
                Terminal.standardOutput.write(relup.text())
            } else if let file = result.file {
                Terminal.standardOutput.line("\(printable(file)): \(printable(relup.summary))")
            }
        }
        if !result.isSuccess { throw ExitCode(Exit.failure.rawValue) }
    }
}

private func base(_ argument: String) throws -> RelupTool.Base {
    guard let base = RelupTool.Base(argument: argument) else {
        throw ValidationError("'\(argument)' names no release: give BASE.rel=DESCRIPTION.")
    }
    return base
}

extension Relup {
    /// `2.0.0, up from 1.0.0, down to 1.0.0`
    fileprivate var summary: String {
        let ways = [("up from", up), ("down to", down)].map { words, entries in
            "\(words) \(entries.isEmpty ? "nothing" : entries.map(\.vsn).joined(separator: " "))"
        }
        return ([vsn] + ways).joined(separator: ", ")
    }
}

private struct RelupAnswer: Encodable {
    var file: String?
    var vsn: String?
    var upFrom: [String]?
    var downTo: [String]?
    /// The text, where it was asked for.
    var relup: String?
    var diagnostics: [DiagnosticAnswer]

    init(_ result: RelupTool.Result, isPrinted: Bool) {
        file = result.file
        vsn = result.relup?.vsn
        upFrom = result.relup?.up.map(\.vsn)
        downTo = result.relup?.down.map(\.vsn)
        relup = isPrinted ? result.relup?.text() : nil
        diagnostics = result.diagnostics.map(DiagnosticAnswer.init)
    }

    private enum CodingKeys: String, CodingKey {
        case file, vsn, relup, diagnostics
        case upFrom = "up_from"
        case downTo = "down_to"
    }
}
