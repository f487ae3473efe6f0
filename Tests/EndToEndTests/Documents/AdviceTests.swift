import Foundation
import Testing

@testable import TestSupport

/// What messages and documents tell people to type is there and is taken, and what messages tell is followed by a test.
@Suite(.timeLimit(.minutes(15))) struct AdviceTests {
    /// What no message tells to be typed as it stands, or what no test can bring about here; each with why.
    static let unfollowed: [String: String] = [
        "releasectl make-appup": "who made an entry of an .appup, in a comment there",
        "releasectl check ROOT": "the message that it stands in says what to do before",
        "chmod +x": "where the file was built is known to who built it",
        "systemctl stop release-handlerd.socket release-handlerd.service":
            "needs a service manager; the container's checks use it",
        "releasectl terminate-child ◊ ◊":
            "the same words as for restart-child, while a supervisor waits for its next start",
    ]

    /// What the node does by itself, and calls so where something waits for it; and a word.
    private static let notCommands: Set<String> = ["restart-emulator", "restart-new-emulator", "start-up"]

    private struct Found {
        var command: String
        var places: [String]
    }

    private static func matches(_ pattern: String, in text: String) throws -> [String] {
        let expression = try NSRegularExpression(pattern: pattern)
        return expression.matches(in: text, range: NSRange(text.startIndex..., in: text)).compactMap {
            Range($0.range, in: text).map { String(text[$0]) }
        }
    }

    private static func found(_ of: (String) -> [String]) throws -> [Found] {
        var places: [String: [String]] = [:]
        for literal in try SourceLiterals.below("Sources") {
            for command in of(literal.text) { places[command, default: []].append("\(literal.file):\(literal.line)") }
        }
        return places.map { Found(command: $0.key, places: $0.value) }.sorted { $0.command < $1.command }
    }

    /// What may be a message: the page's own text has names of its own.
    private static func sentences() throws -> [SourceLiterals.Literal] {
        try SourceLiterals.below("Sources").filter { !$0.file.contains("/Control/Page/") }
    }

    /// Why a command can't be typed as it stands.
    private static func problem(_ command: String, _ usage: CommandUsage) throws -> String? {
        for part in command.components(separatedBy: " && ") {
            let words = CommandUsage.words(part)
            switch words[0] {
            case "releasectl": if let problem = usage.problem(Array(words.dropFirst())) { return problem }
            case "release-handlerd":
                let help = try Releasectl.runNow(["--help"], executable: EndToEndDaemon.path).output
                let missing = words.dropFirst().first { $0.hasPrefix("--") && !help.contains($0) }
                if let missing { return "release-handlerd has no \(missing)" }
            case "systemctl":
                let verbs = ["start", "stop", "restart", "reload", "status", "edit", "reset-failed"]
                guard words.count > 1, verbs.contains(words[1]) else { return "systemctl has no such verb" }
            default: break
            }
        }
        return nil
    }

    @Test func whatMessagesAdviseIsTaken() async throws {
        let usage = try await CommandUsage.read()
        let all = try Self.found { AdvisedCommands.inSentences(of: $0) + AdvisedCommands.lines(of: $0) }
        #expect(all.count > 40)
        for found in all where found.command != "releasectl make-appup" {
            let problem = try Self.problem(found.command, usage)
            #expect(problem == nil, "\(found.places.joined(separator: ", ")): \(found.command)")
        }
    }

    @Test func whatMessagesAdviseIsFollowedByATest() throws {
        let tests = try SourceLiterals.below("Tests").filter { !$0.file.hasSuffix("/AdviceTests.swift") }
        let followed = Set(tests.map(\.text))
        for found in try Self.found(AdvisedCommands.inSentences) where Self.unfollowed[found.command] == nil {
            let places = found.places.joined(separator: ", ")
            let isFollowed = followed.contains(found.command)
            #expect(isFollowed, "\(places): no test follows \(found.command)")
        }
    }

    @Test func optionsThatMessagesNameAreThere() async throws {
        let usage = try await CommandUsage.read()
        let daemon = try Releasectl.runNow(["--help"], executable: EndToEndDaemon.path).output
        // The last is journalctl's.
        let others: Set<String> = ["--check-state", "--version", "--help", "--output"]
        for literal in try Self.sentences() where !literal.file.contains("/Wire/Operations/") {
            for option in try Self.matches("(?<![\\w-])--[a-z][a-z-]+", in: literal.text) {
                let isThere = usage.options.contains(option) || daemon.contains(option) || others.contains(option)
                #expect(isThere, "\(literal.file):\(literal.line): there is no \(option)")
            }
        }
    }

    /// Such as `unpack-release would refuse it`.
    @Test func commandsThatMessagesNameInPassingAreThere() async throws {
        let usage = try await CommandUsage.read()
        let verbs =
            "(make|which|get|set|unset|start|stop|install|remove|unpack|check|restart|terminate|delete|count|replace|load|"
            + "unload|create)"
        for literal in try Self.sentences() where literal.text.contains(" ") {
            let named = try Self.matches("(?<![\\w/.`{-])\(verbs)-[a-z-]+[a-z](?![\\w./])", in: literal.text)
            for name in named where !Self.notCommands.contains(name) {
                #expect(usage.commands[name] != nil, "\(literal.file):\(literal.line): \(name)")
            }
        }
    }

    static let documents: [String] = {
        let docs = try? FileManager.default.contentsOfDirectory(atPath: Project.root.appending(path: "docs").path)
        return ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "ARCHITECTURE.md"]
            + (docs ?? []).filter { $0.hasSuffix(".md") }.sorted().map { "docs/\($0)" }
    }()

    @Test(arguments: documents) func whatDocumentsShowIsTaken(document: String) async throws {
        let usage = try await CommandUsage.read()
        let text = try String(contentsOf: Project.root.appending(path: document), encoding: .utf8)
        for (index, block) in text.components(separatedBy: "\n```").enumerated() {
            guard index % 2 == 1 else {
                // Within sentences arguments are left out, and put into brackets.
                for match in block.matches(of: /`releasectl ([^`]+)`/) {
                    let words = CommandUsage.words(String(match.1).replacing(/[\[\]]/, with: ""))
                    let problem = words[0].contains("…") ? nil : usage.problem(words, isWhole: false)
                    #expect(problem == nil, "\(document): \(match.0)")
                }
                continue
            }
            for line in block.replacing("\\\n", with: " ").split(separator: "\n") {
                let command = line.trimmingPrefix("$ ")
                guard command.hasPrefix("releasectl ") else { continue }
                let end = command.firstRange(of: " | ")?.lowerBound ?? command.endIndex
                let words = CommandUsage.words(String(command[..<end])).prefix { !["&", "#", ">"].contains($0) }
                let problem = usage.problem(Array(words.dropFirst()))
                #expect(problem == nil, "\(document): \(command)")
            }
        }
    }
}
