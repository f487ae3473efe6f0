public import Terms

/// Why an application can't be changed by itself; `term` is the reason of OTP's `{error, Reason}`.
public enum ApplicationScriptError: Error, Hashable, Sendable, CustomStringConvertible {
    case notRunning(Atom)
    case noAppupFound(file: String)
    case unreadable(file: String, posix: String)
    case badAppup(FileError)
    case versionNotInAppup(file: String, String)
    /// What runs has an `.appup` of another version. OTP crashes on it (`badmatch`).
    case otherVersion(file: String, Term, running: String)
    case noAppFound(Atom, ApplicationScript.Version)
    case application(ApplicationProblem)
    case script(SystoolsError)
    /// It needs another emulator, which only a release brings.
    case restartNewEmulator
    /// A directory's name does not say which version it has.
    case unknownVersion(Atom, directory: String)

    public var term: Term {
        switch self {
        case .notRunning(let name): .tagged("app_not_running", .atom(name))
        case .noAppupFound: .atom("no_appup_found")
        case .unreadable(_, let posix): .atom(Atom(posix))
        case .badAppup(let error):
            .tuple([.integer(error.position?.line ?? 0), .atom("erl_parse"), .string(error.message)])
        case .versionNotInAppup(_, let vsn): .tagged("version_not_in_appup", .string(vsn))
        case .otherVersion(_, let vsn, let running): .tagged("bad_vsn", .tuple([vsn, .string(running)]))
        case .noAppFound(_, let version):
            .tagged("no_app_found", .string(version.vsn), .string(version.directory))
        case .application(let problem): problem.what
        case .script(let error): error.term
        case .restartNewEmulator: .atom("restart_new_emulator")
        case .unknownVersion(let name, _): .tagged("unknown_version", .atom(name))
        }
    }

    public var description: String {
        switch self {
        case .notRunning(let name):
            "application \(name.name) does not run; which-applications lists those that do"
        case .noAppupFound(let file): "there is no \(file), which says how it is changed"
        case .unreadable(let file, let posix): "\(file) can't be read (\(posix))"
        case .badAppup(let error): error.description
        case .versionNotInAppup(let file, let vsn):
            "\(file) has no script for version \(vsn), neither literally nor by a pattern"
        case .otherVersion(let file, let vsn, let running):
            "\(file) is for version \(vsn), and \(Term.string(running)) runs: correct the .appup"
        case .noAppFound(let name, let version):
            "there is no \(version.directory)/ebin/\(name.name).app, which is to be of version \(version.vsn)"
        case .application(let problem): problem.text.trimmed
        case .script(let error): error.description.trimmed
        case .restartNewEmulator:
            "its script needs another emulator (restart_new_emulator), which only a release brings: make one, and install it"
        case .unknownVersion(let name, let directory):
            "the name of \(directory) does not say which version of \(name.name) it has: give the version, too"
        }
    }
}

extension String {
    /// Without the line's end of OTP's texts.
    fileprivate var trimmed: String { hasSuffix("\n") ? String(dropLast()) : self }
}
