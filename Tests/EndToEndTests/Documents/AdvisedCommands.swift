import Foundation

@testable import TestSupport

/// The commands that texts tell people to type.
struct AdvisedCommands {
    /// Programs whose name in a sentence is followed by what to give them.
    static let programs = [
        "releasectl", "release-handlerd", "systemctl", "journalctl", "dmesg", "sysctl", "mount", "findmnt", "df", "ls",
        "chmod", "chown",
        "mkdir", "mv", "rm", "cp", "tar", "kill", "setfacl", "usermod",
    ]

    /// What stands behind `releasectl` where a sentence is about it.
    private static let prose: Set<String> = ["does", "of", "and", "is", "asks", "prints", "has", "can", "stops"]

    private static func isProgram(_ word: some StringProtocol) -> Bool { programs.contains(String(word)) }

    /// Whole lines of a text of several that are commands, `\` at a line's end continued: examples in a help.
    static func lines(of text: String) -> [String] {
        guard text.contains("\n") else { return [] }
        let whole = text.replacing(/\\\n\s*/, with: "")
        return whole.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { line in line.split(separator: " ").first.map(isProgram) ?? false && line.contains(" ") }
            .filter {
                !$0.contains("◊ ") && !prose.contains($0.split(separator: " ").dropFirst().first.map(String.init) ?? "")
            }
    }

    /// Those within sentences, between backquotes or not.
    static func inSentences(of text: String) -> [String] {
        let examples = Set(lines(of: text))
        var rest = text.replacing(/\\\n\s*/, with: "").split(separator: "\n", omittingEmptySubsequences: false)
            .filter { !examples.contains($0.trimmingCharacters(in: .whitespaces)) }.joined(separator: " ")
        var found: [String] = []
        for match in rest.matches(of: /`([^`]+)`/)
        where match.1.split(separator: " ").first.map(isProgram) ?? false && match.1.contains(" ") {
            found.append(String(match.1))
        }
        rest = rest.replacing(/`[^`]*`/, with: "` `")
        var words = rest.split(separator: " ").map(String.init)[...]
        while let word = words.popFirst() {
            let name = word.trimmingCharacters(in: CharacterSet(charactersIn: "(:"))
            guard isProgram(name), !word.hasSuffix(":") else { continue }
            let command = command(name, &words)
            if command != name { found.append(command) }
        }
        return found
    }

    /// A command with what belongs to it, as far as a sentence without backquotes tells.
    private static func command(_ program: String, _ words: inout ArraySlice<String>) -> String {
        var command = [program]
        var isFirst = true
        while let word = words.first {
            if word == "&&" || (command.last == "&&" && isProgram(word)) {
                command.append(word)
                isFirst = word != "&&"
                words.removeFirst()
                continue
            }
            let bare = word.trimmingCharacters(in: CharacterSet(charactersIn: ".,;:)"))
            guard isArgument(bare, of: program, isFirst: isFirst) else { break }
            command.append(bare)
            isFirst = false
            words.removeFirst()
            // Punctuation ends it.
            if bare != word { break }
        }
        return command.joined(separator: " ")
    }

    private static func isArgument(_ word: String, of program: String, isFirst: Bool) -> Bool {
        if program == "release-handlerd" { return word.hasPrefix("--") }
        if word.contains(Advice.hole) || word.hasPrefix("'") { return true }
        if word.wholeMatch(of: /--?[a-zA-Z][a-zA-Z-]*(=.*)?/) != nil { return true }
        if word.wholeMatch(of: /[A-Z][A-Z_-]+(\.[a-z.]+)?/) != nil { return true }
        if word.wholeMatch(of: /[ugoa]*[-+=][rwxX]+/) != nil { return true }
        switch program {
        case "releasectl": return isFirst && word.wholeMatch(of: /[a-z]+(-[a-z]+)*/) != nil && !prose.contains(word)
        case "systemctl": return isFirst || word.hasPrefix("release-handlerd")
        case "chown": return isFirst
        default: return false
        }
    }
}
