import Glibc
import Host
import Instructions
import ReleaseHandling
import Terms

/// The check of a release root: what starting the daemon on it would find, then each of its releases.
struct RootCheck {
    private let root: String
    private let files: ReleaseFiles
    private let directories: RootDirectories

    init(_ root: String) {
        self.root = root
        files = .below(root, shownAfter: CheckTool.prefix(root))
        directories = RootDirectories(FileNames.withoutLinks(root) ?? root)
    }

    func run() -> CheckTool.Result {
        var result = CheckTool.Result()
        if let error = forbidden() {
            result.diagnostics.append(error)
            return result
        }
        guard Directory.isDirectory("\(root)/releases") else {
            result.diagnostics.append(
                Diagnostic(
                    .error, code: "no_root", "\(root) is no release root: it has no directory releases",
                    advice: "Give the root itself, such as /var/lib/release-handler, or a package."))
            return result
        }
        result.diagnostics += RootExposure.found(in: root).map { exposure in
            Diagnostic(
                exposure.isRefused ? .error : .warning, code: "exposed_root", "\(exposure)",
                advice: exposure.isRefused ? "The daemon does not start with it." : "The daemon warns of it.")
        }
        let table = recover(&result.diagnostics)
        var reviews: [ReleaseReview] = []
        for record in table?.releases.releases ?? [] {
            result.releases.append(CheckTool.Release(name: record.name, vsn: record.vsn, status: record.status))
            var review = ReleaseReview(record, files: files)
            review.run()
            reviews.append(review)
        }
        for index in reviews.indices {
            for base in reviews { reviews[index].reviewCoverage(against: base) }
            result.diagnostics += reviews[index].diagnostics
            result.diagnostics += manifest(reviews[index].record)
            result.diagnostics += emulator(reviews[index].record)
        }
        if let table { result.diagnostics += unknown(table) }
        var seen: Set<Diagnostic> = []
        // Releases share applications, and so their mistakes.
        result.diagnostics = result.diagnostics.filter { seen.insert($0).inserted }
        return result
    }

    // MARK: What the daemon starts from

    private func recover(_ diagnostics: inout [Diagnostic]) -> ReleaseTable? {
        var disk: ReleaseTable.DiskState
        do {
            disk = try RootState(root, shown: files.shown).read().state
            // What an operation has in hand, or left, is among the directories that belong to no release.
            disk.pending = nil
        } catch {
            diagnostics.append(unread(error))
            return nil
        }
        do {
            let recovery = try ReleaseTable.recover(disk, identity: directories.identity)
            diagnostics += (recovery.notes + recovery.repairs).map {
                Diagnostic(.warning, code: "repaired", $0, advice: "The daemon repairs it when it starts.")
            }
            return recovery.table
        } catch {
            diagnostics.append(
                Diagnostic(
                    .error, code: "bad_releases", "\(error)",
                    place: SourcePlace(file: files.shown("releases"), position: nil),
                    advice: "The daemon does not start with it."))
            return nil
        }
    }

    /// Where this user may not even look at what the root has.
    private func forbidden() -> Diagnostic? {
        do throws(SystemError) {
            _ = try FileStatus(of: "\(root)/releases")
            return nil
        } catch {
            guard error.number == EACCES else { return nil }
            return unread(FileError(file: files.shown("releases"), position: nil, message: error.reason))
        }
    }

    /// What this user may not read the daemon may: nothing is known of it then.
    private func unread(_ error: FileError) -> Diagnostic {
        guard error.message == SystemError.reason(EACCES) else {
            return Diagnostic(error, code: "bad_releases", advice: "The daemon does not start with it.")
        }
        return Diagnostic(
            .error, code: "unreadable", "user \(geteuid()), as whom this runs, may not read it",
            place: SourcePlace(file: error.file, position: nil), advice: "Run check as root, or as the root's owner.")
    }

    /// Directories that no release has: what an operation left, or what somebody put there.
    private func unknown(_ table: ReleaseTable) -> [Diagnostic] {
        let known = Set(table.releases.releases.flatMap(\.directories).map(directories.identity))
        let found =
            Directory.names("\(root)/releases").map { "releases/\($0)" }
            + Directory.names("\(root)/lib").map { "lib/\($0)" }
        return found.filter { name in
            !known.contains(directories.identity(name)) && Directory.isDirectory("\(root)/\(name)")
        }.map { name in
            Diagnostic(
                .warning, code: "unknown_directory", "\(name) belongs to no release",
                place: SourcePlace(file: files.shown(name), position: nil),
                advice: "Nothing uses it: remove it, or bring its release with unpack-release.")
        }
    }

    private func emulator(_ record: ReleaseRecord) -> [Diagnostic] {
        let directory = record.emulatorDirectory
        guard !files.has(directory) else { return [] }
        return [
            Diagnostic(
                .warning, code: "no_emulator", "release \(record.vsn) needs \(directory), which is not in the root",
                place: SourcePlace(file: files.shown("\(record.releaseDirectory)/\(record.name).rel"), position: nil),
                advice: "It boots only where the installed daemon is of that version: release-handlerd --version.")
        ]
    }

    // MARK: Whether files are what was unpacked

    private func manifest(_ record: ReleaseRecord) -> [Diagnostic] {
        let name = PackageManifest.path(vsn: record.vsn)
        guard files.has(name) else { return [] }
        let manifest: PackageManifest
        do {
            manifest = try files.parse(name, PackageManifest.parse)
        } catch {
            return [Diagnostic(error, code: "bad_manifest")]
        }
        let libraries = record.libraries.map { "\($0.directory)/" }
        return manifest.digests.sorted { $0.key < $1.key }.compactMap { file, digest in
            // releases/NAME.rel stays in the package, and what another release brought is told there.
            let isHere =
                file.hasPrefix("\(record.releaseDirectory)/") || libraries.contains(where: file.hasPrefix)
            guard isHere else { return nil }
            guard let path = files.locate(file) else {
                return difference(file, name, "is gone, though the package brought it")
            }
            guard (try? FileDigest.sha256(path)) != digest else { return nil }
            return difference(file, name, "is not what the package brought: it was changed since")
        }
    }

    private func difference(_ file: String, _ manifest: String, _ what: String) -> Diagnostic {
        Diagnostic(
            .error, code: "changed_file", "\(file) \(what)",
            place: SourcePlace(file: files.shown(file), position: nil),
            advice: "\(manifest) has its digest. Take the file out of the package again: "
                + "tar -xzf PACKAGE.tar.gz -C \(root) \(file)")
    }
}
