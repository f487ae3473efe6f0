import Glibc
import Host
import Instructions
import ReleaseHandling
import Wire

/// Why a package is not taken: one sentence that names the package and what is wrong in it.
struct PackageError: Error, CustomStringConvertible {
    let description: String
    /// The package may be right: the disk has no room, or does not take it.
    var isOfDisk = false
}

/// A package that lies unpacked beside the root's own directories, read and found to be a whole release.
struct UnpackedPackage: Sendable {
    let staged: StagedRelease
    let resource: ReleaseResource

    static func make(
        _ package: String, root: ReleaseRoot, tell: WorkTeller? = nil
    ) throws(PackageError) -> UnpackedPackage {
        guard package.hasPrefix("/") else {
            throw PackageError(description: "\(package): the package's path must be absolute")
        }
        let staged: StagedRelease
        do {
            staged = try ReleaseArchive.stage(package, under: root.path, tell: tell)
        } catch {
            throw PackageError(description: error.description, isOfDisk: error.isOfDisk)
        }
        tell?(WorkStep("checking it"))
        do {
            return try check(staged, root)
        } catch {
            staged.discard()
            // Paths of the directory that is gone by now would only mislead.
            let text = "\(error)".replacing("\(staged.directory)/", with: "")
            throw PackageError(description: "\(package): \(text)")
        }
    }

    private static func check(_ staged: StagedRelease, _ root: ReleaseRoot) throws -> UnpackedPackage {
        let stagedRoot = ReleaseRoot(path: staged.directory)
        let resource = try findResource(staged, stagedRoot)
        try staged.checkManifest(vsn: resource.vsn)
        var record = ReleaseRecord(resource, status: .unpacked)
        for index in record.libraries.indices {
            let library = record.libraries[index]
            let standing = root.resolve(library.directory)
            let brought = stagedRoot.resolve(library.directory)
            let isBrought = FileNames.exists(brought)
            if FileNames.exists(standing) {
                guard !isBrought || Directory.isSame(brought, standing) else {
                    throw PackageError(
                        description: """
                            \(library.directory) is in the release root with other contents; give the changed \
                            application another version
                            """)
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
        if FileNames.exists(standing), FileNames.exists(brought), !Directory.isSame(brought, standing) {
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

    /// `releases/NAME.rel`, as OTP packs it, or `releases/VSN/NAME.rel`; it is put in the second place.
    private static func findResource(_ staged: StagedRelease, _ stagedRoot: ReleaseRoot) throws -> ReleaseResource {
        guard let first = staged.releaseResourceFile else {
            throw PackageError(description: "no releases/NAME.rel in the package")
        }
        let resource = try ReleaseResource.parse(stagedRoot.read("\(staged.directory)/\(first)"), file: first)
        let place = "\(stagedRoot.releaseDirectory(resource.vsn))/\(resource.name).rel"
        if !FileNames.exists(place) {
            let directory = stagedRoot.releaseDirectory(resource.vsn)
            try Directory.make(directory, permissions: ConfidentialFiles.directoryMode)
            try AtomicFile.write(
                place, Array(resource.text().utf8), permissions: ConfidentialFiles.fileMode, groupOf: directory)
        }
        return resource
    }
}

extension ArchiveError {
    fileprivate var isOfDisk: Bool {
        guard case .system(let error) = kind else { return false }
        return [ENOSPC, EDQUOT, EROFS, EIO].contains(error.number)
    }
}
