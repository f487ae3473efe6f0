import Host
import Instructions
import ReleaseHandling

extension NodeMembership.State {
    /// Of a node that has not booted yet.
    ///
    /// - Parameters:
    ///   - start: a run that the one before has restarted into a release, or in the middle of an install, is part of its upgrade.
    ///   - permanent: the release that boots.
    init(_ options: NodeOptions, _ start: RunStart, _ permanent: ReleaseRecord?) {
        let now = Reactor.nowMilliseconds()
        let upgrade: NodeRecord.State =
            switch start {
            case .ordinary: .idle
            case .boots(let vsn, _): .installed(to: vsn, milliseconds: now)
            case .continues(let install):
                .upgrading(from: permanent?.vsn ?? "", to: install.vsn, milliseconds: install.beganMilliseconds ?? now)
            }
        self.init(
            name: options.name(ofRelease: permanent?.name ?? ""), upgrade: upgrade,
            problem: "the node has not booted yet", registration: nil)
    }
}
