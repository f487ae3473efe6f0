import Host
import Instructions
import Supervision
import Wire

/// The rooms that an upgrade works in.
@HostActor
struct UpgradeSite {
    let root: ReleaseRoot
    let tree: TreeDriver
    let applications: ApplicationDriver
    let code: CodeServer
    let events: EventHub
    let running: RunningRelease
    let processes: Processes
    let membership: NodeMembership

    /// A program that belongs to this daemon, and lies beside its own.
    nonisolated static func besideExecutable(_ program: String) -> String {
        let own = ProcessFiles.executable() ?? "/usr/libexec/release-handlerd/release-handlerd"
        return "\(Paths.parent(of: own))/\(program)"
    }

    /// For libraries of the release that are tried, or called.
    var moduleHost: ModuleHost {
        ModuleHost(
            processes: processes, environment: WorkerEnvironment.inherited(forOtherUser: false), directory: root.path)
    }
}
