import ArgumentParser
import Foundation
import Instructions
import ReleaseTools
import Terms

struct MakeAppup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "make-appup",
        abstract: "Propose an application's .appup from what differs between two versions; asks no daemon.",
        discussion: """
            Compares the modules that the .app files of OLD and NEW list, and writes NEW/ebin/APP.appup, both ways:
              an executable differs      {update, M, {advanced, []}}, or {update, M}
                                         where it converts no states
              a library differs          {load_module, M}
              a supervisor's file does   {update, M, supervisor}
              new, or gone               {add_module, M}, {delete_module, M}
              a file in priv does        {update, M} of the executables beside it
            with what each is linked against as dependencies. Why a line is there stands above it, in the file and on \
            standard output. The file is a proposal: look it over, then hand it to make-relup. An .appup that is there gets \
            the entries of one more older version; what it has stays, also what was edited in the entries for OLD's \
            version, or a regular expression that matches that. So it may be run for each older version, and again.

            Whether a worker converts states only its program knows. Each executable of NEW that differs is started once, \
            with your rights, as a standby (docs/worker-protocol.md, section 9), in an empty directory with few variables \
            in its environment, and killed with its process group when it has acknowledged, after --timeout-ms at the \
            latest. A standby runs no code of its author's beyond its start-up; but what does not keep to the protocol may \
            do anything that you may. For programs that you don't trust, --no-run starts none, and proposes soft updates.

              releasectl make-appup lib/kv-1.0.0 lib/kv-2.0.0
            """)

    @Argument(help: ArgumentHelp("The directory of the old version.", valueName: "old")) var old: String
    @Argument(help: ArgumentHelp("The directory of the new version.", valueName: "new")) var new: String
    @Option(help: ArgumentHelp("The directory to write to (default: NEW/ebin).", valueName: "directory"))
    var outdir: String?
    @Flag(help: "Write no file, print the .appup.") var noexec = false
    @Flag(help: "Replace the entries for OLD's version in an .appup that is there.") var force = false
    @Flag(name: .customLong("no-run"), help: "Start no program.") var noRun = false
    @Option(
        name: .customLong("timeout-ms"),
        help: ArgumentHelp("How long a program may take to acknowledge.", valueName: "milliseconds"))
    var timeoutMilliseconds = 5_000
    @Flag(help: "Print what came of it as one JSON object.") var json = false

    func validate() throws {
        guard (1...600_000).contains(timeoutMilliseconds) else {
            throw ValidationError("--timeout-ms takes 1 to 600000.")
        }
    }

    func run() async throws {
        var options = AppupTool.Options(old: old, new: new)
        options.outputDirectory = outdir
        options.isWritten = !noexec
        options.replaces = force
        options.asks = !noRun
        options.timeoutMilliseconds = timeoutMilliseconds
        let result = await AppupTool(options).run()
        result.diagnostics.reportAtTheirPlaces()
        if json {
            try printJSON(AppupAnswer(result, isPrinted: noexec))
        } else if let proposal = result.proposal {
            if let file = result.file {
                print(proposal, file, result)
            } else {
                Terminal.standardOutput.write(proposal.text())
            }
        }
        if !result.isSuccess { throw ExitCode(Exit.failure.rawValue) }
    }

    private func print(_ proposal: AppupProposal, _ file: String, _ result: AppupTool.Result) {
        let output = Terminal.standardOutput
        output.line(
            "\(printable(file)): \(printable(proposal.application.name)) \(printable(proposal.new.vsn)), "
                + "up from and down to \(printable(proposal.old.vsn))")
        for (way, lines, fate) in [("up", proposal.up, result.up), ("down", proposal.down, result.down)] {
            switch fate {
            case .same: output.line("  \(way): is there already")
            case .kept: output.line("  \(way): stays as it is there")
            case .added, .replaced, nil:
                output.line(lines.isEmpty ? "  \(way): nothing" : "  \(way):")
                for line in lines {
                    output.line("    \(printable(line.instruction.description))")
                    for reason in line.reasons { output.line("      \(output.paint(printable(reason), .dim))") }
                }
            }
        }
    }
}

private struct AppupAnswer: Encodable {
    struct Line: Encodable {
        let instruction: String
        let reasons: [String]

        init(_ line: AppupProposal.Line) {
            instruction = line.instruction.description
            reasons = line.reasons
        }
    }

    var file: String?
    var application: String?
    var vsn: String?
    var oldVsn: String?
    var up: [Line]?
    var down: [Line]?
    /// What became of each way's entry in the file.
    var upEntry: String?
    var downEntry: String?
    /// The text, where it was asked for.
    var appup: String?
    var diagnostics: [DiagnosticAnswer]

    init(_ result: AppupTool.Result, isPrinted: Bool) {
        file = result.file
        application = result.proposal?.application.name
        vsn = result.proposal?.new.vsn
        oldVsn = result.proposal?.old.vsn
        up = result.proposal?.up.map(Line.init)
        down = result.proposal?.down.map(Line.init)
        upEntry = result.up?.word
        downEntry = result.down?.word
        appup = isPrinted ? result.proposal?.text() : nil
        diagnostics = result.diagnostics.map(DiagnosticAnswer.init)
    }

    private enum CodingKeys: String, CodingKey {
        case file, application, vsn, up, down, appup, diagnostics
        case oldVsn = "old_vsn"
        case upEntry = "up_entry"
        case downEntry = "down_entry"
    }
}

extension AppupProposal.Fate {
    /// As it stands in JSON.
    fileprivate var word: String {
        switch self {
        case .added: "added"
        case .replaced: "replaced"
        case .same: "same"
        case .kept: "kept"
        }
    }
}
