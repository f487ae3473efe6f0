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
        let probe = Probe(of: code.version.module, in: code.version.library, spec, tree)
        prepare(probe.place, code) { result in
            probe.end()
            then(result)
        }
    }
}
