public import Instructions
public import Terms
public import Wire

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
    public typealias HealthCheck = ConfiguredProgram

    public static let standardMilliseconds = 30_000
    public static let standardRestarts = 1
    /// No probation is longer than a day.
    static let maximumSeconds = 86_400
    static let maximumRestarts = 1_000_000

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
            case "health_check": healthCheck = try HealthCheck(parameter, file: file)
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

    /// With what was asked for with the install itself.
    public func asked(_ wish: InstallRequest.MakePermanent?) -> Self {
        var options = self
        switch wish {
        case .auto: options.makePermanent = .auto
        case .manual: options.makePermanent = .manual
        case nil: break
        }
        return options
    }

    static func unexpected(
        _ parameter: EnvironmentParameter, _ expected: String, _ file: String
    ) -> FileError {
        let found = String(parameter.value.description.prefix(60))
        return FileError(
            file: file, position: nil,
            message: "\(application.name), \(parameter.key.name): expected \(expected), found \(found)")
    }
}
