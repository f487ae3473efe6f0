import Host
import Instructions
import ReleaseHandling
import Terms
import Wire

/// A release root's disk: performs a change's writes in their order, repairs at start-up what was cut short.
///
/// All of it waits for the disk, so that none of it belongs on the reactor's thread; one at a time is the caller's to see
/// to (`ChangeLine`).
struct ReleaseDisk: Sendable {
    let root: ReleaseRoot
    let lock: FileLock

    /// What was found as the root was taken into use.
    struct Start: Sendable {
        let disk: ReleaseDisk
        let table: ReleaseTable
        /// What operations had left that were cut short, for the log.
        let notes: [String]
        /// Files that were gone, empty or damaged, and what was made of that.
        let repairs: [String]
        /// What others can change of it, for the log.
        let exposures: [RootExposure]
        /// What the processes of the run before are known by; empty where there was none.
        let earlierRun: String
        /// What the runs before have come to.
        let findings: [ReleaseTable.Finding]
        /// Why nothing can be written; nil where all that was to be written is.
        let obstacle: String?
        /// What a later change has to write first.
        let unwritten: [ReleaseTable.DiskWrite]
    }

    /// What a change came to. Where a write failed, the table is what stands on disk by then.
    struct Outcome: Sendable {
        let table: ReleaseTable
        let failure: (any Error)?
        /// Whether there was something to write, and all of it is.
        var hasWritten = false
        /// Whether what start-up could not write is by now.
        var hasCaughtUp = false
    }

    /// Takes the root into use, for as long as the result lives, and repairs it.
    ///
    /// - Parameter start: what the run before has left for this one.
    static func open(_ root: ReleaseRoot, _ start: RunStart = .ordinary) throws(BootError) -> Start {
        let exposures = RootExposure.found(in: root.path)
        if let refused = exposures.first(where: \.isRefused) {
            throw BootError("the release root can't be trusted: \(refused)")
        }
        let lock = try lock(root)
        let disk = ReleaseDisk(root: root, lock: lock)
        let earlierRun = lock.note()
        AtomicFile.removeLeftovers(in: root.releasesDirectory)
        AtomicFile.removeLeftovers(in: root.logDirectory)
        ReleaseArchive.removeLeftovers(in: root.path)
        do {
            let (state, unreadable) = try RootState(root.path).read()
            let recovery = try ReleaseTable.recover(
                state, booted: start.booted, continued: start.continued?.vsn, identity: root.directories.identity)
            let begun = ReleaseTable.Start(
                goesOn: start.goesOn, machineRun: MachineRun.current, seconds: WallClock.milliseconds() / 1000)
            let (change, findings) = recovery.table.assess(begun) { record in
                do throws(FileError) {
                    _ = try root.load(record)
                    return nil
                } catch {
                    return "\(error)"
                }
            }
            let (obstacle, unwritten) = disk.repair(recovery.writes + change.writes)
            root.reserve.keep()
            let notes = recovery.notes + [unreadable].compactMap(\.self).map(Self.unreadableAssessment)
            return Start(
                disk: disk, table: change.table, notes: notes, repairs: recovery.repairs, exposures: exposures,
                earlierRun: earlierRun, findings: findings, obstacle: obstacle, unwritten: unwritten)
        } catch {
            throw BootError("the release root \(root.path) can't be used: \(error)")
        }
    }

    /// As far as it can be done: a boot needs no write. What is not removed now is at the next start.
    ///
    /// - Returns: what was in the way, and what is not written.
    private func repair(_ writes: [ReleaseTable.DiskWrite]) -> (String?, [ReleaseTable.DiskWrite]) {
        var obstacle: String?
        var unwritten: [ReleaseTable.DiskWrite] = []
        var keepsPending = false
        for write in writes {
            let isRemoval =
                switch write {
                case .removeDirectory, .removePending: true
                case .releases, .startErlData, .newStartErlData, .removeNewStartErlData, .bootAssessment, .pending,
                    .placeDirectory, .keepAside, .file:
                    false
                }
            // What goes goes at the next start: no change has to wait for that.
            if isRemoval, keepsPending || !unwritten.isEmpty { continue }
            guard unwritten.isEmpty else {
                unwritten.append(write)
                continue
            }
            do {
                try perform(write, staging: nil)
            } catch {
                obstacle = obstacle ?? "\(error)"
                if isRemoval { keepsPending = true } else { unwritten.append(write) }
            }
        }
        if let obstacle { return (obstacle, unwritten) }
        do {
            // Nothing may have been there to write.
            try AtomicFile.probe(root.releasesDirectory)
        } catch {
            return ("\(error)", [])
        }
        return (nil, [])
    }

    /// Performs all writes of a change of `before`. Where one fails, the table becomes what stands on disk by then: what
    /// start-up would make of it, with what only the memory knows.
    ///
    /// - Parameters:
    ///   - unwritten: what comes before it, since it could not be written yet.
    ///   - staging: where a package was unpacked to.
    ///   - tell: told what is removed.
    func apply(
        _ change: ReleaseTable.Change, to before: ReleaseTable, after unwritten: [ReleaseTable.DiskWrite] = [],
        staging: String? = nil, tell: WorkTeller? = nil
    ) -> Outcome {
        defer { root.reserve.keep() }
        do {
            for write in unwritten { try perform(write, staging: nil) }
        } catch {
            // The table is ahead of the disk still.
            return Outcome(table: before, failure: error)
        }
        do {
            for write in change.writes { try perform(write, staging: staging, tell) }
            return Outcome(
                table: change.table, failure: nil, hasWritten: !(unwritten + change.writes).isEmpty, hasCaughtUp: true)
        } catch {
            return Outcome(table: adopted(before), failure: error, hasCaughtUp: true)
        }
    }

