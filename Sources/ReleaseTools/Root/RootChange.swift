import Host
import Instructions
import ReleaseHandling

/// A release root that no daemon uses while its files are changed by hand.
struct RootChange {
    private let root: String
    /// A daemon that runs has its own say.
    private let lock: FileLock

    /// - Parameter remedy: what else there is where a daemon uses the root, as a sentence.
    init(_ root: String, remedy: String) throws(ToolError) {
        self.root = root
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
            throw ToolError("the release root \(root) is in use by a release-handlerd", advice: remedy)
        }
        lock.giveToOwner(of: "\(root)/releases")
        self.lock = lock
    }

    /// - Parameter alsoStanding: as `RootState.read` has it.
    func state(alsoStanding: Bool = false) throws(ToolError) -> ReleaseTable.DiskState {
        let prefix = CheckTool.prefix(root)
        do {
            return try RootState(root, shown: { prefix + $0 }).read(alsoStanding: alsoStanding).state
        } catch {
            throw ToolError("\(error)", advice: "releasectl check \(root) tells all that is wrong with it.")
        }
    }

    func perform(_ writes: [ReleaseTable.DiskWrite]) throws(ToolError) {
        do {
            for write in writes { try perform(write) }
        } catch {
            throw ToolError(
                "\(error)",
                advice: (error as? SystemError)?.remedy(at: "\(root)/releases").map {
                    "It may be half done, and can be asked for once more; \($0)."
                })
        }
    }

    private func perform(_ write: ReleaseTable.DiskWrite) throws {
        switch write {
        case .releases(let releases):
            try put("releases/RELEASES", Array(releases.text().utf8))
        case .startErlData(let data):
            try put("releases/start_erl.data", Array(data.text().utf8))
        case .keepAside(let file):
            try put(
                file.asidePath, FileContents.read("\(root)/\(file.path)", limit: ReleaseFiles.maxFileBytes))
        case .bootAssessment(nil):
            try remove("releases/boot_assessment")
        case .removeNewStartErlData:
            try remove("releases/new_start_erl.data")
        case .removePending:
            try remove("releases/RELEASES.pending")
        case .bootAssessment, .newStartErlData, .pending, .placeDirectory, .removeDirectory,
            .file:
            break  // They are no part of these changes: the next start carries on what was cut short.
        }
    }

    private func put(_ name: String, _ bytes: [UInt8]) throws(SystemError) {
        try AtomicFile.write(
            "\(root)/\(name)", bytes, permissions: ConfidentialFiles.fileMode, groupOf: "\(root)/releases")
    }

    private func remove(_ name: String) throws(SystemError) {
        try Directory.removeTree("\(root)/\(name)")
        try AtomicFile.syncDirectory("\(root)/releases")
    }

    /// Throws where something is wrong with a release that `check` would tell as an error.
    static func check(_ record: ReleaseRecord, in root: String) throws(ToolError) {
        let files = ReleaseFiles.below(root, shownAfter: CheckTool.prefix(root))
        var review = ReleaseReview(record, files: files)
        review.run()
        guard let first = review.diagnostics.first(where: { $0.severity == .error }) else { return }
        let place = first.place.map { "\($0.file): " } ?? ""
        throw ToolError(
            "release \(record.vsn) would not boot as it is: \(place)\(first.text)",
            advice: "releasectl check \(root) tells all that is wrong with it; --force makes it permanent all the same."
        )
    }
}
