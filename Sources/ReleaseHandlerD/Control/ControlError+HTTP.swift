import HTTPTypes
import HummingbirdCore
import Wire

extension ControlError.Code {
    /// Source: RFC 9110, section 15.
    var httpStatus: HTTPResponse.Status {
        switch self {
        case .badRequest: .badRequest
        case .forbidden: .forbidden
        case .notFound, .noSuchRelease, .noSuchWorker, .noSuchSupervisor, .noSuchChild, .noSuchApplication: .notFound
        case .methodNotAllowed: .methodNotAllowed
        case .busy, .ambiguousPlace, .alreadyInstalled, .badStatus, .upgradeRefused, .reexecRefused, .badChildState,
            .badApplicationState:
            .conflict
        case .tooLarge: .contentTooLarge
        case .tooManyRequests: .tooManyRequests
        case .packageInvalid, .packageUnreadable, .configInvalid, .badFile, .badChildspec: .unprocessableContent
        case .workerError, .childStartFailed, .applicationStartFailed: .badGateway
        case .unavailable: .serviceUnavailable
        case .timeout: .gatewayTimeout
        // Source: RFC 4918, section 11.5.
        case .diskFull, .diskReadOnly: .init(code: 507, reasonPhrase: "Insufficient Storage")
        default: .internalServerError
        }
    }
}

extension ControlError {
    func response(headers: HTTPFields = [:]) -> Response {
        var headers = headers
        if let seconds = retryAfterSeconds { headers[.retryAfter] = "\(seconds)" }
        do {
            return try ControlJSON.response(
                ControlErrorBody(error: self), status: code.httpStatus, headers: headers)
        } catch {
            // Strings alone always encode; should they not, the status still tells.
            return Response(status: code.httpStatus)
        }
    }
}
