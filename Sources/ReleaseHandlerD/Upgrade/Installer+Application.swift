import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms
import Wire

/// `upgrade_app`, `downgrade_app` and `eval_appup_script`: one application of the release that runs is changed as in an install, by the same
/// machine and with the same ways back. The release stays what it is, and so does what boots.
///
/// Source: OTP release_handler(3).
extension Installer {
    /// - Parameter mayBegin: asked last, once all is read and before anything begins.
    func change(
        _ application: Atom, _ wish: ApplicationWish, mayBegin: @HostActor () throws(ControlError) -> Void
    ) async throws(ControlError) -> AsyncStream<InstallProgress> {
        try await store.prepare(wish, of: application) { [self] (preparation) async throws(ControlError) in
            try mayBegin()
            try requireRunning(application, wish)
            let findings = try await preflight(preparation, InstallRequest())
            try mayBegin()
            return findings
        } then: { [self] (preparation, findings) throws(ControlError) in
            try mayBegin()
            try requireRunning(application, wish)
            return begin(preparation, InstallRequest(), findings)
        }
    }

    /// As OTP: a script that is given may be for one that does not run.
    private func requireRunning(_ application: Atom, _ wish: ApplicationWish) throws(ControlError) {
        if case .evaluate = wish { return }
        guard case .running = site.applications.state(of: application) else {
            throw ApplicationScriptError.notRunning(application).controlError
        }
    }

    /// In OTP it is for who asked to restart the node; what boots then is the permanent release.
    static func awaitsRestart(_ upgrade: Upgrade) -> String {
        """
        its script ends with restart_emulator, which is left to you: a restart boots the permanent release, without \(upgrade.target)
        """
    }
}

extension Upgrade {
    /// The change that takes it back.
    var applicationBack: ApplicationChange? {
        guard let application, let library = from.record.library(application.application) else { return nil }
        return application.reversed(to: library.directory)
    }
}

extension UpgradeEvent {
    static func refused(_ upgrade: Upgrade, _ failure: RelupMachine.Failure) -> UpgradeEvent {
        upgrade.application.map { .applicationRefused($0, failure) } ?? .refused(to: upgrade.to.vsn, failure)
    }

    static func refused(_ preparation: InstallPreparation, _ failure: RelupMachine.Failure) -> UpgradeEvent {
        preparation.application.map { .applicationRefused($0, failure) } ?? .refused(to: preparation.to.vsn, failure)
    }
}

extension Term {
    /// OTP's `{ok, Unpurged}`.
    static func unpurged(_ unpurged: [Atom]) -> Term { .tuple([.ok, .list(unpurged.map { .atom($0) })]) }

    /// OTP's `{error, Reason}`; where the node's end came first there is a sentence.
    static func errorReply(_ failure: RelupMachine.Failure?, _ sentence: String?) -> Term {
        .tuple([.error, failure?.reason ?? .text(sentence ?? "")])
    }
}
