import Foundation
import Testing

/// What documents show and name is there.
@Suite struct DocumentTests {
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
}
