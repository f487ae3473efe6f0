import Host
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

    /// For libraries of the release that are tried, or called.
    var moduleHost: ModuleHost {
        ModuleHost(
            processes: processes, environment: WorkerEnvironment.inherited(forOtherUser: false), directory: root.path)
    }
}
