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
            vsn: wish.vsn, request: wish.request, beganMilliseconds: membership.beganMilliseconds,
            previous: Emulator.own ?? EmulatorProgram(vsn: Emulator.vsn, path: "/proc/self/exe"))
        guard wish.keepsWorkers else { return stopForNewEmulator(wish, install) }
        Task { @HostActor in
            switch await onEmulator(wish.program, install) {
            case .refused(let reason):
                events.post(.daemon(.reexecutionFailed(reason: reason)))
                stopForNewEmulator(wish, install)
            case .other(let reason): wish.fail(reason)
            }
        }
    }

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
    func goOnInstalling() async throws(ControlError) -> AsyncStream<InstallProgress> {
        guard let task = continuedProgress else {
            throw ControlError(
                .internalError,
                "the install came to its end, and nobody was there to be told: see the log, or releasectl which-releases"
            )
        }
        continuedProgress = nil
        return try await task.value.get()
    }

    /// The release that ran runs on, and under its own emulator.
    func leaveNewEmulator() {
        guard let install = continued else { return }
        continued = nil
        Task { @HostActor in
            await installer.giveUpNewEmulator(for: install.vsn)
            guard install.previous.vsn != Emulator.vsn, case .running = phase else { return }
            let failure = await onEmulator(install.previous, nil)
            let sentence =
                "the upgrade to \(install.vsn) came to nothing, and erts \(install.previous.vsn) can't go on: \(failure.reason)"
            if case .running = phase { stop(.restart(reason: sentence)) }
        }
    }
}
