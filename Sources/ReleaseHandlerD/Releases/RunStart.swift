import Wire

/// What a run of the daemon is told by the one before it, which has executed it.
enum RunStart: Sendable {
    /// It boots the permanent release.
    case ordinary
    /// It boots this release, once: `restart_emulator`.
    case boots(String, makePermanent: InstallRequest.MakePermanent?)
    /// It boots the permanent release, and goes on with an upgrade under its own emulator: `restart_new_emulator` where the tree was
    /// stopped for it.
    case continues(ContinuedInstall)

    var booted: String? {
        guard case .boots(let vsn, _) = self else { return nil }
        return vsn
    }

    /// What was asked for with the install of the release that boots.
    var makePermanent: InstallRequest.MakePermanent? {
        guard case .boots(_, let wish) = self else { return nil }
        return wish
    }

    /// Whether it is part of an install.
    var goesOn: Bool {
        switch self {
        case .ordinary: false
        case .boots, .continues: true
        }
    }

    var continued: ContinuedInstall? {
        guard case .continues(let install) = self else { return nil }
        return install
    }
}

/// An install of which `restart_new_emulator` is done, and the rest of the script is to come.
struct ContinuedInstall: Codable, Sendable, Hashable {
    /// The release that is installed.
    let vsn: String
    /// The release that ran then, from which the script leads.
    let from: String
    let request: InstallRequest
    /// When it began, for the other nodes; monotonic milliseconds of the machine.
    let beganMilliseconds: Int?
    /// The emulator before, to which an install that comes to nothing goes back.
    let previous: EmulatorProgram
}

/// A version of the daemon, and where it is.
struct EmulatorProgram: Codable, Sendable, Hashable {
    let vsn: String
    /// An absolute path.
    let path: String
}
