import Instructions
import ReleaseHandling
import Wire
import Terms

extension ReleaseRecord {
    var summary: ReleaseSummary {
        let status: ReleaseSummary.Status =
            switch status {
            case .unpacked: .unpacked
            case .current: .current
            case .permanent: .permanent
            case .old: .old
            case .tmpCurrent: .temporaryCurrent
            }
        return ReleaseSummary(
            name: name, vsn: vsn, erts: ertsVsn, status: status,
            applications: libraries.map { ApplicationVersion(name: $0.name.name, vsn: $0.vsn) })
    }
}

extension ReleaseError {
    /// With OTP's reason in the details.
    var controlError: ControlError {
        var error = toldError
        error.details["reason"] = term.description
        return error
    }

    private var toldError: ControlError {
        switch self {
        case .existingRelease(let vsn, _): ControlError(.badStatus, description, details: ["vsn": vsn])
        case .noSuchRelease(let vsn): ControlError(.noSuchRelease, description, details: ["vsn": vsn])
        case .alreadyInstalled(let vsn): ControlError(.alreadyInstalled, description, details: ["vsn": vsn])
        case .badStatus(let vsn, let status), .notOld(let vsn, let status), .fixed(let vsn, let status):
            ControlError(.badStatus, description, details: ["vsn": vsn, "status": status.atom.name])
        case .permanent(let vsn): ControlError(.badStatus, description, details: ["vsn": vsn, "status": "permanent"])
        case .wayBack(let vsn, let trial): ControlError(.busy, description, details: ["vsn": vsn, "from": trial])
        case .noMatchingRelup(let to, let from):
            ControlError(.upgradeRefused, description, details: ["to": to, "from": from])
        case .inUse(let vsn, let directory, let users):
            ControlError(
                .busy, description,
                details: ["vsn": vsn, "directory": directory, "users": users.joined(separator: ", ")])
        case .badState: ControlError(.internalError, description)
        }
    }
}
