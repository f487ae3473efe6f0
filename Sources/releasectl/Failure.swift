import Wire

/// How `releasectl` ends. Source for 64 and 69: sysexits.h.
enum Exit: Int32 {
    case failure = 1
    case refused = 2
    case rolledBack = 3
    case lost = 4
    case usage = 64
    case unavailable = 69
}

/// Why a command did not do what it was to: what and where, then what to do about it.
struct Failure: Error {
    var exit: Exit
    var message: String
    var advice: String?
    /// Whose state or connections did not come over.
    var lost: [InstallResult.Loss] = []

    init(_ exit: Exit, _ message: String, advice: String? = nil) {
        self.exit = exit
        self.message = message
        self.advice = advice
    }

    /// - Parameter subject: the command as it was given, such as `install-release 2.0.0`.
    init(_ error: ControlError, subject: String) {
        let exit: Exit =
            switch error.code {
            case .upgradeAborted: .rolledBack
            case let code where code.isRefusal: .refused
            default: .failure
            }
        self.init(
            exit, "\(subject): \(error.message) (\(error.code.rawValue))", advice: Self.advice(for: error, subject))
    }

    /// The same with what was lost, which is then what the exit code tells.
    func losing(_ lost: [InstallResult.Loss]) -> Failure {
        guard !lost.isEmpty else { return self }
        var failure = self
        failure.exit = .lost
        failure.lost = lost
        return failure
    }

    /// What was lost comes last: it is what a person has to act on.
    func report() {
        let terminal = Terminal.standardError
        terminal.line("releasectl: \(printable(message))")
        if let advice { terminal.line("  \(printable(advice))") }
        guard !lost.isEmpty else { return }
        terminal.line(terminal.paint("lost:", .red))
        for loss in lost {
            terminal.line(terminal.paint(printable("  \(loss.worker): \(loss.what): \(loss.why)"), .red))
        }
    }

    /// Of these there is no check.
    private static let withoutPlan = [
        "upgrade-app ", "downgrade-app ", "eval-appup-script ", "reboot-old-release ", "make-permanent ",
    ]

    /// A check is refused for what an install is refused for.
    private static func upgradeAdvice(for error: ControlError, _ subject: String) -> String {
        if let to = error.details["to"], let from = error.details["from"] {
            return "Nothing was changed. Pack a release anew with a relup that leads from \(from) to \(to): "
                + "`releasectl make-relup NEW.rel --outdir DIRECTORY --up-from OLD.rel --down-to OLD.rel`."
        }
        guard subject.hasPrefix("install-release "), let vsn = subject.split(separator: " ").last else {
            return "Nothing was changed."
        }
        return "Nothing was changed. Once that is mended, `releasectl check-install-release \(vsn)` shows the plan."
    }

    private static func advice(for error: ControlError, _ subject: String) -> String? {
        switch error.code {
        case .forbidden:
            "Nothing was changed. Run it as root or as a member of the group "
                + "\(error.details["group"] ?? "release-handler")."
        case .tooManyRequests:
            "Nothing was changed. Ask less often: `releasectl events --follow` tells what happens as it does."
        case .busy where error.details["change"] != nil:
            "Nothing was changed. Wait for the change that is under way: `releasectl events --follow` shows it."
        case .noSuchRelease:
            "Nothing was changed. `releasectl which-releases` lists the releases, `releasectl unpack-release PACKAGE` adds one."
        case .noSuchWorker:
            "`releasectl ps` lists the workers."
        case .ambiguousPlace:
            "Nothing was changed. `releasectl tree` shows where each stands."
        case .noSuchSupervisor:
            "Nothing was changed. `releasectl tree` shows the supervisors."
        case .noSuchChild, .badChildState:
            "Nothing was changed. `releasectl which-children \(error.details["supervisor"] ?? "SUPERVISOR")` lists the "
                + "children."
        case .childStartFailed:
            "See `releasectl events --follow`, or the daemon's log, for what the child said."
        case .noSuchApplication, .badApplicationState:
            "Nothing was changed. `releasectl which-applications` lists the applications."
        case .applicationStartFailed:
            "See `releasectl events --follow`, or the daemon's log, for what its workers said."
        case .upgradeRefused where Self.withoutPlan.contains(where: subject.hasPrefix): "Nothing was changed."
        case .upgradeRefused:
            upgradeAdvice(for: error, subject)
        case .upgradeAborted:
            "It was rolled back: the old release runs on."
        case .timeout:
            // Only a call has a time limit of its own.
            subject.hasPrefix("call ")
                ? "Give it longer with --timeout-ms, or see with `releasectl ps` what the worker is at."
                : "See with `releasectl ps` what the worker is at, and try again."
        case .unavailable:
            "Nothing was changed. Try again in a while; `releasectl status` tells what the node is at."
        case let code where code.isRefusal:
            "Nothing was changed."
        default:
            nil
        }
    }
}
