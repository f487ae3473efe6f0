import CHost
import Glibc
public import Supervision

extension WorkerProcess {
    /// What is started, and with what.
    public struct Launch: Sendable {
        public var executable: ExecutableFile
        /// Without the program's name, which is the executable's path.
        public var arguments: [String]
        /// What it inherits. What `user` brings goes over it, then `variables`; `LISTEN_...` and `RELEASE_HANDLER_...`
        /// are added.
        public var environment: [String: String]
        /// What was asked for this process in particular.
        public var variables: [String: String]
        /// Listening sockets, in the order of `LISTEN_FDS`, with their names for `LISTEN_FDNAMES`. Stay the caller's.
        public var listenDescriptors: [(name: String, fd: Int32)]
        public var workingDirectory: String?
        public var user: String?
        public var resourceLimits: [ResourceLimit]
        /// Bounds of all that it starts. Where there are control groups; without them nothing is bounded.
        public var cgroupLimits: [CgroupLimit]
        /// What it may not; nil for nothing.
        public var confinement: Confinement?
        /// Whether it speaks the worker protocol: false for an unmodified program, which gets no channel.
        public var withProtocol: Bool
        /// Whether an unmodified program gets a NOTIFY_SOCKET.
        public var withNotify: Bool
        /// How long it may be without a WATCHDOG=1, which it is told; nil where it need say none. Needs `withNotify`.
        public var watchdogMilliseconds: Int?
        /// Shared with the other processes of its place; of its own where nil.
        public var outputs: OutputPipes?
        /// /dev/null where nil.
        public var standardInput: OwnedDescriptor?

        public init(
            executable: ExecutableFile, arguments: [String] = [], environment: [String: String] = [:],
            variables: [String: String] = [:], listenDescriptors: [(name: String, fd: Int32)] = [],
            workingDirectory: String? = nil, user: String? = nil, resourceLimits: [ResourceLimit] = [],
            cgroupLimits: [CgroupLimit] = [], confinement: Confinement? = nil,
            withProtocol: Bool = true, withNotify: Bool = false, watchdogMilliseconds: Int? = nil,
            outputs: OutputPipes? = nil, standardInput: OwnedDescriptor? = nil
        ) {
            self.executable = executable
            self.arguments = arguments
            self.environment = environment
            self.variables = variables
            self.listenDescriptors = listenDescriptors
            self.workingDirectory = workingDirectory
            self.user = user
            self.resourceLimits = resourceLimits
            self.cgroupLimits = cgroupLimits
            self.confinement = confinement
            self.withProtocol = withProtocol
            self.withNotify = withNotify
            self.watchdogMilliseconds = watchdogMilliseconds
            self.outputs = outputs
            self.standardInput = standardInput
        }
    }

    /// The number of the process started last: with that of the daemon's run the mark of each.
    static var lastMark = 0

    /// The daemon's ends of what joins it to a worker.
    struct Ends {
        var outputs: OutputPipes
        var channel: OwnedDescriptor?
        var transfer: OwnedDescriptor?
        var notify: NotifyState?
    }

    /// Starts a process in a group of its own. Events come from the next turn on; `.exited` is the last.
    ///
    /// Standard input is /dev/null where none is given, standard output and error are captured, sockets lie from 3 on, then the
    /// channel and the transfer socket; nothing else of the daemon's is open in it. Signals are at their
    /// defaults. Where the daemon dies, an unmodified program is told by SIGTERM; a worker has lost who it works for,
    /// and is killed, since one that is busy would not see the end of its channel.
    public static func launch(
        _ launch: Launch, onEvent: @escaping @HostActor (Event) -> Void
    ) throws(LaunchError) -> WorkerProcess {
        let path = launch.executable.path
        try launch.executable.checkUnchanged()
        lastMark += 1
        let mark = "\(EarlierRun.currentMark).\(lastMark)"
        var theirs: [OwnedDescriptor] = []
        let outputs = launch.outputs ?? OutputPipes()
        defer { outputs.closeUnused() }
        let ends: Ends
        do {
            if let input = launch.standardInput {
                theirs.append(input)
            } else {
                theirs.append(try OwnedDescriptor.open("/dev/null", O_RDWR))
            }
            theirs += try outputs.writeEnds()
            let channel = launch.withProtocol ? try OwnedDescriptor.socketPair(SOCK_STREAM) : nil
            let transfer = launch.withProtocol ? try OwnedDescriptor.socketPair(SOCK_SEQPACKET) : nil
            ends = Ends(
                outputs: outputs, channel: channel?.ours, transfer: transfer?.ours,
                notify: launch.withNotify ? try NotifyState() : nil)
            for end in [channel?.theirs, transfer?.theirs] { if let end { theirs.append(end) } }
        } catch {
            throw LaunchError(.resources, executable: path, error)
        }
        let descriptors =
            theirs.prefix(3).map(\.raw) + launch.listenDescriptors.map(\.fd) + theirs.dropFirst(3).map(\.raw)
        var further: [String: String] = [:]
        if Orphans.shared.isReaper { further[Orphans.variable] = mark }
        further["NOTIFY_SOCKET"] = ends.notify?.address
        let cgroup = try cgroup(launch, mark)
        let started: (pid: Int32, pidfd: OwnedDescriptor)
        do {
            started = try withExtendedLifetime(theirs) { () throws(LaunchError) in
                try start(launch, descriptors, further, cgroup)
            }
        } catch {
            cgroup?.remove()
            throw error
        }
        let process = WorkerProcess(
            pid: started.pid, pidfd: launch.withProtocol ? nil : started.pidfd, mark: mark, cgroup: cgroup, ends: ends,
            onEvent: onEvent)
        do {
            try process.watchAll()
        } catch {
            process.abandon()
            throw LaunchError(.watch, executable: path, error)
        }
        return process
    }

