public import Instructions
public import Terms

/// When a child that ended is started again.
public enum RestartType: String, Hashable, Sendable, Codable, CaseIterable { case permanent, transient, temporary }

/// How a child is told to end.
public enum Shutdown: Hashable, Sendable, Codable {
    case brutalKill
    case milliseconds(Int)
    case infinity

    /// OTP's default: 5 s for a worker, and for a supervisor as long as it takes.
    static func standard(for type: ChildType) -> Shutdown { type == .worker ? .milliseconds(5000) : .infinity }
}

public enum ChildType: String, Hashable, Sendable, Codable, CaseIterable { case worker, supervisor }

/// The modules that a child runs: what an upgrade looks for when it suspends the users of a module.
public enum ChildModules: Hashable, Sendable, Codable {
    case list([Atom])
    /// The child is asked.
    case dynamic
}

/// A listening socket that the daemon binds and keeps for a child's every generation (`LISTEN_FDS`).
public struct SocketSpec: Hashable, Sendable, Codable {
    public let name: String
    /// `127.0.0.1:6379`, `[::1]:6379`, `:6379`, `6379`, `/path` or `@abstract`.
    public let listen: String
    /// Of the socket's file, where `listen` is a path; the bits of chmod(2). Source: systemd.socket(5), `SocketMode=`.
    public let mode: Int
    /// The file's owner; without one it is the daemon's. Source: systemd.socket(5), `SocketUser=`.
    public let user: String?
    /// The file's group; without one it is the owner's primary group. Source: systemd.socket(5), `SocketGroup=`.
    public let group: String?

    public static let standardMode = 0o666

    public init(
        name: String, listen: String, mode: Int = Self.standardMode, user: String? = nil, group: String? = nil
    ) {
        self.name = name
        self.listen = listen
        self.mode = mode
        self.user = user
        self.group = group
    }
}

/// A resource limit by its name in systemd.exec(5), in lower case and without `Limit`; see setrlimit(2).
public struct ResourceLimit: Hashable, Sendable, Codable {
    public enum Resource: String, Hashable, Sendable, Codable, CaseIterable {
        case `as`, core, cpu, data, fsize, locks, memlock, msgqueue, nice, nofile, nproc, rss, rtprio, rttime
        case sigpending, stack
    }

    public let resource: Resource
    /// No value is no limit.
    public let soft: Int?
    public let hard: Int?

    public init(resource: Resource, soft: Int?, hard: Int?) {
        self.resource = resource
        self.soft = soft
        self.hard = hard
    }
}

/// How an `os` program is asked to end. Source: systemd.kill(5), `KillSignal=`.
public enum KillSignal: String, Hashable, Sendable, Codable, CaseIterable {
    case sighup, sigint, sigquit, sigterm, sigusr1, sigusr2, sigwinch
}

/// What a supervisor knows of a child: OTP's child specification and the keys that this daemon adds.
///
/// Source: OTP, supervisor(3), "Child specification"; docs/design.md, "3. Supervision" for the rest.
public struct ChildSpec: Hashable, Sendable, Codable {
    public var id: Term
    /// M is a module of the release, or `os` for a program that knows nothing of the worker protocol.
    public var start: MFA
    public var restart: RestartType
    public var shutdown: Shutdown
    public var type: ChildType
    public var modules: ChildModules
    public var significant: Bool

    public var sockets: [SocketSpec] = []
    public var user: String?
    public var env: [EnvironmentVariable] = []
    public var cwd: String?
    public var rlimits: [ResourceLimit] = []
    /// Nil where none is asked for.
    public var cgroup: [CgroupBound]?
    /// Nil where none is asked for.
    public var confinement: Confinement?
    public var startTimeoutMilliseconds = Self.standardStartTimeoutMilliseconds
    /// Whether an `os` program says by `READY=1` that it is started; see sd_notify(3).
    public var notify = false
    /// What asks an `os` program to end.
    public var killSignal = KillSignal.sigterm
    /// The start phases of its application that it takes part in: it is called for each.
    public var startPhases: [Atom] = []

    /// In place of its supervisor's.
    public var restartDelay: RestartDelay?

    /// How long it may be silent while it runs; nil where nobody looks.
    public var watchdogMilliseconds: Int?

    public static let standardStartTimeoutMilliseconds = 30_000
    /// Of `watchdogMilliseconds`: more often nobody is asked, and what is later is none.
    public static let watchdogRange = 100...RestartDelay.limitMilliseconds

    public struct EnvironmentVariable: Hashable, Sendable, Codable {
        public let name: String
        public let value: String

        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// With OTP's defaults: `shutdown` 5000 ms for a worker and infinity for a supervisor, `modules` [M].
    public init(
        id: Term, start: MFA, restart: RestartType = .permanent, shutdown: Shutdown? = nil, type: ChildType = .worker,
        modules: ChildModules? = nil, significant: Bool = false
    ) {
        self.id = id
        self.start = start
        self.restart = restart
        self.type = type
        self.shutdown = shutdown ?? .standard(for: type)
        self.modules = modules ?? .list([start.module])
        self.significant = significant
    }

    /// Whether an unmodified program is run, by `start => {os, _, _}`.
    public var isUnmodifiedProgram: Bool { start.module == "os" }
}
