public import Wire

/// Why the node came to its end, and so what its process does next.
public enum NodeEnd: Sendable, Equatable, CustomStringConvertible {
    /// Asked to stop: exit with success.
    case stopped
    /// It could not boot, or a permanent application ended: exit with failure, so that the service manager starts the
    /// daemon anew.
    case failed(String)
    /// The daemon re-executes itself and boots the permanent release.
    case restart(reason: String)
    /// As a script's `restart_emulator` says: the daemon re-executes itself and boots this release, once, which becomes permanent by itself
    /// or not, where whoever asked for the install has said so.
    case restartInto(String, makePermanent: InstallRequest.MakePermanent?)
    /// As a script's `restart_new_emulator` says, without the workers: the daemon executes the emulator of the release that is installed, which boots the
    /// permanent one and goes on with the script.
    case restartNewEmulator(EmulatorRestart)

    public var description: String {
        switch self {
        case .stopped: "asked to"
        case .failed(let reason): reason
        case .restart(let reason): "restart into the permanent release: \(reason)"
        case .restartInto(let vsn, _): "restart into release \(vsn), as its script says"
        case .restartNewEmulator(let restart):
            "restart into erts \(restart.program.vsn), as the script to \(restart.install.vsn) says"
        }
    }
}

/// The emulator that is to be executed, and the install that goes on under it.
public struct EmulatorRestart: Sendable, Equatable {
    let program: EmulatorProgram
    let install: ContinuedInstall
}

extension NodeEnd {
    /// Whether the daemon goes on as another run of itself.
    var isRestart: Bool {
        switch self {
        case .restart, .restartInto, .restartNewEmulator: true
        case .stopped, .failed: false
        }
    }

    /// Why an upgrade that was under way did not come to its end, for its result.
    var ofUpgrade: String {
        switch self {
        case .stopped:
            "the node was stopped before the upgrade's end; its permanent release boots when it is started again"
        case .failed(let reason): "the node failed before the upgrade's end: \(reason)"
        case .restart(let reason):
            "the node restarts into its permanent release before the upgrade's end: \(reason)"
        case .restartInto(let vsn, _): "the node restarts into release \(vsn)"
        case .restartNewEmulator(let restart): "the node restarts into erts \(restart.program.vsn)"
        }
    }
}
