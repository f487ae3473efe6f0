import Host
import Instructions
import ReleaseHandling
import Terms

/// The release table and the disk: performs a change's writes in their order, repairs at start-up what was cut short.
@HostActor
struct ReleaseStore {
    let root: ReleaseRoot
    private(set) var table: ReleaseTable
    /// What start-up found and repaired, for the log.
    let recoveryNotes: [String]

    private let lock: FileLock
    /// What the processes of the run before are known by; empty where there was none.
    let earlierRun: String

    init(root: ReleaseRoot) throws(BootError) {
        self.root = root
        lock = try Self.lock(root)
        earlierRun = lock.note()
        AtomicFile.removeLeftovers(in: root.releasesDirectory)
        AtomicFile.removeLeftovers(in: root.logDirectory)
        ReleaseArchive.removeLeftovers(in: root.path)
        do {
            let recovery = try ReleaseTable.recover(try Self.diskState(root))
            table = recovery.table
            recoveryNotes = recovery.notes
            for write in recovery.writes { try Self.perform(write, in: root, staging: nil) }
        } catch {
            throw BootError("the release root \(root.path) can't be used: \(error)")
        }
    }

    /// Performs all writes, then takes over the table. Where a write fails, the table becomes what stands on disk by
    /// then: what start-up would make of it.
    ///
    /// `staging`: where a package was unpacked to.
    mutating func apply(_ change: ReleaseTable.Change, staging: String? = nil) throws {
        for directory in change.required where !FileNames.exists(root.resolve(directory)) {
            throw SystemError("stat", 2, root.resolve(directory))
        }
        do {
            for write in change.writes { try Self.perform(write, in: root, staging: staging) }
        } catch {
            adoptDisk()
            throw error
        }
        table = change.table
    }

    /// Takes over what the disk says, and repairs it as start-up would; where that fails too, start-up tries again.
    private mutating func adoptDisk() {
        guard let recovery = try? ReleaseTable.recover(readableDiskState()) else { return }
        table = table.adopting(recovery.table)
        for write in recovery.writes {
            do {
                try Self.perform(write, in: root, staging: nil)
            } catch {
                return  // The next ones may rely on it.
            }
        }
    }

    /// From now on the processes of this run are those that the next one looks for.
    func beginRun() throws(SystemError) { try lock.write(note: EarlierRun.currentMark) }

    /// A file that can't be read says what was last written to it.
    private func readableDiskState() -> ReleaseTable.DiskState {
        ReleaseTable.DiskState(
            releases: Self.readable(root.releasesFile, ReleasesFile.parse) ?? table.releases.persistent,
            startErlData: Self.readable(root.startErlData, StartErlData.parse) ?? table.startErlData,
            newStartErlData: Self.readable(root.newStartErlData, StartErlData.parse),
            pending: Self.readable(root.pendingFile, Self.parsePending))
    }

    private static func readable<Value>(
        _ file: String, _ parse: ([UInt8], String) throws(FileError) -> Value
    ) -> Value? {
        guard let bytes = try? FileContents.read(file, limit: ReleaseRoot.maxFileBytes) else { return nil }
        return try? parse(bytes, file)
    }

    /// What a change that failed has come to, for its error.
    func sentence(since before: ReleaseTable) -> String {
        guard table != before else { return "the releases are as they were" }
        let boots = table.startErlData.releaseVsn
        return "it was half done, and which-releases shows what it came to; release \(boots) boots next"
    }

    /// Two daemons on one root would write over each other.
    private static func lock(_ root: ReleaseRoot) throws(BootError) -> FileLock {
        guard FileNames.exists(root.releasesDirectory) else {
            throw BootError("\(root.path) is no release root: it has no directory releases")
        }
        let lock: FileLock?
        do {
            lock = try FileLock(root.lockFile)
        } catch {
            throw BootError("the release root \(root.path) can't be locked: \(error)")
        }
        guard let lock else {
            throw BootError("the release root \(root.path) is in use by another release-handlerd: stop it first")
        }
        return lock
    }

    private static func diskState(_ root: ReleaseRoot) throws(FileError) -> ReleaseTable.DiskState {
        func read<Value>(
            _ file: String, _ parse: ([UInt8], String) throws(FileError) -> Value
        ) throws(FileError) -> Value? {
            guard FileNames.exists(file) else { return nil }
            return try parse(root.read(file), file)
        }
        return ReleaseTable.DiskState(
            releases: try read(root.releasesFile, ReleasesFile.parse),
            startErlData: try read(root.startErlData, StartErlData.parse),
            newStartErlData: try read(root.newStartErlData, StartErlData.parse),
            pending: try read(root.pendingFile, parsePending))
    }

    private static func parsePending(_ bytes: [UInt8], _ file: String) throws(FileError) -> [String] {
        do {
            let directories = try TermText.parseTerms(bytes).compactMap(\.term.asString)
            // Nothing outside the root is ever removed, whatever the file says.
            return directories.filter { !$0.hasPrefix("/") && !$0.split(separator: "/").contains("..") && !$0.isEmpty }
        } catch {
            throw FileError(file: file, position: error.position, message: error.message)
        }
    }

    private static func perform(_ write: ReleaseTable.DiskWrite, in root: ReleaseRoot, staging: String?) throws {
        switch write {
        case .releases(let releases):
            try AtomicFile.write(root.releasesFile, Array(releases.text().utf8))
        case .startErlData(let data):
            try AtomicFile.write(root.startErlData, Array(data.text().utf8))
        case .newStartErlData(let data):
            try AtomicFile.write(root.newStartErlData, Array(data.text().utf8))
        case .removeNewStartErlData:
            try Directory.removeTree(root.newStartErlData)
            try AtomicFile.syncDirectory(root.releasesDirectory)
        case .pending(let directories):
            let text = TermText.format(terms: directories.map { Term.string($0) }, header: nil)
            try AtomicFile.write(root.pendingFile, Array(text.utf8))
        case .removePending:
            try Directory.removeTree(root.pendingFile)
            try AtomicFile.syncDirectory(root.releasesDirectory)
        case .placeDirectory(let directory):
            guard let staging, FileNames.exists("\(staging)/\(directory)") else { return }
            let target = root.resolve(directory)
            try Directory.make(ReleaseRoot.parent(of: target))
            try AtomicFile.place("\(staging)/\(directory)", at: target)
        case .removeDirectory(let directory):
            let target = root.resolve(directory)
            try Directory.removeTree(target)
            try AtomicFile.syncDirectory(ReleaseRoot.parent(of: target))
        }
    }
}
