import Foundation
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// The table of operations against those who are made from it, and the page that describes it.
@Suite(.timeLimit(.minutes(15))) struct ControlTableTests {
    @Test func everyOperationHasOneHandler() async throws {
        let root = try TestRoot.twoVersions(relup: TestRoot.relup(up: TestRoot.up()))
        let served = try await TestNode.with(root) {
            ControlHandlers($0.node, reexecution: NoReexecution()).all.map(\.row.name)
        }
        #expect(served.sorted() == Operations.all.map(\.name).sorted())
    }

    /// `docs/control.md` has a line for each, with its method and path, and no other.
    @Test func theDocumentationListsEveryOperation() throws {
        let page = Project.root.appending(path: "docs/control.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let line = /\| `(GET|POST|PUT|DELETE) (\/v1\/[^ `]*)`.*\|/
        let documented = text.split(separator: "\n").compactMap { try? line.wholeMatch(in: $0) }
            .map { "\($0.1) \($0.2)" }
        #expect(documented.sorted() == Operations.all.map { "\($0.method.rawValue) \($0.path)" }.sorted())
    }
}
