import Host
import Instructions
import ReleaseHandling
import Wire

/// `restart_new_emulator`, the first instruction: nothing else has been done, and the rest of the script goes on under the emulator of the
/// release that is installed.
extension Installer {
    /// Written down first: whatever comes in between boots the permanent release under its own emulator. `then` is told only where it came to
    /// nothing; else who goes on tells the result.
    func restartNewEmulator(
        _ upgrade: Upgrade, _ request: InstallRequest, then: @escaping @HostActor (InstallResult) -> Void
    ) {
        let fail = { @HostActor [self] (reason: String) in
            let failure = RelupMachine.Failure(
                index: 0, instruction: .restartNewEmulator, error: .emulator(reason: reason))
            site.events.post(.upgrade(.refused(upgrade, failure)))
            then(upgrade.result(.refused, failure))
            onNotice(.failed(reason: "\(failure)"))
        }
        let erts = upgrade.to.record.ertsVsn
        guard let path = Emulator.program(of: erts, in: site.root) else {
            goOn(upgrade)
            return fail("there is no \(site.root.emulatorProgram(erts)) any more")
        }
        Task { @HostActor in
            do throws(ControlError) {
                try await store.prepareNewEmulator(for: upgrade.to.vsn)
            } catch {
                goOn(upgrade)
                return fail(error.message)
            }
            goOn(upgrade)
            if let stopReason { return then(upgrade.result(.refused, nil, reason: stopReason)) }
            onNotice(
                .needsNewEmulator(
                    NewEmulator(
                        program: EmulatorProgram(vsn: erts, path: path), vsn: upgrade.to.vsn, request: request,
                        keepsWorkers: upgrade.options.emulatorRestart == .keepWorkers,
                        stops: { then(upgrade.result(.restarting, nil, warnings: [Self.goesOn(under: erts)])) },
                        fail: { [self] reason in
                            Task { @HostActor in
                                await giveUpNewEmulator(for: upgrade.to.vsn)
                                fail(reason)
                            }
                        })))
        }
    }

    private static func goesOn(under erts: String) -> String {
        "the node restarts into erts \(erts), boots its permanent release and goes on with the script: see its events"
    }

    /// What boots next is the permanent release in any case: where this can't be written down, start-up does it.
    func giveUpNewEmulator(for vsn: String) async {
        do throws(ControlError) {
            try await store.giveUpNewEmulator(for: vsn)
        } catch {
            site.events.post(
                .release(.recovered(note: "release \(vsn) is tmp_current until the next start: \(error.message)")))
        }
    }
}
