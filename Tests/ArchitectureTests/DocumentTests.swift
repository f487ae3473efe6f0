import Foundation
import Testing

/// What documents show and name is there.
@Suite struct DocumentTests {
    static let articles = ["README.md", "Sources/WorkerKit/WorkerKit.docc/WritingAWorker.md"]

    /// The examples are built and run, so what stands in one of them compiles.
    @Test(arguments: articles)
    func theCodeOfAnArticleIsThatOfAnExample(article: String) throws {
        let examples = try SourceTree.files(below: "Examples").map { $0.lines.joined(separator: "\n") }
        let text = try String(contentsOf: SourceTree.root.appending(path: article), encoding: .utf8)
        let blocks = text.components(separatedBy: "```swift\n").dropFirst()
            .map { $0.components(separatedBy: "```")[0] }
        #expect(!blocks.isEmpty)
        for block in blocks where !examples.contains(where: { $0.contains(block) }) {
            Issue.record("\(article): this code is in no file of Examples:\n\(block)")
        }
    }

    /// A comment that sends the reader to a section of the design names one that is there.
    @Test func sectionsOfTheDesignAreThere() throws {
        let design = try String(contentsOf: SourceTree.root.appending(path: "docs/design.md"), encoding: .utf8)
        let headings = design.components(separatedBy: "\n").filter { $0.hasPrefix("## ") || $0.hasPrefix("**") }
        for file in try SourceTree.files(below: "Sources") {
            for (index, line) in file.lines.enumerated() where line.contains("docs/design.md") {
                let named = line.components(separatedBy: "docs/design.md, \"").dropFirst().first?
                    .components(separatedBy: "\"").first
                guard let named else {
                    Issue.record("\(file):\(index + 1): say which section of docs/design.md")
                    continue
                }
                #expect(headings.contains { $0.contains(named) }, "\(file):\(index + 1): no section \"\(named)\"")
            }
        }
    }

    /// What is claimed of security is held by the tests that it names: `Suite/test`.
    @Test func theTestsThatHoldAClaimAreThere() throws {
        let text = try String(contentsOf: SourceTree.root.appending(path: "docs/security.md"), encoding: .utf8)
        let named = text.matches(of: /`(\w+Tests)\/([^`]+)`/).map { (suite: String($0.1), test: String($0.2)) }
        #expect(named.count > 50)
        let tests = try SourceTree.files(below: "Tests").map { $0.lines.joined(separator: "\n") }
        for (suite, test) in named {
            let isThere = tests.contains { text in
                text.contains("struct \(suite) ")
                    && (text.contains("func \(test)(") || text.contains("func `\(test)`("))
            }
            #expect(isThere, "docs/security.md names \(suite)/\(test)")
        }
    }

    /// What is installed for workers in Swift is built of the same sources by a manifest of its own.
    @Test func theInstalledPackageHasTheTargetsThatItsSourcesNeed() throws {
        let (own, installed) = try (
            Self.dependencies(in: "Package.swift"), Self.dependencies(in: "packaging/swift/Package.swift")
        )
        #expect(installed.keys.contains("WorkerKit") && installed.keys.contains("ModuleKit"))
        for (target, needed) in installed {
            #expect(own[target] == needed, "\(target)")
            for name in needed { #expect(installed[name] != nil, "\(target) needs \(name)") }
        }
        let script = try String(contentsOf: SourceTree.root.appending(path: "scripts/install-files"), encoding: .utf8)
        let copied = script.firstMatch(of: /for target in ([^;]*);/)?.1.split(separator: " ").map(String.init) ?? []
        #expect(copied.sorted() == installed.keys.sorted())
    }

    /// By target, the names of what it depends on.
    private static func dependencies(in manifest: String) throws -> [String: [String]] {
        let text = try String(contentsOf: SourceTree.root.appending(path: manifest), encoding: .utf8)
        let targets = text.matches(of: /\.target\(\s*name: "(\w+)"(?:,\s*dependencies: \[([^\]]*)\])?/).map { match in
            (String(match.1), (match.2 ?? "").matches(of: /"(\w+)"/).map { String($0.1) })
        }
        return Dictionary(targets, uniquingKeysWith: { first, _ in first })
    }
}
