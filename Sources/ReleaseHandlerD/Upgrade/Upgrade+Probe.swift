import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms
import Wire

/// A module that no worker runs: one standby shows that its code can start on this machine, then ends.
///
/// It is started as its child spec says (user, directory, environment, limits), and where nothing says how, not at all:
/// to run a program as the daemon's own user that was never meant to have its rights proves nothing and risks much.
/// No socket is bound for it, since a standby reads nothing from any.
extension Upgrade {
    func startProbe(
        _ code: LoadedCode, then: @escaping @HostActor (Result<StandbyOutcome, StandbyFailure>) -> Void
    ) {
        let module = code.version.module
        let choice = ProbeChoice(of: module, tree, findings.specs)
        guard case .start(let spec) = choice.way else { return then(.success(.skipped(choice.note(of: module)))) }
        startProbe(code, spec, then)
    }

    private func startProbe(
        _ code: LoadedCode, _ spec: ChildSpec,
        _ then: @escaping @HostActor (Result<StandbyOutcome, StandbyFailure>) -> Void
    ) {
        let module = code.version.module
        let address = ChildAddress(application: code.version.library, path: [.atom("probe"), .atom(module)])
        var spec = spec
        spec.sockets = []
        let probe = Place(address: address, spec: spec, launcher: tree.launcher, observer: tree)
        let watch = ProbeWatch(probe)
        prepare(probe, code) { result in
            watch.end()
            probe.endStandby()
            then(result)
        }
    }
}
