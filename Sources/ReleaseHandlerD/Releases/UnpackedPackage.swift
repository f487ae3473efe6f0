import Host
import Instructions
import ReleaseHandling
import Terms
import Wire

/// What is wrong in a package: one sentence.
private struct PackageError: Error, CustomStringConvertible {
    let description: String
}

/// A package that lies unpacked beside the root's own directories, read and found to be a whole release.
struct UnpackedPackage: Sendable {
    let staged: StagedRelease
    let resource: ReleaseResource

    /// - Parameter table: the releases that the root has.
    static func make(
        _ package: String, root: ReleaseRoot, besides table: ReleaseTable, tell: WorkTeller? = nil
    ) throws(ControlError) -> UnpackedPackage {
        guard package.hasPrefix("/") else {
            throw invalid(package, "\(package): the package's path must be absolute")
        }
        let staged: StagedRelease
        do {
            staged = try ReleaseArchive.stage(package, under: root.path, tell: tell)
        } catch {
            switch error.kind {
            case .notRead(let error): throw .packageUnreadable(package, error)
            case .system(let error): throw notUnpacked(package, error, root)
            default: throw invalid(package, error.description)
            }
        }
        tell?(WorkStep("checking it"))
        do {
            return try check(staged, root, table)
        } catch {
            staged.discard()
            if let error = error as? ControlError { throw error }
            if let error = error as? SystemError { throw notUnpacked(package, error, root) }
            // Paths of the directory that is gone by now would only mislead.
            let text = "\(error)".replacing("\(staged.directory)/", with: "")
            throw invalid(package, "\(package): \(text)")
        }
    }

    private static func invalid(_ package: String, _ sentence: String) -> ControlError {
        ControlError(.packageInvalid, sentence, details: ["package": package])
    }

    private static func notUnpacked(_ package: String, _ error: SystemError, _ root: ReleaseRoot) -> ControlError {
        .notWritten(
            error, root: root.path, words: "\(package): can't be unpacked:", outcome: "nothing of it stays",
            isUnchanged: true, details: ["package": package])
    }

    private static func check(
        _ staged: StagedRelease, _ root: ReleaseRoot, _ table: ReleaseTable
    ) throws -> UnpackedPackage {
        let stagedRoot = ReleaseRoot(path: staged.directory)
        guard let resource = try staged.placedResource() else {
            throw PackageError(description: "no releases/NAME.rel in the package")
        }
        // Before what it brings is compared with what that release has by now.
        if let there = table.releases.release(resource.vsn) { throw existing(there, package: staged.package) }
        try staged.checkManifest(vsn: resource.vsn)
        var record = ReleaseRecord(resource, status: .unpacked)
        for index in record.libraries.indices {
            let library = record.libraries[index]
            let standing = root.resolve(library.directory)
            let brought = stagedRoot.resolve(library.directory)
            let isBrought = FileNames.exists(brought)
            if FileNames.exists(standing) {
                guard try !isBrought || Directory.isSame(brought, standing) else {
                    throw PackageError(description: otherContents(library.directory, root, table))
                }
                record.libraries[index].directory = standing
            }
        }
        let emulator = record.emulatorDirectory
        guard
            record.ertsVsn == Emulator.vsn || FileNames.exists(root.resolve(emulator))
                || FileNames.exists(stagedRoot.resolve(emulator))
        else {
            throw PackageError(
                description: """
                    it needs \(emulator), which is neither in the package nor in the release root; this daemon is \
                    erts-\(Emulator.vsn)
                    """)
        }
        let (standing, brought) = (root.resolve(emulator), stagedRoot.resolve(emulator))
        if FileNames.exists(standing), FileNames.exists(brought), try !Directory.isSame(brought, standing) {
            throw PackageError(
                description: """
                    \(emulator) is in the release root with other contents; give the changed daemon another version
                    """)
        }
        // All that an install will read is read now, from where it will lie.
        _ = try stagedRoot.load(record)
        if let relup = try stagedRoot.relup(resource.vsn), relup.vsn != resource.vsn {
            throw PackageError(
                description: "releases/\(resource.vsn)/relup is for \(relup.vsn), the release is \(resource.vsn)")
        }
        return UnpackedPackage(staged: staged, resource: resource)
    }

    // MARK: What the root has already

    private static func existing(_ release: ReleaseRecord, package: String) -> ControlError {
        let (vsn, status) = (release.vsn, release.status.atom.name)
        let remedy =
            switch release.status {
            case .unpacked, .old: "to unpack it anew, remove it first: releasectl remove-release \(vsn)"
            case .permanent, .current, .tmpCurrent: "give what was changed in it a release of another version"
            }
        return ControlError(
            .badStatus, "release \(vsn) is in the release root already, and is \(status); \(remedy)",
            details: ["vsn": vsn, "status": status, "package": package])
    }

    private static func otherContents(_ directory: String, _ root: ReleaseRoot, _ table: ReleaseTable) -> String {
        let users = table.releases.releases.filter {
            $0.directories.map(root.resolve).contains(root.resolve(directory))
        }
        let remedy =
            users.isEmpty
            ? "no release uses it: remove it, rm -r \(root.resolve(directory)), or give the changed application another version"
            : "give the changed application another version"
        return "\(directory) is in the release root with other contents; \(remedy)"
    }
}
