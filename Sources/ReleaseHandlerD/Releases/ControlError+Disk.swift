import Glibc
import Host
import Instructions
import Wire

/// What the system refused, as an error that says whose fault it is and what to do.
extension ControlError {
    /// The daemon can't read a package, which may be as right as any.
    static func packageUnreadable(_ package: String, _ error: SystemError) -> ControlError {
        var sentence = "\(package): can't be read: \(error.call): \(error.reason)"
        if let remedy = readingRemedy(package, error) { sentence += "; \(remedy)" }
        return ControlError(.packageUnreadable, sentence, details: ["package": package, "errno": error.name])
    }

    private static func readingRemedy(_ package: String, _ error: SystemError) -> String? {
        switch error.number {
        case ENOENT, ENOTDIR:
            // Source: systemd.exec(5), PrivateTmp=, ProtectHome=.
            return
                "a daemon whose unit has ProtectHome or PrivateTmp does not see /home, /root, /tmp and /var/tmp: put the "
                + "package where it sees it, such as /srv"
        case EACCES, EPERM:
            let closed = Paths.parents(of: package).map { "/\($0)" }.first { (directory: String) in
                access(directory, X_OK) != 0
            }
            let way = closed.map { "chmod o+x \($0)" } ?? "chmod o+r \(package)"
            return "the daemon, which runs as user \(geteuid()), has no right to it: \(way), or put it where it has"
        default:
            return error.remedy(at: package)
        }
    }

    /// A file of the daemon's own, of which there may be nothing to say but that.
    static func notRead(_ error: SystemError, at path: String) -> ControlError {
        var sentence = "\(path) can't be read: \(error.call): \(error.reason)"
        if let remedy = error.remedy(at: path) { sentence += "; \(remedy)" }
        return ControlError(error.code, sentence, details: ["errno": error.name])
    }

    /// The file system did not take what a change was to write.
    ///
    /// - Parameters:
    ///   - root: the release root's path.
    ///   - words: what stands before the error, and ends with a colon; empty where the error says it.
    ///   - outcome: what the change has come to.
    ///   - isUnchanged: whether all is as it was.
    static func notWritten(
        _ error: SystemError, root: String, words: String = "", outcome: String, isUnchanged: Bool,
        details: [String: String] = [:]
    ) -> ControlError {
        var sentence = words.isEmpty ? "\(error)" : "\(words) \(error)"
        if let remedy = error.remedy(at: root) { sentence += ": \(remedy)" }
        let details = details.merging(["errno": error.name]) { $1 }
        return ControlError(isUnchanged ? error.code : .systemError, "\(sentence); \(outcome)", details: details)
    }
}

extension SystemError {
    fileprivate var name: String { Self.name(number) }

    fileprivate var code: ControlError.Code {
        switch number {
        case ENOSPC, EDQUOT: .diskFull
        case EROFS: .diskReadOnly
        case EIO: .diskError
        default: .systemError
        }
    }
}

extension ControlError.Code {
    /// Whether what was asked for may succeed once the disk or the system takes it.
    var isOfSystem: Bool {
        [.systemError, .diskFull, .diskReadOnly, .diskError].contains(self)
    }
}
