import Instructions
import ReleaseHandling
import Supervision
import Terms

/// One release with everything that it says of itself: its `.rel`, its applications, its configuration.
struct LoadedRelease: Sendable {
    let record: ReleaseRecord
    let resource: ReleaseResource
    let config: SysConfig
    /// What `config` says of the release's probation.
    let probation: ProbationOptions
    /// What it says of installs of the release.
    let upgrade: RelupMachine.Options
    /// What it says of the nodes that an install waits for.
    let barrier: BarrierOptions
    /// What it says of the daemon itself.
    let daemon: DaemonOptions
    /// By name, without the emulator's own that are not on disk.
    let applications: [Atom: ApplicationResource]
    let includedApplications: IncludedApplications

    init(
        record: ReleaseRecord, resource: ReleaseResource, config: SysConfig, probation: ProbationOptions,
        upgrade: RelupMachine.Options, barrier: BarrierOptions, daemon: DaemonOptions,
        applications: [Atom: ApplicationResource]
    ) {
        self.record = record
        self.resource = resource
        self.config = config
        self.probation = probation
        self.upgrade = upgrade
        self.barrier = barrier
        self.daemon = daemon
        self.applications = applications
        includedApplications = IncludedApplications(Self.specs(resource, applications))
    }

    // MARK: Over the daemon's own re-execution

    /// What was read, for another daemon that goes on in this one's place.
    struct State: Codable {
        let record: ReleaseRecord
        let resource: ReleaseResource
        let config: SysConfig
        let applications: [Atom: ApplicationResource]
    }

    var state: State {
        State(record: record, resource: resource, config: config, applications: applications)
    }

    /// - Throws: where this version finds the configuration wrong that the one before has taken.
    init(_ state: State, file: String) throws(FileError) {
        let own = state.config.environment(of: ProbationOptions.application)
        self.init(
            record: state.record, resource: state.resource, config: state.config,
            probation: try ProbationOptions(own, file: file), upgrade: try RelupMachine.Options(own, file: file),
            barrier: try BarrierOptions(own, file: file), daemon: try DaemonOptions(own, file: file),
            applications: state.applications)
    }

    var vsn: String { resource.vsn }

    /// `{start_prg, Program}` of `sasl`. Source: OTP sasl(6).
    var startProgram: String? { environment(of: "sasl")["start_prg"]?.asText }

    /// `kernel`, `stdlib` and `sasl` may stand in a `.rel`: they are the daemon itself.
    static let emulatorApplications: Set<Atom> = ["kernel", "stdlib", "sasl"]

    /// What the application controller is told, in the order of the `.rel`.
    var applicationSpecs: [ApplicationSpec] { Self.specs(resource, applications) }

    private static func specs(
        _ resource: ReleaseResource, _ applications: [Atom: ApplicationResource]
    ) -> [ApplicationSpec] {
        resource.applications.compactMap { entry in
            applications[entry.name].map { ApplicationSpec($0, entry) }
        }
    }

    /// The application's own environment with `sys.config` over it.
    func environmentParameters(of application: Atom) -> [EnvironmentParameter] {
        let overrides = config.environment(of: application)
        return applications[application]?.environment(overriddenBy: overrides) ?? overrides
    }

    func environment(of application: Atom) -> [Atom: Term] {
        let parameters = environmentParameters(of: application)
        return Dictionary(parameters.map { ($0.key, $0.value) }, uniquingKeysWith: { _, last in last })
    }
}