    /// From now on the processes of this run are those that the next one looks for.
    func beginRun(mark: String) throws(SystemError) { try lock.write(note: mark) }

    /// What the disk says, repaired as start-up would; where that fails too, start-up tries again.
    private func adopted(_ table: ReleaseTable) -> ReleaseTable {
        guard
            let recovery = try? ReleaseTable.recover(readableState(table), identity: root.directories.identity)
        else { return table }
        for write in recovery.writes {
            do {
                try perform(write, staging: nil)
            } catch {
                break  // The next ones may rely on it.
            }
        }
        return table.adopting(recovery.table)
    }

    // MARK: What stands there

    /// It only helps, so that it is left alone.
    private static func unreadableAssessment(_ reason: String) -> String {
        "what the runs before have come to can't be read, and is not taken into account: \(reason)"
    }

    /// A file that can't be read says what was last written to it.
    private func readableState(_ table: ReleaseTable) -> ReleaseTable.DiskState {
        func readable<Value>(_ file: String, _ parse: ([UInt8], String) throws(FileError) -> Value) -> Value? {
            guard let bytes = try? FileContents.read(file, limit: ReleaseRoot.maxFileBytes) else { return nil }
            return try? parse(bytes, file)
        }
        return ReleaseTable.DiskState(
            releases: readable(root.releasesFile, ReleasesFile.parse).map(root.directories.withForms)
                ?? table.releases.persistent,
            startErlData: readable(root.startErlData, StartErlData.parse) ?? table.startErlData,
            newStartErlData: readable(root.newStartErlData, StartErlData.parse),
            pending: readable(root.pendingFile, RootState.parsePending).map { $0.map(root.directories.form) },
            assessment: readable(root.bootAssessment, BootAssessment.parse))
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

    // MARK: Writing

    private func perform(_ write: ReleaseTable.DiskWrite, staging: String?, _ tell: WorkTeller? = nil) throws {
        switch write {
        case .releases(let releases):
            try put(root.releasesFile, Array(releases.text().utf8))
        case .startErlData(let data):
            try put(root.startErlData, Array(data.text().utf8))
        case .newStartErlData(let data):
            try put(root.newStartErlData, Array(data.text().utf8))
        case .bootAssessment(let assessment?):
            try put(root.bootAssessment, Array(assessment.text().utf8))
        case .bootAssessment(nil):
            try Directory.removeTree(root.bootAssessment)
            try AtomicFile.syncDirectory(root.releasesDirectory)
        case .removeNewStartErlData:
            try Directory.removeTree(root.newStartErlData)
            try AtomicFile.syncDirectory(root.releasesDirectory)
        case .pending(let directories):
            let text = TermText.format(terms: directories.map { Term.string($0) }, header: nil)
            try put(root.pendingFile, Array(text.utf8))
        case .removePending:
            try Directory.removeTree(root.pendingFile)
            try AtomicFile.syncDirectory(root.releasesDirectory)
        case .file(let file, let bytes):
            let target = root.resolve(file)
            try Directory.make(Paths.parent(of: target), permissions: ConfidentialFiles.directoryMode)
            // Nothing is kept for it: a full disk takes none.
            try AtomicFile.write(
                target, bytes, permissions: ConfidentialFiles.fileMode, groupOf: root.releasesDirectory)
        case .placeDirectory(let directory):
            guard let staging, FileNames.exists("\(staging)/\(directory)") else { return }
            let target = root.resolve(directory)
            try Directory.make(Paths.parent(of: target))
            try AtomicFile.place("\(staging)/\(directory)", at: target)
        case .removeDirectory(let directory):
            let target = root.resolve(directory)
            var removed = 0
            try Directory.removeTree(target) {
                removed += 1
                // A line for each file would cost more than the file.
                if removed % 100 == 1 { tell?(WorkStep("removing \(directory)", done: removed, .files)) }
            }
            // What lay in a directory that is gone as well needs no sync of it.
            let parent = Paths.parent(of: target)
            if FileNames.exists(parent) { try AtomicFile.syncDirectory(parent) }
        case .keepAside(let file):
            // By a copy: what is written anew takes its place, through a link where it is one.
            let path = root.resolve(file.path)
            guard FileNames.exists(path) else { return }
            try put(root.resolve(file.asidePath), FileContents.read(path, limit: ReleaseRoot.maxFileBytes))
        }
    }

    /// On a full disk from what is kept for it: a removal makes room, and has to be written down first.
    private func put(_ file: String, _ bytes: [UInt8]) throws(SystemError) {
        func write() throws(SystemError) {
            try AtomicFile.write(
                file, bytes, permissions: ConfidentialFiles.fileMode, groupOf: root.releasesDirectory)
        }
        do throws(SystemError) {
            try write()
        } catch {
            guard error.isLackOfSpace, root.reserve.release() else { throw error }
            try write()
        }
    }
}
