import Foundation
import Terms
import Testing

@testable import Instructions

/// docs/instructions.md lists what there is, and all of it.
@Suite struct InstructionDocumentTests {
    private static let document = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "docs/instructions.md")

    /// What the document's variables stand for.
    private static let values = [
        "M, F, A": "m, f, []", "DepMods": "[b]", "Change": "{advanced, []}", "Pre": "soft_purge",
        "Post": "brutal_purge",
        "Timeout": "infinity", "ModType": "static", "App": "a", "Type": "temporary", "Vsn": "\"1\"", "Extra": "[]",
        "Id": "1", "Nodes": "[n]", "M": "m", "…": "[{m, []}]",
    ]

    /// The instructions of the first columns of the tables below the heading.
    private static func instructions(_ heading: String) throws -> [Term] {
        let lines = try String(contentsOf: document, encoding: .utf8).split(separator: "\n")
        let section = lines.drop { $0 != "## \(heading)" }.dropFirst().prefix { !$0.hasPrefix("## ") }
        let table = section.drop { $0 != "| instruction | here |" }.dropFirst(2).prefix { $0.hasPrefix("|") }
        return try table.flatMap { line -> [Term] in
            let column = line.split(separator: " | ")[0]
            return try column.matches(of: /`([^`]+)`/).map { try term(String($0.1)) }
        }
    }

    private static func term(_ code: String) throws -> Term {
        var text = code.replacing("M, F, A", with: "m, f, []")
        for (name, value) in values { text = text.replacing(try Regex("\\b\(name)\\b"), with: value) }
        return try TermText.parseTerm(text.replacing("…", with: "[{m, []}]"))
    }

    private static func checked(_ term: Term) throws -> Instruction {
        let expanded = [ScriptItem(term)].expanded()
        return try Instruction(checking: try #require(expanded.first).term)
    }

    @Test(arguments: ["High-level instructions", "Low-level instructions"])
    func whatTheDocumentListsIsAnInstruction(heading: String) throws {
        let terms = try Self.instructions(heading)
        #expect(terms.count > 12)
        for term in terms where term != .atom("point_of_no_return") {
            #expect(throws: Never.self, "\(term)") { try Self.checked(term) }
        }
    }

    /// A new case does not compile until it has its name here.
    private static func name(_ instruction: Instruction) -> String {
        switch instruction {
        case .update: "update"
        case .loadModule: "load_module"
        case .addModule: "add_module"
        case .deleteModule: "delete_module"
        case .addApplication: "add_application"
        case .removeApplication: "remove_application"
        case .restartApplication: "restart_application"
        case .startApplication: "start_application"
        case .stopApplication: "stop_application"
        case .loadApplication: "load_application"
        case .unloadApplication: "unload_application"
        case .lowLevel(let instruction): name(instruction)
        }
    }

    private static func name(_ instruction: LowLevelInstruction) -> String {
        switch instruction {
        case .loadObjectCode: "load_object_code"
        case .pointOfNoReturn: "point_of_no_return"
        case .load: "load"
        case .remove: "remove"
        case .purge: "purge"
        case .suspend: "suspend"
        case .resume: "resume"
        case .codeChange: "code_change"
        case .stop: "stop"
        case .start: "start"
        case .syncNodes: "sync_nodes"
        case .apply: "apply"
        case .restartNewEmulator: "restart_new_emulator"
        case .restartEmulator: "restart_emulator"
        }
    }

    @Test func theDocumentListsEveryInstruction() throws {
        let terms = try Self.instructions("High-level instructions") + Self.instructions("Low-level instructions")
        let listed = Set(
            try terms.filter { $0 != .atom("point_of_no_return") }.map { Self.name(try Self.checked($0)) })
        let all: Set = [
            "update", "load_module", "add_module", "delete_module", "add_application", "remove_application",
            "restart_application", "start_application", "stop_application", "load_application", "unload_application",
            "load_object_code", "load", "remove", "purge", "suspend", "resume", "code_change", "stop", "start",
            "sync_nodes", "apply", "restart_new_emulator", "restart_emulator",
        ]
        #expect(listed == all)
    }

    @Test func theDocumentListsEveryAdvice() throws {
        let text = try String(contentsOf: Self.document, encoding: .utf8)
        for code in UpgradeAdvice.Code.allCases { #expect(text.contains("| `\(code.rawValue)` |")) }
    }
}
