import Foundation
import Glibc

/// One run of the real `releasectl`, or of another program to its end.
struct Releasectl: Equatable, Sendable {
    var exit: Int32
    var output: String
    var error = ""

    static let path = Project.product("releasectl")

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
        let (stdin, output, error) = (try PipeEnds(), try PipeEnds(), try PipeEnds())
        let child: Spawned
        do {
            defer { for end in [stdin.readEnd, output.writeEnd, error.writeEnd] { close(end) } }
            child = try Spawned(
                executable, arguments, environment: Self.environment.merging(environment) { $1 }, in: directory,
                descriptors: [stdin.readEnd, output.writeEnd, error.writeEnd])
        }
        PipeEnds.writeAll(input, to: stdin.writeEnd)
        let written = PipeEnds.readAll(output.readEnd)
        let complained = PipeEnds.readAll(error.readEnd)
        return Releasectl(
            exit: child.waitForExit(), output: String(decoding: written, as: UTF8.self),
            error: String(decoding: complained, as: UTF8.self))
    }

    static var environment: [String: String] {
        var inherited = ProcessInfo.processInfo.environment
        for name in ["COLUMNS", "NO_COLOR", "RELEASE_HANDLER_SOCKET"] { inherited[name] = nil }
        inherited["TERM"] = "xterm"
        return inherited
    }
}
