public import Wire

extension Probation {
    /// A worker that is not there as the time is over.
    public struct Absence: Hashable, Sendable, CustomStringConvertible {
        public enum Kind: Hashable, Sendable {
            case silent
            /// Of an unmodified program.
            case withoutWatchdog
            /// It has ended, and its restart waits.
            case waiting
        }

        public let worker: ChildAddress
        public let kind: Kind

        public init(_ worker: ChildAddress, _ kind: Kind) {
            self.worker = worker
            self.kind = kind
        }

        public var description: String {
            switch kind {
            case .silent: "\(worker) did not answer when it was asked for its status"
            case .withoutWatchdog: "\(worker) no longer says WATCHDOG=1"
            case .waiting: "\(worker) does not run, and its restart waits"
            }
        }
    }

    /// What was held against a release.
    public enum Failure: Hashable, Sendable, CustomStringConvertible {
        case restarts(count: Int, allowed: Int, last: ChildAddress)
        case supervisorGaveUp(String)
        case absent([Absence])
        /// What a boot of it would start and could not, a sentence each.
        case wouldNotBoot([String])
        case healthCheck(String)

        public var description: String {
            switch self {
            case .restarts(let count, let allowed, let last):
                "workers of changed modules were restarted \(Self.times(count)), \(allowed) allowed; the last was \(last)"
            case .supervisorGaveUp(let supervisor): "supervisor \(supervisor) gave up"
            case .absent(let absences): absences.map(\.description).joined(separator: ", ")
            case .wouldNotBoot(let problems):
                "it runs, and would not boot: \(problems.prefix(3).joined(separator: "; "))\(problems.count > 3 ? "; …" : "")"
            case .healthCheck(let reason): "the health command failed: \(reason)"
            }
        }

        private static func times(_ count: Int) -> String { count == 1 ? "once" : "\(count) times" }
    }
}
