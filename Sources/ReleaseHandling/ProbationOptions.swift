public import Instructions
public import Terms

/// How a release is proved after its install: what its `sys.config` says under `release_handler`.
///
/// - `{make_permanent, {auto, Seconds} | manual}`: what happens at the end of the probation, and how long that is;
///   with `manual` it is the standard length. Default: `{auto, 30}`.
/// - `{probation_restarts, N}`: how many restarts the workers of changed modules may have together; default 1, which
///   is a supervisor's default `intensity` in OTP.
/// - `{health_check, {Program, [Arg], TimeoutMilliseconds}}`: a command that must exit with 0.
///
/// Parameters of other names are not looked at.
public struct ProbationOptions: Hashable, Sendable, Codable {
    public enum MakePermanent: Hashable, Sendable, Codable {
        /// The release becomes permanent when it has passed.
        case auto
        /// It stays current until somebody makes it permanent.
        case manual
    }

    /// A command that says by its exit status whether the service is well.
    public struct HealthCheck: Hashable, Sendable, Codable {
        /// Absolute, or relative to the release root.
        public let program: String
        public let arguments: [String]
        public let timeoutMilliseconds: Int

        public init(program: String, arguments: [String], timeoutMilliseconds: Int) {
            self.program = program
            self.arguments = arguments
            self.timeoutMilliseconds = timeoutMilliseconds
        }
    }

    public static let standardMilliseconds = 30_000
    public static let standardRestarts = 1
    /// No probation is longer than a day.
    static let maximumSeconds = 86_400
    static let maximumRestarts = 1_000_000
    static let maximumTimeoutMilliseconds = 3_600_000

    public var makePermanent: MakePermanent
    /// How long the probation is.
    public var milliseconds: Int
    public var restarts: Int
    public var healthCheck: HealthCheck?

    public init(
        makePermanent: MakePermanent = .auto, milliseconds: Int = Self.standardMilliseconds,
        restarts: Int = Self.standardRestarts, healthCheck: HealthCheck? = nil
    ) {
        self.makePermanent = makePermanent
        self.milliseconds = milliseconds
        self.restarts = restarts
        self.healthCheck = healthCheck
    }

    /// The application under whose name the parameters stand.
    public static let application: Atom = "release_handler"

    /// Reads the parameters of `release_handler`; `file` is where they stand, for the error.
    public init(_ parameters: [EnvironmentParameter], file: String) throws(FileError) {
        self.init()
        for parameter in parameters {
            switch parameter.key.name {
            case "make_permanent": try readMakePermanent(parameter.value, file)
            case "probation_restarts":
                guard case .integer(let count) = parameter.value, (0...Self.maximumRestarts).contains(count) else {
                    throw Self.unexpected(parameter, "a number from 0 to \(Self.maximumRestarts)", file)
                }
                restarts = count
            case "health_check": healthCheck = try Self.readHealthCheck(parameter, file)
            default: continue
            }
        }
    }

    private mutating func readMakePermanent(_ value: Term, _ file: String) throws(FileError) {
        if value == .atom("manual") {
            makePermanent = .manual
            return
        }
        guard let parts = value.asTuple, parts.count == 2, parts[0] == .atom("auto"),
            case .integer(let seconds) = parts[1], (1...Self.maximumSeconds).contains(seconds)
        else {
            let parameter = EnvironmentParameter(key: "make_permanent", value: value)
            throw Self.unexpected(parameter, "manual or {auto, Seconds} with 1 to \(Self.maximumSeconds) seconds", file)
        }
        milliseconds = seconds * 1_000
    }

    private static func readHealthCheck(
        _ parameter: EnvironmentParameter, _ file: String
    ) throws(FileError) -> HealthCheck {
        guard let parts = parameter.value.asTuple, parts.count == 3, let program = parts[0].asText, !program.isEmpty,
            let arguments = parts[1].asList, arguments.allSatisfy({ $0.asText != nil }),
            case .integer(let milliseconds) = parts[2], (1...maximumTimeoutMilliseconds).contains(milliseconds)
        else {
            let shape = "{Program, [Arg], Timeout}, all strings but the timeout"
            let range = "which is 1 to \(maximumTimeoutMilliseconds) ms"
            throw unexpected(parameter, "\(shape), \(range)", file)
        }
        return HealthCheck(
            program: program, arguments: arguments.compactMap(\.asText), timeoutMilliseconds: milliseconds)
    }

    private static func unexpected(
        _ parameter: EnvironmentParameter, _ expected: String, _ file: String
    ) -> FileError {
        let found = String(parameter.value.description.prefix(60))
        return FileError(
            file: file, position: nil,
            message: "\(application.name), \(parameter.key.name): expected \(expected), found \(found)")
    }
}
