import Instructions
import Terms

/// A program that a release's `sys.config` names under `release_handler`: `{Program, [Arg], TimeoutMilliseconds}`.
public struct ConfiguredProgram: Hashable, Sendable, Codable {
    /// Absolute, or relative to the release root.
    public let program: String
    public let arguments: [String]
    public let timeoutMilliseconds: Int

    static let maximumTimeoutMilliseconds = 3_600_000

    public init(program: String, arguments: [String], timeoutMilliseconds: Int) {
        self.program = program
        self.arguments = arguments
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    /// `file` is where the parameter stands, for the error.
    init(_ parameter: EnvironmentParameter, file: String) throws(FileError) {
        guard let parts = parameter.value.asTuple, parts.count == 3, let program = parts[0].asText, !program.isEmpty,
            let arguments = parts[1].asList, arguments.allSatisfy({ $0.asText != nil }),
            case .integer(let milliseconds) = parts[2], (1...Self.maximumTimeoutMilliseconds).contains(milliseconds)
        else {
            let shape = "{Program, [Arg], Timeout}, all strings but the timeout"
            let range = "which is 1 to \(Self.maximumTimeoutMilliseconds) ms"
            throw ProbationOptions.unexpected(parameter, "\(shape), \(range)", file)
        }
        self.init(program: program, arguments: arguments.compactMap(\.asText), timeoutMilliseconds: milliseconds)
    }
}
