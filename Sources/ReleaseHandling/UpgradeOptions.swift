public import Instructions
public import Wire
import Terms

extension RelupMachine.Options {
    /// Reads what a release's `sys.config` says of installs under `release_handler`; `file` is where it stands, for the
    /// error.
    ///
    /// - `{suspend_timeout, Milliseconds}`, default 5000: for a suspend without a time of its own.
    /// - `{code_change_timeout, Milliseconds}`, default 5000: for each worker's handoff, from export to import.
    /// - `{hung_workers, terminate | abort}`, default `terminate`.
    /// - `{suspend_grace, Milliseconds}`, default 100: how long a worker may take to answer its suspend while those of
    ///   earlier groups are held.
    /// - `{snapshot_timeout, Milliseconds}`, default 60000: for each part of a state that is copied while its worker runs.
    ///
    /// - `{apply_timeout, Milliseconds}`, default 60000: for a program of the release that an `apply` calls.
    ///
    /// - `{emulator_restart, keep_workers | stop_workers}`, default `keep_workers`: for `restart_new_emulator`.
    ///
    /// Parameters of other names are not looked at.
    ///
    /// Source: OTP release_handler(3), `install_release/2`.
    public init(_ parameters: [EnvironmentParameter], file: String) throws(FileError) {
        self.init()
        for parameter in parameters {
            switch parameter.key.name {
            case "suspend_timeout": suspendTimeoutMilliseconds = try Self.milliseconds(parameter, file)
            case "code_change_timeout": codeChangeTimeoutMilliseconds = try Self.milliseconds(parameter, file)
            case "suspend_grace": suspendGraceMilliseconds = try Self.milliseconds(parameter, file)
            case "snapshot_timeout": snapshotTimeoutMilliseconds = try Self.milliseconds(parameter, file)
            case "apply_timeout": applyTimeoutMilliseconds = try Self.milliseconds(parameter, file)
            case "emulator_restart":
                guard let name = parameter.value.asAtom?.name,
                    let choice = RelupMachine.EmulatorRestart(rawValue: name)
                else { throw Self.unexpected(parameter, "keep_workers or stop_workers", file) }
                emulatorRestart = choice
            case "hung_workers":
                guard let name = parameter.value.asAtom?.name, let choice = RelupMachine.HungWorkers(rawValue: name)
                else { throw Self.unexpected(parameter, "terminate or abort", file) }
                hungWorkers = choice
            default: continue
            }
        }
    }

    /// With what was asked for with the install itself.
    public func asked(_ request: InstallRequest) -> Self {
        var options = self
        options.suspendTimeoutMilliseconds = request.suspendTimeoutMilliseconds ?? suspendTimeoutMilliseconds
        options.codeChangeTimeoutMilliseconds = request.codeChangeTimeoutMilliseconds ?? codeChangeTimeoutMilliseconds
        options.hungWorkers = request.hungWorkers ?? hungWorkers
        options.suspendGraceMilliseconds = request.suspendGraceMilliseconds ?? suspendGraceMilliseconds
        return options
    }

    private static func milliseconds(_ parameter: EnvironmentParameter, _ file: String) throws(FileError) -> Int {
        let range = InstallRequest.timeouts
        guard case .integer(let milliseconds) = parameter.value, range.contains(milliseconds) else {
            throw unexpected(parameter, "\(range.lowerBound) to \(range.upperBound) milliseconds", file)
        }
        return milliseconds
    }

    private static func unexpected(
        _ parameter: EnvironmentParameter, _ expected: String, _ file: String
    ) -> FileError {
        let found = String(parameter.value.description.prefix(60))
        return FileError(
            file: file, position: nil,
            message: "\(ProbationOptions.application.name), \(parameter.key.name): expected \(expected), found \(found)"
        )
    }
}
