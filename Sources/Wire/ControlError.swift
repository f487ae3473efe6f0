/// Why the daemon did not do what a control request asked for.
///
/// On the socket it is `{"error":{"code":…,"message":…,"details":{…}}}`. The code is for programs and never
/// changes its meaning; the message is a sentence for people; the details name what it is about.
public struct ControlError: Error, Hashable, Sendable, Codable, CustomStringConvertible {
    public var code: Code
    public var message: String
    public var details: [String: String]

    public init(_ code: Code, _ message: String, details: [String: String] = [:]) {
        self.code = code
        self.message = message
        self.details = details
    }

    public var description: String { "\(code.rawValue): \(message)" }

    /// A stable name. Open, because an older `releasectl` must read what a newer daemon says.
    public struct Code: RawRepresentable, Hashable, Sendable, Codable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }

        public init(from decoder: any Decoder) throws {
            rawValue = try decoder.singleValueContainer().decode(String.self)
        }

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(rawValue)
        }
    }

    private enum CodingKeys: String, CodingKey { case code, message, details }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        code = try container.decode(Code.self, forKey: .code)
        message = try container.decode(String.self, forKey: .message)
        details = try container.decodeIfPresent([String: String].self, forKey: .details) ?? [:]
    }
}

extension ControlError.Code {
    /// The request itself is wrong: no JSON, a missing field, a path that is not absolute.
    public static let badRequest = Self(rawValue: "bad_request")
    public static let tooLarge = Self(rawValue: "too_large")
    public static let notFound = Self(rawValue: "not_found")
    public static let methodNotAllowed = Self(rawValue: "method_not_allowed")
    public static let forbidden = Self(rawValue: "forbidden")
    /// A user who may look only asks more often than such a user may; `retry_after_s` in the details says when to ask again.
    public static let tooManyRequests = Self(rawValue: "too_many_requests")
    /// Another change is under way.
    public static let busy = Self(rawValue: "busy")
    public static let noSuchRelease = Self(rawValue: "no_such_release")
    public static let alreadyInstalled = Self(rawValue: "already_installed")
    /// The release has the wrong status for this (removing the one that runs, …).
    public static let badStatus = Self(rawValue: "bad_status")
    public static let packageInvalid = Self(rawValue: "package_invalid")
    /// A file or directory that was named can't be read, or is not what it is to be; OTP's reason is in the details.
    public static let badFile = Self(rawValue: "bad_file")
    /// The daemon can't read the package, so nothing is known of it; `errno` in the details is POSIX' name of why.
    public static let packageUnreadable = Self(rawValue: "package_unreadable")
    /// The running release's configuration can't be read; the one that it has stays.
    public static let configInvalid = Self(rawValue: "config_invalid")
    /// The upgrade was refused before the point of no return; nothing changed.
    public static let upgradeRefused = Self(rawValue: "upgrade_refused")
    /// The daemon can't be executed anew as that program; it goes on as it is.
    public static let reexecRefused = Self(rawValue: "reexec_refused")
    /// The upgrade failed and was taken back; the old release runs on.
    public static let upgradeAborted = Self(rawValue: "upgrade_aborted")
    /// The upgrade did not come to its end and was not taken back; the permanent release boots next.
    public static let upgradeFailed = Self(rawValue: "upgrade_failed")
    public static let noSuchWorker = Self(rawValue: "no_such_worker")
    public static let noSuchSupervisor = Self(rawValue: "no_such_supervisor")
    /// What names a worker or supervisor names several; `candidates` in the details has their places, one a line.
    public static let ambiguousPlace = Self(rawValue: "ambiguous_place")
    /// The supervisor has no child of that id (OTP: `not_found`).
    public static let noSuchChild = Self(rawValue: "no_such_child")
    /// What the child is at does not allow it (OTP: `running`, `restarting`, `already_present`, …).
    public static let badChildState = Self(rawValue: "bad_child_state")
    public static let badChildspec = Self(rawValue: "bad_childspec")
    /// The child's start failed; OTP's reason is in the details.
    public static let childStartFailed = Self(rawValue: "child_start_failed")
    public static let noSuchApplication = Self(rawValue: "no_such_application")
    /// What the application is at does not allow it (OTP: `already_started`, `not_started`, `already_loaded`, …).
    public static let badApplicationState = Self(rawValue: "bad_application_state")
    /// The application's start failed; OTP's reason is in the details.
    public static let applicationStartFailed = Self(rawValue: "application_start_failed")
    /// The worker answered a call with an error, or ended.
    public static let workerError = Self(rawValue: "worker_error")
    public static let timeout = Self(rawValue: "timeout")
    /// The node starts or stops and can't do this now.
    public static let unavailable = Self(rawValue: "unavailable")
    /// The release root's file system has no room, takes nothing, or fails. Nothing changed; `errno` in the details is POSIX' name of why.
    public static let diskFull = Self(rawValue: "disk_full")
    public static let diskReadOnly = Self(rawValue: "disk_read_only")
    public static let diskError = Self(rawValue: "disk_error")
    /// A file could not be written, a system call failed, and something may have changed.
    public static let systemError = Self(rawValue: "system_error")
    public static let internalError = Self(rawValue: "internal_error")

    /// Whether an error of this code says that the request was turned down and nothing changed.
    public var isRefusal: Bool {
        switch self {
        case .badRequest, .tooLarge, .notFound, .methodNotAllowed, .forbidden, .tooManyRequests, .busy, .noSuchRelease,
            .alreadyInstalled, .badStatus, .packageInvalid, .packageUnreadable, .badFile, .configInvalid, .diskFull,
            .diskReadOnly, .diskError, .upgradeRefused, .reexecRefused, .noSuchWorker,
            .noSuchSupervisor, .ambiguousPlace,
            .noSuchChild, .badChildState, .badChildspec, .noSuchApplication, .badApplicationState, .unavailable:
            true
        default:
            false
        }
    }
}

extension ControlError {
    /// - Parameter retryAfterSeconds: 1 at least, as HTTP's `Retry-After` has it.
    public static func tooManyRequests(
        _ message: String, retryAfterSeconds: Int, details: [String: String] = [:]
    ) -> ControlError {
        ControlError(
            .tooManyRequests, "\(message): try again in \(retryAfterSeconds) s",
            details: details.merging(["retry_after_s": "\(retryAfterSeconds)"]) { $1 })
    }

    /// Seconds, where the error says when to ask again.
    public var retryAfterSeconds: Int? { details["retry_after_s"].flatMap { Int($0) } }
}

/// The body of every answer that is no success.
public struct ControlErrorBody: Hashable, Sendable, Codable {
    public var error: ControlError
    public init(error: ControlError) { self.error = error }
}

extension ControlError: ControlShape {
    public static var schemaName: String { "Error" }
    public static var schema: String {
        #"""
        {"type": "object", "required": ["code", "message", "details"], "additionalProperties": false,
          "properties": {
          "code": {"type": "string", "description": "stable; for programs"},
          "message": {"type": "string", "description": "a sentence; for people"},
          "details": {"type": "object", "additionalProperties": {"type": "string"}}}}
        """#
    }
}

extension ControlErrorBody: ControlShape {
    public static var schemaName: String { "ErrorBody" }
    public static var schema: String {
        #"""
        {"type": "object", "required": ["error"], "additionalProperties": false, "properties": {
          "error": {"$ref": "#/components/schemas/Error"}}}
        """#
    }
    public static var schemasUsed: [any ControlShape.Type] { [ControlError.self] }
}
