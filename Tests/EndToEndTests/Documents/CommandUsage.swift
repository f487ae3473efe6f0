import Foundation
import Testing

@testable import TestSupport

/// What the real releasectl takes, as it says itself, and whether a command line is one of it.
struct CommandUsage {
    private struct Dump: Decodable { let command: Command }

    struct Command: Decodable {
        let commandName: String
        let arguments: [Argument]?
        let subcommands: [Command]?
    }

    struct Argument: Decodable {
        struct Name: Decodable {
            let kind: String
            let name: String
            var text: String { kind == "long" ? "--\(name)" : "-\(name)" }
        }
        let kind: String
        let names: [Name]?
        let isOptional: Bool
        let isRepeating: Bool
    }

    let commands: [String: Command]

    static func read() async throws -> CommandUsage {
        let run = try await Releasectl.run(["--experimental-dump-help"])
        let dump = try JSONDecoder().decode(Dump.self, from: Data(run.output.utf8))
        let commands = (dump.command.subcommands ?? []).map { ($0.commandName, $0) }
        return CommandUsage(commands: Dictionary(uniqueKeysWithValues: commands))
    }

    /// The long options of all commands.
    var options: Set<String> {
        Set(commands.values.flatMap { ($0.arguments ?? []).flatMap { ($0.names ?? []).map(\.text) } })
    }

    /// Why these words, behind `releasectl`, are no command line; nil where they are one.
    ///
    /// - Parameter isWhole: whether arguments that must be there have to be; a text may leave them to the reader.
    func problem(_ words: [String], isWhole: Bool = true) -> String? {
        // Those for every command may stand before it.
        var rest = words[...]
        while let first = rest.first, first.hasPrefix("--") { rest = rest.dropFirst(first == "--socket" ? 2 : 1) }
        guard let name = rest.first else { return isWhole && words.isEmpty ? "names no command" : nil }
        guard let command = commands[name] else { return "there is no command \(name)" }
        rest = rest.dropFirst()
        let arguments = command.arguments ?? []
        var given = 0
        while let word = rest.popFirst() {
            guard word.hasPrefix("-"), word.count > 1, Int(word) == nil else {
                given += 1
                continue
            }
            let option = String(word.split(separator: "=", maxSplits: 1)[0])
            let found = arguments.first { ($0.names ?? []).contains { $0.text == option } }
            guard let found else { return "\(name) has no option \(option)" }
            if found.kind == "option", !word.contains("=") {
                guard rest.popFirst() != nil || !isWhole else { return "\(option) has no value" }
            }
        }
        let positionals = arguments.filter { $0.kind == "positional" }
        let required = positionals.count { !$0.isOptional }
        if isWhole, given < required { return "\(name) takes \(required) arguments, and \(given) are given" }
        if given > positionals.count, !positionals.contains(where: \.isRepeating) {
            return "\(name) takes \(positionals.count) arguments, and \(given) are given"
        }
        return nil
    }

    /// As a shell splits it: quotes of both kinds, `\` at a line's end.
    static func words(_ line: String) -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        for character in line.replacing("\\\n", with: " ") {
            if let open = quote {
                if character == open { quote = nil } else { word = (word ?? "") + String(character) }
            } else if character == "'" || character == "\"" {
                quote = character
                word = word ?? ""
            } else if character == " " || character == "\n" {
                if let whole = word { words.append(whole) }
                word = nil
            } else {
                word = (word ?? "") + String(character)
            }
        }
        if let whole = word { words.append(whole) }
        return words
    }
}
