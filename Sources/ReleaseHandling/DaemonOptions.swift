public import Instructions
import Terms

/// What a release's `sys.config` says of the daemon itself, under `release_handler`. What was given on the daemon's command line counts before
/// it, as in OTP.
///
/// - `{log_level, debug | info | notice | warning | error}`: the least severe messages to log. Default `info`.
/// - `{control_readers, everyone | group}`: who may look by the control interface. Default `everyone`.
/// - `{control_connections, N}`: how many connections it serves at a time, 8 to 100000. Default 128.
/// - `{boot_fallback, N | false}`: after how many boots that come to nothing a release that became permanent while it ran, and that has not booted since, is
///   left for the one before it, 1 to 100. Default 2. What counts is what the release says as it becomes permanent.
///
/// Parameters of other names are not looked at. Source: docs/control.md.
public struct DaemonOptions: Hashable, Sendable {
    public enum LogLevel: String, Hashable, Sendable, CaseIterable { case debug, info, notice, warning, error }

    /// Who may look. Changing things is always for root, the daemon's own user and the group alone.
    public enum Readers: String, Hashable, Sendable, CaseIterable { case everyone, group }

    public enum BootFallback: Hashable, Sendable {
        case after(boots: Int)
        case never

        public static let standard = Self.after(boots: 2)

        public var boots: Int? {
            guard case .after(let boots) = self else { return nil }
            return boots
        }
    }

    public static let connectionsRange = 8...100_000
    static let bootsRange = 1...100

    public var logLevel: LogLevel?
    public var readers: Readers?
    public var connections: Int?
    public var bootFallback: BootFallback?

    public init(
        logLevel: LogLevel? = nil, readers: Readers? = nil, connections: Int? = nil, bootFallback: BootFallback? = nil
    ) {
        self.logLevel = logLevel
        self.readers = readers
        self.connections = connections
        self.bootFallback = bootFallback
    }

    /// `file` is where the parameters stand, for the error.
    public init(_ parameters: [EnvironmentParameter], file: String) throws(FileError) {
        self.init()
        for parameter in parameters {
            switch parameter.key.name {
            case "log_level": logLevel = try Self.choice(parameter, file)
            case "control_readers": readers = try Self.choice(parameter, file)
            case "control_connections":
                let range = Self.connectionsRange
                guard case .integer(let count) = parameter.value, range.contains(count) else {
                    let expected = "a number from \(range.lowerBound) to \(range.upperBound)"
                    throw ProbationOptions.unexpected(parameter, expected, file)
                }
                connections = count
            case "boot_fallback": bootFallback = try Self.bootFallback(parameter, file)
            default: continue
            }
        }
    }

    /// These, and where they say nothing what the others say.
    public func over(_ others: Self) -> Self {
        Self(
            logLevel: logLevel ?? others.logLevel, readers: readers ?? others.readers,
            connections: connections ?? others.connections, bootFallback: bootFallback ?? others.bootFallback)
    }

    private static func bootFallback(
        _ parameter: EnvironmentParameter, _ file: String
    ) throws(FileError) -> BootFallback {
        if parameter.value == .atom("false") { return .never }
        guard case .integer(let boots) = parameter.value, bootsRange.contains(boots) else {
            let expected = "a number from \(bootsRange.lowerBound) to \(bootsRange.upperBound), or false"
            throw ProbationOptions.unexpected(parameter, expected, file)
        }
        return .after(boots: boots)
    }

    private static func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ parameter: EnvironmentParameter, _ file: String
    ) throws(FileError) -> Choice {
        guard let choice = (parameter.value.asAtom?.name).flatMap({ Choice(rawValue: $0) }) else {
            let choices = Choice.allCases.map(\.rawValue)
            let expected = "\(choices.dropLast().joined(separator: ", ")) or \(choices.last ?? "")"
            throw ProbationOptions.unexpected(parameter, expected, file)
        }
        return choice
    }
}
