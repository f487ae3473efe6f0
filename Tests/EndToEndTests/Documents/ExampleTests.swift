import Foundation
import Testing

@testable import ReleaseHandlerD
@testable import TestSupport

/// What the README shows is what is compiled and what runs.
@Suite(.timeLimit(.minutes(15))) struct ExampleTests {
    @Test func theReadmeShowsTheCounterAsItIsCompiled() throws {
        let readme = try String(contentsOf: Project.root.appending(path: "README.md"), encoding: .utf8)
        let source = try String(
            contentsOf: Project.root.appending(path: "Examples/Counter/v2/Counter.swift"), encoding: .utf8)
        #expect(readme.contains(source))
    }

    @Test func theCounterCounts() async throws {
        let root = try TestRoot()
        try root.install("counter-2", vsn: "2.0.0")
        try root.release("2.0.0")
        try root.register(["2.0.0"])
        try await TestNode.with(root) { test async throws in
            #expect(try await test.call("{2, me}") == "2")
            #expect(try await test.call("{3, you}") == "5")
            let refusal = await test.refusal { try await test.call("wrong") }
            #expect(refusal.hasSuffix("{badarg,<<\"expected {Number, Who}, found wrong\">>}"), "\(refusal)")
        }
    }
}
