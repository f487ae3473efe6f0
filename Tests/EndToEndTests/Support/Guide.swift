import Foundation
import Testing

@testable import TestSupport

/// A document whose commands are run: what a reader would get who did as it says.
///
/// Its code blocks are `erlang`, a file whose path is the comment in its first line; `console`, commands behind `$ ` and
/// what they print, then `[exit N]` where N is not 0; and `sh`, which is for the reader only.
/// With `REWRITE_GOLDEN=1` in the environment the answers are written anew, to be reviewed before they are kept.
struct Guide {
    private enum Part: Equatable {
        case text(String)
        case file(path: String, contents: String)
        /// `isLast`: the block ends with it.
        case command(String, answer: String, isLast: Bool)
    }

    private let file: URL
    private var parts: [Part] = []

    init(_ name: String) throws {
        file = Project.root.appending(path: "docs/\(name)")
        var block: (kind: Substring, lines: [Substring])?
        for line in try String(contentsOf: file, encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: false)
        {
            if let open = block, line == "```" {
                parts += try Self.parts(open.kind, open.lines)
                block = nil
            } else if block != nil {
                block?.lines.append(line)
            } else if line.hasPrefix("```") {
                block = (line.dropFirst(3), [])
            } else {
                parts.append(.text(String(line)))
            }
        }
        try #require(block == nil, "\(name) ends within a block")
    }

    private static func parts(_ kind: Substring, _ lines: [Substring]) throws -> [Part] {
        switch kind {
        case "erlang":
            let comment = try #require(lines.first)
            try #require(comment.hasPrefix("%% "), "a file's first line is its path: \(comment)")
            return [.file(path: String(comment.dropFirst(3)), contents: lines.map { $0 + "\n" }.joined())]
        case "console":
            var commands: [(command: String, answer: String)] = []
            for line in lines {
                if line.hasPrefix("$ ") {
                    commands.append((String(line.dropFirst(2)), ""))
                } else {
                    try #require(!commands.isEmpty, "a console block begins with a command")
                    commands[commands.count - 1].answer += line + "\n"
                }
            }
            return commands.enumerated().map {
                .command($1.command, answer: $1.answer, isLast: $0 == commands.count - 1)
            }
        case _:
            return [.text((["```\(kind)"] + lines + ["```"]).joined(separator: "\n"))]
        }
    }

    /// The files and commands before the block that holds `text`, which is for the reader, and those behind it.
    func split(at text: String) throws -> (before: Guide, after: Guide) {
        let index = try #require(
            parts.firstIndex { if case .text(let part) = $0 { part.contains(text) } else { false } })
        var (before, after) = (self, self)
        before.parts = Array(parts[..<index])
        after.parts = Array(parts[index...])
        return (before, after)
    }

    static func joined(_ before: Guide, _ after: Guide) -> Guide {
        var guide = before
        guide.parts += after.parts
        return guide
    }

    /// Does as it says; what was answered other than the document says is a failure.
    ///
    /// - Returns: the guide with what was answered.
    func followed(in directory: String, environment: [String: String]) async throws -> Guide {
        var guide = self
        for (index, part) in parts.enumerated() {
            switch part {
            case .text: break
            case .file(let path, let contents):
                try contents.write(toFile: "\(directory)/\(path)", atomically: true, encoding: .utf8)
            case .command(let command, let answer, let isLast):
                let run = try await Program.run(
                    "/bin/sh", ["-c", "cd '\(directory)' && exec 2>&1; \(command)"], environment: environment)
                let found = run.output + (run.exit == 0 ? "" : "[exit \(run.exit)]\n")
                #expect(Transcript.anonymous(found) == Transcript.anonymous(answer), "\(command)")
                guide.parts[index] = .command(command, answer: found, isLast: isLast)
            }
        }
        return guide
    }

    /// Keeps the answers, where that was asked for.
    func rewrite() throws {
        guard ProcessInfo.processInfo.environment["REWRITE_GOLDEN"] == "1" else { return }
        var text = ""
        var isOpen = false
        for part in parts {
            switch part {
            case .text(let line): text += line + "\n"
            case .file(_, let contents): text += "```erlang\n\(contents)```\n"
            case .command(let command, let answer, let isLast):
                text += (isOpen ? "" : "```console\n") + "$ \(command)\n\(answer)" + (isLast ? "```\n" : "")
                isOpen = !isLast
            }
        }
        try String(text.dropLast()).write(to: file, atomically: true, encoding: .utf8)
    }
}
