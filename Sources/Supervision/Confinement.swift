/// What a child's process may not, whoever's it is, and neither what it starts.
///
/// Source: systemd.exec(5), `NoNewPrivileges=`, `CapabilityBoundingSet=`, `PrivateTmp=`, `ProtectSystem=`, `ReadWritePaths=`,
/// `SystemCallFilter=`.
public struct Confinement: Hashable, Sendable, Codable {
    /// What of the file system is read-only.
    public enum SystemProtection: String, Hashable, Sendable, Codable, CaseIterable {
        /// `/usr`, `/boot` and `/efi`.
        case programs = "true"
        /// `/etc` too.
        case full
        /// All but `/dev`, `/proc` and `/sys`.
        case strict
    }

    /// Which system calls it may make.
    public enum CallFilter: String, Hashable, Sendable, Codable, CaseIterable {
        /// systemd's `@system-service`.
        case service
        /// Of these none that makes a socket but `AF_UNIX`, or changes who a process is and where it lives.
        case strict
    }

    /// No program that it executes gives it more than it has.
    public var noNewPrivileges = false
    /// All that it has; nil for what its user brings.
    public var capabilities: CapabilitySet?
    /// `/tmp` and `/var/tmp` of its own, in memory, empty as it starts.
    public var privateTmp = false
    public var protectSystem: SystemProtection?
    /// Absolute; what `protectSystem` leaves as it is.
    public var readWritePaths: [String] = []
    public var seccomp: CallFilter?

    public init() {}

    /// Whether it gets another view of the file system than the daemon's.
    public var changesMounts: Bool { privateTmp || protectSystem != nil }

    /// Of `readWritePaths`.
    static let pathLimit = 32
    static let temporaryDirectories = ["/tmp", "/var/tmp"]

    /// Whether `privateTmp` hides what lies there.
    public static func isTemporary(_ path: String) -> Bool {
        temporaryDirectories.contains { path == $0 || path.hasPrefix("\($0)/") }
    }

    /// The keys of a child spec in which the two differ.
    public static func changedKeys(_ old: Confinement?, _ new: Confinement?) -> [String] {
        let (old, new) = (old ?? Confinement(), new ?? Confinement())
        var keys: [String] = []
        if old.noNewPrivileges != new.noNewPrivileges { keys.append("no_new_privs") }
        if old.capabilities != new.capabilities { keys.append("capabilities") }
        if old.privateTmp != new.privateTmp { keys.append("private_tmp") }
        if old.protectSystem != new.protectSystem { keys.append("protect_system") }
        if old.readWritePaths != new.readWritePaths { keys.append("read_write_paths") }
        if old.seccomp != new.seccomp { keys.append("seccomp") }
        return keys
    }
}

/// A set of its own, since an empty one says something else than none.
public struct CapabilitySet: Hashable, Sendable, Codable {
    /// In the order of their numbers, each once.
    public let capabilities: [Capability]

    public init(_ capabilities: Set<Capability>) {
        self.capabilities = Capability.allCases.filter(capabilities.contains)
    }

    /// A bit each.
    public var bits: UInt64 { capabilities.reduce(0) { $0 | 1 << UInt64($1.number) } }
}

/// One of capabilities(7), in the order of their numbers.
public enum Capability: String, Hashable, Sendable, Codable, CaseIterable {
    case chown = "cap_chown"
    case dacOverride = "cap_dac_override"
    case dacReadSearch = "cap_dac_read_search"
    case fowner = "cap_fowner"
    case fsetid = "cap_fsetid"
    case kill = "cap_kill"
    case setgid = "cap_setgid"
    case setuid = "cap_setuid"
    case setpcap = "cap_setpcap"
    case linuxImmutable = "cap_linux_immutable"
    case netBindService = "cap_net_bind_service"
    case netBroadcast = "cap_net_broadcast"
    case netAdmin = "cap_net_admin"
    case netRaw = "cap_net_raw"
    case ipcLock = "cap_ipc_lock"
    case ipcOwner = "cap_ipc_owner"
    case sysModule = "cap_sys_module"
    case sysRawio = "cap_sys_rawio"
    case sysChroot = "cap_sys_chroot"
    case sysPtrace = "cap_sys_ptrace"
    case sysPacct = "cap_sys_pacct"
    case sysAdmin = "cap_sys_admin"
    case sysBoot = "cap_sys_boot"
    case sysNice = "cap_sys_nice"
    case sysResource = "cap_sys_resource"
    case sysTime = "cap_sys_time"
    case sysTtyConfig = "cap_sys_tty_config"
    case mknod = "cap_mknod"
    case lease = "cap_lease"
    case auditWrite = "cap_audit_write"
    case auditControl = "cap_audit_control"
    case setfcap = "cap_setfcap"
    case macOverride = "cap_mac_override"
    case macAdmin = "cap_mac_admin"
    case syslog = "cap_syslog"
    case wakeAlarm = "cap_wake_alarm"
    case blockSuspend = "cap_block_suspend"
    case auditRead = "cap_audit_read"
    case perfmon = "cap_perfmon"
    case bpf = "cap_bpf"
    case checkpointRestore = "cap_checkpoint_restore"

    /// The kernel's.
    public var number: Int { Self.numbers[self] ?? 0 }

    private static let numbers = Dictionary(uniqueKeysWithValues: zip(allCases, 0...))
}
