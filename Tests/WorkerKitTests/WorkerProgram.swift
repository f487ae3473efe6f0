import Foundation
import Testing

/// A worker's program that speaks the protocol: the suite of the protocol runs against each.
enum WorkerProgram: String, CaseIterable, CustomTestStringConvertible, Sendable {
    case swift, python

    var testDescription: String { rawValue }

    /// What to execute, so that it reports `vsn`: the program, argv[0], and further arguments.
    func command(vsn: String) throws -> (path: String, name: String, arguments: [String]) {
        switch self {
        case .swift:
            return (try Self.fixtureWorker(), "/nowhere/lib/fixture-\(vsn)/ebin/fixture", [])
        case .python:
            let original = Self.fixtures.appending(path: "python/counter_worker").path
            if vsn == "1.0.0" { return (original, original, []) }
            let text = try String(contentsOfFile: original, encoding: .utf8)
                .replacing("VSN = \"1.0.0\"", with: "VSN = \"\(vsn)\"")
            let copy = FileManager.default.temporaryDirectory
                .appending(path: "counter_worker-\(vsn)-\(UUID().uuidString)")
            try text.write(to: copy, atomically: true, encoding: .utf8)
            return ("/usr/bin/python3", "python3", [copy.path])
        }
    }

    private static var fixtures: URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fixtures")
    }

    /// Built beside the tests: in the directory of the test bundle.
    static func fixtureWorker() throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let bundles = CommandLine.arguments.filter { $0.contains(".xctest") }.map { argument in
            let path = argument.hasPrefix("/") ? argument : FileManager.default.currentDirectoryPath + "/" + argument
            return URL(filePath: String(path[..<(path.range(of: ".xctest")?.lowerBound ?? path.endIndex)]))
                .deletingLastPathComponent()
        }
        let places = bundles + [root.appending(path: ".build/debug"), root.appending(path: ".build/release")]
        let candidates = places.map { $0.appending(path: "fixture-worker").path }
        return try #require(
            candidates.first { FileManager.default.isExecutableFile(atPath: $0) },
            "fixture-worker is not built: looked for \(candidates)")
    }
}