    private static func cgroup(_ launch: Launch, _ mark: String) throws(LaunchError) -> Cgroup? {
        do {
            return try Cgroups.shared.make(mark, launch.cgroupLimits)
        } catch {
            throw LaunchError(.cgroup, executable: launch.executable.path, errno: error.errno, error.sentence)
        }
    }

    private static func start(
        _ launch: Launch, _ descriptors: [Int32], _ further: [String: String], _ cgroup: Cgroup?
    ) throws(LaunchError) -> (pid: Int32, pidfd: OwnedDescriptor) {
        let path = launch.executable.path
        let user = try launch.user.map { name throws(LaunchError) in try UserIdentity.find(name, executable: path) }
        var limits = launch.resourceLimits
        if let limit = DescriptorLimit.ofWorkers, !limits.contains(where: { $0.name == limit.name }) {
            limits.append(limit)
        }
        let arena = CArena()
        var request = chost_launch()
        request.path = UnsafePointer(arena.string(path))
        request.exec_fd = launch.executable.descriptorToExecute
        request.argv = UnsafePointer(arena.strings([path] + launch.arguments))
        let surroundings = environment(launch, of: user, further, arena)
        request.envp = UnsafePointer(surroundings.variables)
        request.listen_pid = surroundings.listenPid
        request.watchdog_pid = surroundings.watchdogPid
        request.fds = arena.array(descriptors)
        request.fd_count = Int32(descriptors.count)
        request.cwd = workingDirectory(launch).map { UnsafePointer(arena.string($0)) }
        request.confinement = try confinement(launch, arena)
        if let user, user.isChange {
            request.changes_user = 1
            request.uid = user.entry.uid
            request.gid = user.entry.gid
            request.groups = arena.array(user.groups)
            request.group_count = user.groups.count
        }
        request.rlimits = arena.array(
            limits.map { chost_rlimit(resource: $0.resource, soft: $0.soft ?? .max, hard: $0.hard ?? .max) })
        request.rlimit_count = limits.count
        request.resets_oom_score = Self.isSpared ? 1 : 0
        request.parent_death_signal = launch.withProtocol ? SIGKILL : SIGTERM

        let group: OwnedDescriptor?
        do {
            group = try cgroup?.opened()
        } catch {
            throw LaunchError(.resources, executable: path, error)
        }
        request.cgroup_fd = group?.raw ?? 0

        var result = chost_launched()
        let pid = withExtendedLifetime((arena, group)) { chost_launch(&request, &result) }
        guard pid > 0 else { throw LaunchError(result, launch) }
        return (pid, OwnedDescriptor(result.pidfd))
    }

    /// Whether the OOM killer takes others before the daemon, as its unit says: workers are not to be spared with it.
    private static let isSpared: Bool = {
        let text = try? FileContents.read("/proc/self/oom_score_adj", limit: 64)
        let digits = text.map { String(decoding: $0, as: UTF8.self).filter { !$0.isWhitespace } }
        return digits.flatMap { Int($0) }.map { $0 < 0 } ?? false
    }()

    /// The environment as execve(2) takes it, and where in it the child writes its pid.
    ///
    /// Source: sd_listen_fds(3); `docs/worker-protocol.md` for the two numbers after the sockets.
    private static func environment(
        _ launch: Launch, of user: UserIdentity?, _ further: [String: String], _ arena: CArena
    ) -> (
        variables: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>, listenPid: UnsafeMutablePointer<CChar>?,
        watchdogPid: UnsafeMutablePointer<CChar>?
    ) {
        var variables = launch.environment
        if let user { variables.merge(user.variables) { $1 } }
        variables.merge(launch.variables) { $1 }
        for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { variables[name] = nil }
        let sockets = launch.listenDescriptors
        if !sockets.isEmpty {
            variables["LISTEN_FDS"] = "\(sockets.count)"
            variables["LISTEN_FDNAMES"] = sockets.map(\.name).joined(separator: ":")
        }
        variables.merge(further) { $1 }
        if launch.withProtocol {
            variables["RELEASE_HANDLER_CHANNEL"] = "\(3 + sockets.count)"
            variables["RELEASE_HANDLER_TRANSFER"] = "\(4 + sockets.count)"
        }
        if let milliseconds = launch.watchdogMilliseconds {
            variables["WATCHDOG_USEC"] = "\(milliseconds)000"
            variables["WATCHDOG_PID"] = nil
        }
        var entries = variables.sorted { $0.key < $1.key }.map { arena.string("\($0.key)=\($0.value)") }
        /// With room for what the child writes there.
        func pid(_ name: String) -> UnsafeMutablePointer<CChar> {
            let entry = arena.string("\(name)=" + String(repeating: "0", count: 11))
            entries.append(entry)
            return entry + name.utf8.count + 1
        }
        let listenPid = sockets.isEmpty ? nil : pid("LISTEN_PID")
        let watchdogPid = launch.watchdogMilliseconds == nil ? nil : pid("WATCHDOG_PID")
        return (arena.pointers(entries), listenPid, watchdogPid)
    }
}
