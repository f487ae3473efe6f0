import Foundation
import Glibc
import Testing

@testable import TestSupport

/// The manual and the completions, as scripts/install-files makes them of what the programs say of themselves.
@Suite(.timeLimit(.minutes(15))) struct ManualTests {
    private struct Help: Decodable {
        struct Command: Decodable {
            var commandName: String
            var subcommands: [Command]?
        }
        var command: Command
    }

    static let pages = [
        "release-handlerd.8", "releasectl.1", "release-handler.root.5", "release-handler.rel.5",
        "release-handler.sup.5",
        "release-handler.config.5", "release-handler.appup.5", "release-handler.relup.5",
    ]

    private static func page(_ name: String) async throws -> String {
        let program = name.split(separator: ".").dropLast().joined(separator: ".")
        let of = ["release-handlerd", "releasectl"].contains(program) ? ["--of", Project.product(program)] : []
        let made = try await Releasectl.run(
            of + ["--vsn", "0.1.0", "\(Project.root.path)/man/\(name)"],
            executable: "\(Project.root.path)/scripts/manual-page")
        try #require(made.exit == 0, "\(made)")
        return made.output
    }

    @Test func everyPageIsHere() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: "\(Project.root.path)/man")
        #expect(files.sorted() == Self.pages.sorted())
    }

    /// Source: groff(1), `-ww`; man(1), `--warnings`, which lintian goes by.
    @Test(arguments: pages) func aPageIsWholeAndHasNothingToWarnOf(name: String) async throws {
        let text = try await Self.page(name)
        let directory = TemporaryDirectory()
        let file = try directory.write(name, text)
        let looked = try await Releasectl.run(
            ["-mandoc", "-ww", "-Tutf8", "-z", file], executable: "/usr/bin/groff", environment: ["LC_ALL": "C.UTF-8"])
        #expect(looked == Releasectl(exit: 0, output: ""), "\(looked)")
        #expect(text.split(separator: "\n").filter { $0.hasPrefix("@") } == [])
        // Pages and documents that it sends its reader to.
        for reference in text.matches(of: /\n\.Xr (release[a-z.-]*) (\d)/) {
            #expect(Self.pages.contains("\(reference.1).\(reference.2)"), "\(reference.0)")
        }
        let documents = text.matches(of: /\/release-handlerd\/([A-Za-z-]+\.md)/).map { String($0.1) }
        for document in documents {
            let path = document == "README.md" ? document : "docs/\(document)"
            #expect(access("\(Project.root.path)/\(path)", F_OK) == 0, "\(path)")
        }
        _ = directory
    }

    @Test func everyCommandHasItsSection() async throws {
        let said = try await Releasectl.run(["--experimental-dump-help"])
        let commands = try JSONDecoder().decode(Help.self, from: Data(said.output.utf8)).command.subcommands ?? []
        #expect(commands.count > 30)
        let text = try await Self.page("releasectl.1").replacing("\\-", with: "-")
        for command in commands where command.commandName != "help" {
            #expect(text.contains("\n.Ss \(command.commandName)\n"), "\(command.commandName)")
        }
        #expect(text.contains("\n.It 69\nthe daemon can\\(aqt be reached\n"))
        #expect(text.contains("Fl -wait-permanent\n"))
    }

    /// What a shell offers behind `releasectl insta`, by the script that it is given.
    @Test(arguments: ["bash", "zsh", "fish"]) func theCompletionsOf(shell: String) async throws {
        let program = "/usr/bin/\(shell)"
        try #require(access(program, X_OK) == 0, "\(program) is not there: scripts/install-packages")
        let script = try await Releasectl.run(["--generate-completion-script", shell])
        #expect(script.exit == 0)
        let directory = TemporaryDirectory()
        let file = try directory.write("_releasectl", script.output)
        let words: [String]
        switch shell {
        case "bash":
            words = [
                "--norc", "-c",
                """
                source "$0"; COMP_WORDS=(releasectl insta) COMP_CWORD=1 COMP_LINE="releasectl insta" COMP_POINT=16
                eval "$(complete -p releasectl | sed 's/.*-F \\([^ ]*\\).*/\\1/') releasectl insta releasectl"
                printf '%s\\n' "${COMPREPLY[@]}"
                """, file,
            ]
        case "zsh":
            // What it would offer is for a terminal only: that it is read, and is the completion of this command.
            words = [
                "-f", "-c",
                """
                fpath=($1 $fpath); autoload -U compinit; compinit -u -D; autoload +X _releasectl && print ${_comps[releasectl]}
                grep -o install-release $1/_releasectl | head -n 1
                """, "zsh", directory.path,
            ]
        default: words = ["--no-config", "-c", "source \(file); complete -C 'releasectl insta'"]
        }
        let offered = try await Releasectl.run(words, executable: program, environment: ["HOME": directory.path])
        #expect(offered.exit == 0 && offered.error == "", "\(offered)")
        #expect(offered.output.contains("install-release"), "\(offered)")
        if shell == "zsh" { #expect(offered.output.hasPrefix("_releasectl\n"), "\(offered)") }
    }
}
