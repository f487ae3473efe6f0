import Host
import Instructions
import ReleaseHandling

/// Makes another release of a root the one that boots, while no daemon uses the root: the way back by hand where the permanent release does not boot.
public struct PermanentTool {
    public struct Result: Hashable, Sendable {
        public let vsn: String
        /// What was permanent before; the same where nothing was to be done.
        public let former: String
    }

    private let vsn: String
    private let root: String
    private let isForced: Bool
    private let files: ReleaseFiles

    /// - Parameters:
    ///   - root: the release root's path.
    ///   - isForced: whether it may be a release in which something is wrong.
    public init(_ vsn: String, root: String, isForced: Bool = false) {
        self.vsn = vsn
        self.root = root
        self.isForced = isForced
        files = .below(root, shownAfter: CheckTool.prefix(root))
    }

    public func run() throws(ToolError) -> Result {
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        let table = try table()
        let former = table.startErlData.releaseVsn
        let record: ReleaseRecord
        let change: ReleaseTable.Change
        do {
            record = try table.release(vsn)
            change = try table.settingPermanent(vsn)
        } catch {
            let known = table.releases.releases.map(\.vsn).joined(separator: ", ")
            throw ToolError("\(error)", advice: "The releases of \(root) are \(known).")
        }
        if !isForced { try check(record) }
        for write in change.writes { try perform(write) }
        return Result(vsn: vsn, former: former)
    }

    /// A daemon that runs has its own say.
    private func lock() throws(ToolError) -> FileLock {
        guard Directory.isDirectory("\(root)/releases") else {
            throw ToolError(
                "\(root) is no release root: it has no directory releases",
                advice: "Give the root with --root, such as /var/lib/release-handler.")
        }
        let lock: FileLock?
        do {
            lock = try FileLock("\(root)/releases/.lock")
        } catch {
            throw ToolError(
                "the release root \(root) can't be locked: \(error)",
                advice: error.remedy(at: "\(root)/releases").map { "Nothing was changed; \($0)." })
        }
        guard let lock else {
            throw ToolError(
                "the release root \(root) is in use by a release-handlerd",
                advice:
                    "While it runs, releasectl install-release \(vsn) and releasectl make-permanent \(vsn) do it; else stop it first: "
                    + "systemctl stop release-handlerd")
        }
        return lock
    }

    private func table() throws(ToolError) -> ReleaseTable {
        func read<Value>(
            _ name: String, _ parse: ([UInt8], String) throws(FileError) -> Value
        ) throws(FileError) -> Value? {
            files.has(name) ? try files.parse(name, parse) : nil
        }
        let directories = RootDirectories(FileNames.withoutLinks(root) ?? root)
        do {
            let releases = try read("releases/RELEASES", ReleasesFile.parse).map(directories.withForms)
            // What names no release is what this is there to mend.
            let data = try? read("releases/start_erl.data", StartErlData.parse)
            let isKnown = data.map { releases?.release($0.releaseVsn) != nil } ?? false
            let disk = ReleaseTable.DiskState(releases: releases, startErlData: isKnown ? data : nil)
            return try ReleaseTable.recover(disk, identity: directories.identity).table
        } catch {
            throw ToolError("\(error)", advice: "releasectl check \(root) tells all that is wrong with it.")
        }
    }

    private func check(_ record: ReleaseRecord) throws(ToolError) {
        var review = ReleaseReview(record, files: files)
        review.run()
        guard let first = review.diagnostics.first(where: { $0.severity == .error }) else { return }
        let place = first.place.map { "\($0.file): " } ?? ""
        throw ToolError(
            "release \(vsn) would not boot as it is: \(place)\(first.text)",
            advice: "releasectl check \(root) tells all that is wrong with it; --force makes it permanent all the same."
        )
    }

    private func perform(_ write: ReleaseTable.DiskWrite) throws(ToolError) {
        do {
            switch write {
            case .releases(let releases):
                try AtomicFile.write("\(root)/releases/RELEASES", Array(releases.text().utf8))
            case .startErlData(let data):
                try AtomicFile.write("\(root)/releases/start_erl.data", Array(data.text().utf8))
            case .bootAssessment(nil):
                try Directory.removeTree("\(root)/releases/boot_assessment")
                try AtomicFile.syncDirectory("\(root)/releases")
            case .bootAssessment, .newStartErlData, .removeNewStartErlData, .pending, .removePending, .placeDirectory,
                .removeDirectory:
                break  // It is no part of this change.
            }
        } catch {
            throw ToolError(
                "\(error)",
                advice: error.remedy(at: "\(root)/releases").map {
                    "It may be half done, and can be asked for once more; \($0)."
                })
        }
    }
}
