import Host
import ReleaseHandling

/// The traces of upgrades that failed or stand still, in the release root: `log/upgrade-TIME-VSN.trace`, the newest few.
enum UpgradeTraces {
    static let keptCount = 20

    /// Writes it and lets the oldest go; returns its path. On any thread: it takes as long as the disk likes.
    static func write(_ trace: MachineTrace, in root: ReleaseRoot) throws(SystemError) -> String {
        let directory = root.logDirectory
        try Directory.make(directory, permissions: ConfidentialFiles.directoryMode)
        let path = "\(directory)/\(prefix)\(WallClock.fileName())-\(trace.beginning.toRelease)\(suffix)"
        // What workers gave as reasons is nobody's business but the administrator's.
        try AtomicFile.write(path, Array(trace.text().utf8), permissions: 0o600)
        // By name is by time.
        let traces = Directory.names(directory).filter { $0.hasPrefix(prefix) && $0.hasSuffix(suffix) }
        for name in traces.dropLast(keptCount) { try Directory.removeTree("\(directory)/\(name)") }
        return path
    }

    private static let prefix = "upgrade-"
    private static let suffix = ".trace"
}
