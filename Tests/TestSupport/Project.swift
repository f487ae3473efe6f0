import Foundation

/// Where the project's own files and the programs of the build are.
enum Project {
    static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    static let fixtures = root.appending(path: "Tests/Fixtures")
    static let pythonWorker = fixtures.appending(path: "python/counter_worker").path

    /// A worker in Python that hands its state over in parts.
    static let incrementalWorker = fixtures.appending(path: "python/incremental_worker").path

    /// A program of the build: beside the test's own executable.
    static func product(_ name: String) -> String {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "."
        return URL(filePath: own).deletingLastPathComponent().appending(path: name).path
    }

    /// The Python worker's text, as that of another version.
    static func pythonWorker(vsn: String) throws -> String {
        try pythonWorker(pythonWorker, vsn: vsn)
    }

    static func pythonWorker(_ path: String, vsn: String) throws -> String {
        try String(contentsOfFile: path, encoding: .utf8)
            .replacing("VSN = \"1.0.0\"", with: "VSN = \"\(vsn)\"")
    }
}
