import Host
import Instructions
import ReleaseHandling
import Wire

/// Why another emulator is not executed with the workers kept.
enum EmulatorFailure: Error {
    /// It can't take the state over.
    case refused(String)
    case other(String)

    var reason: String {
        switch self {
        case .refused(let reason), .other(let reason): reason
        }
    }
}

/// The daemon becomes another version of itself in the middle of an install, and another one again where that came to nothing.
extension Node {
    /// With the workers kept, or without them where the release says so or the other version can't take them over.
    func becomeNewEmulator(_ wish: Installer.NewEmulator) {
        let install = ContinuedInstall(
            vsn: wish.vsn, from: running.current?.vsn ?? "", request: wish.request,
            beganMilliseconds: membership.beganMilliseconds,
            previous: Emulator.own ?? EmulatorProgram(vsn: Emulator.vsn, path: "/proc/self/exe"))
        // Nothing else is begun meanwhile.
        let number = changes.begin(ChangesByHand.reexecution)
        Task { @HostActor in
            defer { changes.end(number) }
            if wish.keepsWorkers {
                switch await onEmulator(wish.program, install) {
                case .refused(let reason): events.post(.daemon(.reexecutionFailed(reason: reason)))
                case .other(let reason): return wish.fail(reason)
                }
            }
            // Nobody is stopped for what is no emulator, or not that one.
            if let problem = await problem(of: wish.program) { return wish.fail(problem) }
            stopForNewEmulator(wish, install)
        }
    }

    /// Why it is not the emulator that its place says, which it is asked for; nil where it is.
    private func problem(of program: EmulatorProgram) async -> String? {
        do throws(UnansweredQuestion) {
            let said = try await ProgramRun.ask(
                program.path, "--version", among: processes, timeoutMilliseconds: Self.versionMilliseconds)
            guard said.first != program.vsn else { return nil }
            return "\(program.path) is not release-handlerd \(program.vsn): \(said.first ?? "it says nothing")"
        } catch {
            return "\(error)"
        }
    }

    private static let versionMilliseconds = 10_000

    /// As in OTP. The run that follows boots the permanent release, so that is what the script has to lead from.
    private func stopForNewEmulator(_ wish: Installer.NewEmulator, _ install: ContinuedInstall) {
        guard case .running = phase else { return wish.fail("the node stops") }
        guard let running = running.current, running.vsn == store.releases.permanent?.vsn else {
            return wish.fail(
                "its workers would be stopped, and the release that runs is not permanent: make it so first")
        }
        wish.stops()
        membership.restarts()
        stop(.restartNewEmulator(EmulatorRestart(program: wish.program, install: install)))
    }

    /// The rest of the script, under this emulator.
    func goOn(with install: ContinuedInstall) {
        continued = install
        continuedProgress = Task { @HostActor in
            do throws(ControlError) {
                guard running.current?.vsn == install.from else {
                    throw ControlError(
                        .upgradeRefused,
                        "the install of \(install.vsn) began from \(install.from), and \(running.current?.vsn ?? "none") runs"
                    )
                }
                return .success(
                    try await installer.install(install.vsn, install.request, isOwn: true, isContinued: true) {
                        () throws(ControlError) in
                    })
            } catch {
                membership.failed()
                probation.judge(.upgradeFailed(reason: error.message))
                leaveNewEmulator()
                return .failure(error)
            }
        }
    }

    /// For who asked the daemon before for the install.
    ///
    /// An error is told in the stream, whose head they have.
    func goOnInstalling() async -> AsyncStream<InstallProgress> {
        guard let task = continuedProgress else {
            return Self.failed(
                ControlError(
                    .internalError,
                    "the install came to its end, and nobody was there to be told: see the log, or releasectl which-releases"
                ))
        }
        continuedProgress = nil
        switch await task.value {
        case .success(let progress): return progress
        case .failure(let error): return Self.failed(error)
        }
    }

    private static func failed(_ error: ControlError) -> AsyncStream<InstallProgress> {
        AsyncStream { continuation in
            continuation.yield(.error(error))
            continuation.finish()
        }
    }

    /// The release that ran runs on, and under its own emulator. That can wait: what is busy now is asked again later, and where it never comes
    /// to it the release runs under the newer one, until the next start.
    func leaveNewEmulator() {
        guard let install = continued else { return }
        continued = nil
        let number = changes.begin(ChangesByHand.reexecution)
        Task { @HostActor in
            defer { changes.end(number) }
            await installer.giveUpNewEmulator(for: install.vsn)
            guard install.previous.vsn != Emulator.vsn else { return }
            for attempt in 1...Self.attempts {
                guard case .running = phase else { return }
                switch await onEmulator(install.previous, nil) {
                case .other where attempt < Self.attempts: await pause()
                case .refused(let reason), .other(let reason):
                    let sentence =
                        "the upgrade to \(install.vsn) came to nothing, and erts \(install.previous.vsn) can't go on: \(reason)"
                    return events.post(.daemon(.reexecutionFailed(reason: sentence)))
                }
            }
        }
    }

    private static let attempts = 6

    private func pause() async {
        var timer: ScheduledTimer?
        await withCheckedContinuation { continuation in
            timer = Reactor.shared.schedule(afterMilliseconds: 1_000) { continuation.resume() }
        }
        withExtendedLifetime(timer) {}
    }
}
