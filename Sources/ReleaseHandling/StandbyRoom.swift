public import Wire

/// Whether the standbys of a script have room beside the workers that run: from figures, before any of them is started.
///
/// All of them stand at once, each beside its worker, until the script commits. What is only likely to suffice is let pass:
/// a start that fails for want of something is a refusal, too, only a later one.
public struct StandbyRoom: Hashable, Sendable {
    /// What a standby costs the daemon: its channel and its transfer socket. Its outputs are those of its place.
    public static let descriptorsEach = 2
    /// What the daemon needs besides: a launch has some open for a moment, and who asks for the outcome is to get through.
    public static let spareDescriptors = 64

    /// Descriptors of the daemon.
    public struct OpenFiles: Hashable, Sendable {
        public var open: Int
        /// RLIMIT_NOFILE.
        public var limit: Int

        public init(open: Int, limit: Int) {
            self.open = open
            self.limit = limit
        }
    }

    /// Memory, in KiB.
    public struct Memory: Hashable, Sendable {
        /// What the workers to be handed over have for themselves: their standbys will hold as much.
        public var neededKiB: Int
        /// What can be had without anybody's end.
        public var availableKiB: Int
        /// The control group whose limit it is; nil for the machine.
        public var group: String?

        public init(neededKiB: Int, availableKiB: Int, group: String? = nil) {
            self.neededKiB = neededKiB
            self.availableKiB = availableKiB
            self.group = group
        }
    }

    /// Workers that get a standby.
    public var workers: [ChildAddress]
    public var openFiles: OpenFiles
    /// Nil where the system does not say.
    public var memory: Memory?

    public init(workers: [ChildAddress], openFiles: OpenFiles, memory: Memory?) {
        self.workers = workers
        self.openFiles = openFiles
        self.memory = memory
    }

    /// What does not suffice, and what to do.
    public var problem: RelupError? {
        guard !workers.isEmpty else { return nil }
        return openFilesProblem ?? memoryProblem
    }

    private var openFilesProblem: RelupError? {
        let needed = workers.count * Self.descriptorsEach
        let least = openFiles.open + needed + Self.spareDescriptors
        guard least > openFiles.limit else { return nil }
        return .systemLimit(
            .openFiles,
            message: """
                \(standbysNeed) \(needed) file descriptors of the daemon, which has \(openFiles.open) of \
                \(openFiles.limit) open: raise LimitNOFILE= of its unit to \(least) or more and restart it, or change \
                fewer workers at a time
                """)
    }

    private var memoryProblem: RelupError? {
        guard let memory, memory.neededKiB > memory.availableKiB else { return nil }
        let place = memory.group.map { "below memory.max of the control group \($0)" } ?? "on this machine"
        let advice = memory.group == nil ? "free memory" : "raise MemoryMax= of the unit"
        return .systemLimit(
            .memory,
            message: """
                \(standbysNeed) \(Self.mebibytes(memory.neededKiB)) MiB of memory, as much as \
                \(workers.count == 1 ? "the worker has for itself" : "the workers have for themselves"), and \
                \(memory.availableKiB / 1024) MiB are available \(place): \(advice), or change fewer workers at a time
                """)
    }

    private var standbysNeed: String {
        workers.count == 1 ? "the standby of \(workers[0]) needs" : "the standbys of \(workers.count) workers need"
    }

    /// Rounded up: what is needed is never told as less.
    private static func mebibytes(_ kibibytes: Int) -> Int { (kibibytes + 1023) / 1024 }
}

extension RelupMachine {
    /// Workers beside which standbys stand at once, as the census has them, once these versions were read.
    public func handedOver(to versions: [CodeVersion], census: [WorkerInfo]) -> [ChildAddress] {
        versions.filter { $0.kind == .resident }.flatMap { workersToHandOver(to: $0, census).map(\.id) }
    }
}
