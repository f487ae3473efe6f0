import CHost
import Glibc
import Instructions

/// A release that lies unpacked beside the root's own directories, whole and synced.
public struct StagedRelease: Sendable {
    public let package: String
    public let root: String
    /// Laid out as the root is.
    public let directory: String
    public let entries: [ArchiveEntry]

    /// What is moved as one: `lib/APP-VSN`, `releases/VSN`, `erts-VSN`, and single files in `lib` and `releases`.
    var units: [String] {
        var units: [String] = []
        var seen: Set<String> = []
        for entry in entries {
            let parts = entry.path.split(separator: "/")
            let isShared = parts[0] == "lib" || parts[0] == "releases"
            guard !isShared || parts.count > 1 else { continue }
            let unit = parts.prefix(isShared ? 2 : 1).joined(separator: "/")
            if seen.insert(unit).inserted { units.append(unit) }
        }
        return units
    }

    /// The `.rel` that says what the package is: `releases/NAME.rel`, as OTP packs it, or `releases/VSN/NAME.rel`.
    public var releaseResourceFile: String? {
        let files = entries.map(\.path).filter { path in
            let parts = path.split(separator: "/")
            return parts.first == "releases" && (2...3).contains(parts.count) && path.hasSuffix(".rel")
        }
        return files.min { ($0.split(separator: "/").count, $0) < ($1.split(separator: "/").count, $1) }
    }

    /// Removes it: nothing of the package stays.
    public func discard() {
        try? Directory.removeTree(directory)
    }

    /// Moves it into the root, and is gone then, whether or not it throws; where it throws, the root is as it was.
    ///
    /// What is there already must be the same (applications are shared between releases) and stays; only
    /// `releases/NAME.rel`, which OTP's packages have beside the one in `releases/VSN`, is replaced.
    public func moveIn() throws(ArchiveError) {
        defer { discard() }
        let missing = try missingUnits()
        var moved: [String] = []
        do throws(SystemError) {
            for unit in missing {
                try Directory.make(Paths.parent(of: "\(root)/\(unit)"))
                guard rename("\(directory)/\(unit)", "\(root)/\(unit)") == 0 else {
                    throw SystemError("rename", errno, "\(root)/\(unit)")
                }
                moved.append(unit)
            }
            for parent in Set(missing.map { Paths.parent(of: "\(root)/\($0)") }).sorted() + [root] {
                try AtomicFile.syncDirectory(parent)
            }
        } catch {
            for unit in moved where !Self.isReplaceable(unit) { try? Directory.removeTree("\(root)/\(unit)") }
            throw ArchiveError(package, .system(error))
        }
    }

    private func missingUnits() throws(ArchiveError) -> [String] {
        var missing: [String] = []
        for unit in units {
            let there = "\(root)/\(unit)"
            if access(there, F_OK) != 0 || Self.isReplaceable(unit) {
                missing.append(unit)
            } else if try !isSame(unit) {
                throw ArchiveError(package, .alreadyThere(unit))
            }
        }
        return missing
    }

    private func isSame(_ unit: String) throws(ArchiveError) -> Bool {
        do {
            return try Directory.isSame("\(directory)/\(unit)", "\(root)/\(unit)")
        } catch {
            throw ArchiveError(package, .system(error))
        }
    }

    private static func isReplaceable(_ unit: String) -> Bool {
        unit.hasPrefix("releases/") && unit.hasSuffix(".rel")
    }

    /// Directories that no entry of the package names are made for all.
    func closeConfidential() {
        let confidential = entries.map(\.path).filter(ConfidentialFiles.contain)
        let directories = Set(confidential.flatMap { Paths.parents(of: $0) }.filter(ConfidentialFiles.contain))
        for path in directories { _ = chmod("\(directory)/\(path)", ConfidentialFiles.directoryMode) }
        ConfidentialFiles.giveGroup(of: root, to: directories.union(confidential).map { "\(directory)/\($0)" })
    }

    /// Makes all of it last: renaming it makes it visible, and what is visible must survive a power cut.
    func sync() throws(ArchiveError) {
        // One call for the whole file system: a sync for each of a release's thousands of files takes seconds.
        do throws(SystemError) {
            let descriptor = try OwnedDescriptor.open(directory, O_RDONLY | O_DIRECTORY)
            let status = chost_syncfs(descriptor.raw)
            guard status == 0 else { throw SystemError("syncfs", -status, directory) }
            guard fchmod(descriptor.raw, 0o755) == 0 else { throw SystemError("fchmod", errno, directory) }
        } catch {
            throw ArchiveError(package, .system(error))
        }
    }
}
