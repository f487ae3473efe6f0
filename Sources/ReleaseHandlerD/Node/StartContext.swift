import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms
import Wire

/// What a process is made of that is not in its child spec, from the rooms that own it.
@HostActor
final class StartContext: LaunchContext {
    private let root: ReleaseRoot
    private let code: CodeServer
    private let running: RunningRelease
    private let processes: Processes
    /// Made after the tree, which makes the processes.
    weak var applications: ApplicationDriver?

    init(root: ReleaseRoot, code: CodeServer, running: RunningRelease, processes: Processes) {
        self.root = root
        self.code = code
        self.running = running
        self.processes = processes
    }

    func resident(_ module: Atom) throws(CodeError) -> LoadedCode { try code.resident(module) }

    func functional(_ modules: [Atom]) throws(CodeError) -> [LoadedCode] { try code.functional(modules) }

    func loaded(_ version: CodeVersion) -> LoadedCode? { code.loaded(version) }

    func directory(of application: Atom) -> String { code.directory(of: application) ?? root.path }

    func surroundings(of place: Place, mode: WorkerStartMode) -> (release: String, environment: [EnvironmentEntry]) {
        // A standby will run in the release that is being installed.
        guard let release = mode == .standby ? running.next : running.forStarts else { return ("", []) }
        let environment = applications?.environmentParameters(of: place, in: release) ?? []
        return (release.vsn, environment.map { EnvironmentEntry(key: $0.key, value: $0.value) })
    }

    func generationStarted(_ generation: Generation) { processes.started(generation) }
    func generationEnded(_ generation: Generation) { processes.ended(generation) }
}
