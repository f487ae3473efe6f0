import Host
import ReleaseHandling
import Supervision
import Terms
import Wire

extension Generation {
    /// A process and what is known of it, for another daemon that goes on in this one's place.
    struct State: Codable, Equatable {
        let number: Int
        let code: CodeVersion?
        /// Nil where it is its code's.
        let executable: String?
        /// Nil where it is its place's.
        let spec: ChildSpec?
        let startedAtMilliseconds: Int
        let toldEnvironment: [EnvironmentEntry]
        /// Nil where it is what it was told.
        let ownEnvironment: [EnvironmentEntry]?
        let vsn: Term
        let isIncremental: Bool
        let protocolVersion: Int
        let libraries: [CodeVersion]
        let loaded: [Atom: String]
        let unsettledModules: Set<Atom>
        let everLoaded: [String: CodeVersion]
        let hadLoaded: Set<Atom>
        let status: String?
        /// Nil where it has not.
        let hasSaidAlive: Bool?
        let lastWords: Term?
        let sentence: Term?
        /// Monotonic milliseconds: how long it may live without its channel.
        let graceDeadlineMilliseconds: Int?
        let initReference: Int?
        /// Where the answer to its `init` is awaited.
        let initDeadlineMilliseconds: Int?
        let process: WorkerProcess.State
    }
}
