import Foundation
import Synchronization

/// One run of the real `releasectl`, or of another program to its end.
struct Releasectl: Equatable, Sendable {
    var exit: Int32
    var output: String
    var error = ""

    static let path = Project.product("releasectl")

    /// Foundation's `Process.run` was seen to crash where several threads are in it.
    static let spawning = Mutex<Void>(())

    static func run(
        _ arguments: [String], executable: String = Self.path, environment: [String: String] = [:], input: [UInt8] = []
    ) async throws -> Releasectl {
        try await offPool { try runNow(arguments, executable: executable, environment: environment, input: input) }
    }

    /// As `run`, for a test that is not `async`.
    static func runNow(
        _ arguments: [String], executable: String = Self.path, environment: [String: String] = [:],
        in directory: String? = nil, input: [UInt8] = []
    ) throws -> Releasectl {
        let process = process(arguments, executable: executable, environment: environment)
        if let directory { process.currentDirectoryURL = URL(filePath: directory) }
        let (stdin, output, error) = (Pipe(), Pipe(), Pipe())
        process.standardInput = stdin
        process.standardOutput = output
        process.standardError = error
        try spawning.withLock { _ in try process.run() }
        try stdin.fileHandleForWriting.write(contentsOf: Data(input))
        try stdin.fileHandleForWriting.close()
        let written = output.fileHandleForReading.readDataToEndOfFile()
        let complained = error.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Releasectl(
            exit: process.terminationStatus, output: String(decoding: written, as: UTF8.self),
            error: String(decoding: complained, as: UTF8.self))
    }

    static func process(_ arguments: [String], executable: String, environment: [String: String]) -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        var inherited = ProcessInfo.processInfo.environment
        for name in ["COLUMNS", "NO_COLOR", "RELEASE_HANDLER_SOCKET"] { inherited[name] = nil }
        inherited["TERM"] = "xterm"
        process.environment = inherited.merging(environment) { $1 }
        return process
    }
}
