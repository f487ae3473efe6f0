import CArchive
import Glibc

extension ReleaseArchive {
    /// Writes a package, whole or not at all, and reads it back as `unpack-release` does.
    ///
    /// The bytes depend on the entries, their order, and nothing else: owner, group and time are 0, permissions 0755 or
    /// 0644, and the gzip header has no time and no name. (zlib decides how well it compresses: another version of it may
    /// give other bytes.) Source: libarchive's archive_write(3), archive_write_set_options(3).
    public static func write(
        _ package: String, _ entries: [PackageEntry], limits: Limits = Limits()
    ) throws(PackageWritingError) {
        let file: UnfinishedFile
        do {
            file = try UnfinishedFile(package)
        } catch {
            throw PackageWritingError(package, .system(error))
        }
        do throws(PackageWritingError) {
            let sizes = try PackageWriter(package: package, descriptor: file.descriptor).write(entries)
            try check(file, entries, sizes, limits)
            do {
                try file.finish()
            } catch {
                throw PackageWritingError(package, .system(error))
            }
        } catch {
            file.discard()
            throw error
        }
    }

    private static func check(
        _ file: UnfinishedFile, _ entries: [PackageEntry], _ sizes: [Int], _ limits: Limits
    ) throws(PackageWritingError) {
        let found: [ArchiveEntry]
        do {
            found = try ArchiveReader.read(file.path, file.descriptor, limits) { _, _, _ throws(ArchiveError) in }
        } catch {
            throw PackageWritingError(file.path, .notUnpackable(error))
        }
        let expected = zip(entries, sizes).map { entry, size in
            ArchiveEntry(
                path: entry.path, kind: entry.contents == .directory ? .directory : .file(size: size),
                isExecutable: entry.contents == .directory || entry.isExecutable)
        }
        guard found == expected else { throw PackageWritingError(file.path, .damaged) }
    }
}

/// One pass of writing.
private final class PackageWriter {
    private let package: String
    private let archive: OpaquePointer

    init(package: String, descriptor: OwnedDescriptor) throws(PackageWritingError) {
        self.package = package
        guard let archive = archive_write_new() else { throw PackageWritingError(package, .archive("no memory")) }
        self.archive = archive
        // GNU's format has names as the bytes that they are; pax would convert them by the locale.
        let isReady =
            archive_write_set_format_gnutar(archive) == ARCHIVE_OK
            && archive_write_add_filter_gzip(archive) == ARCHIVE_OK
            && archive_write_set_filter_option(archive, "gzip", "timestamp", nil) == ARCHIVE_OK
            && archive_write_set_filter_option(archive, "gzip", "compression-level", "6") == ARCHIVE_OK
            && archive_write_open_fd(archive, descriptor.raw) == ARCHIVE_OK
        guard isReady else { throw failed() }
    }

    deinit { archive_write_free(archive) }

    /// Returns how many bytes each has, 0 for a directory.
    func write(_ entries: [PackageEntry]) throws(PackageWritingError) -> [Int] {
        var sizes: [Int] = []
        for entry in entries { sizes.append(try write(entry)) }
        guard archive_write_close(archive) == ARCHIVE_OK else { throw failed() }
        return sizes
    }

    private func write(_ entry: PackageEntry) throws(PackageWritingError) -> Int {
        switch entry.contents {
        case .directory:
            try header(entry, size: 0)
            return 0
        case .bytes(let bytes):
            try header(entry, size: bytes.count)
            try data(bytes)
            return bytes.count
        case .file(let path, let sha256):
            let file: ModuleFile
            do {
                file = try ModuleFile(path)
            } catch {
                throw PackageWritingError(package, .archive("\(error)"))
            }
            try header(entry, size: file.identity.size)
            guard try copy(file) == sha256 else { throw PackageWritingError(package, .changed(path)) }
            return file.identity.size
        }
    }

    private func header(_ entry: PackageEntry, size: Int) throws(PackageWritingError) {
        let raw = archive_entry_new()
        defer { archive_entry_free(raw) }
        let isDirectory = entry.contents == .directory
        archive_entry_set_pathname(raw, isDirectory ? entry.path + "/" : entry.path)
        archive_entry_set_filetype(raw, isDirectory ? S_IFDIR : S_IFREG)
        archive_entry_set_perm(raw, isDirectory || entry.isExecutable ? 0o755 : 0o644)
        archive_entry_set_size(raw, Int64(size))
        archive_entry_set_mtime(raw, 0, 0)
        archive_entry_set_uid(raw, 0)
        archive_entry_set_gid(raw, 0)
        guard archive_write_header(archive, raw) == ARCHIVE_OK else { throw failed() }
    }

    private func data(_ bytes: [UInt8]) throws(PackageWritingError) {
        guard archive_write_data(archive, bytes, bytes.count) == bytes.count else { throw failed() }
    }

    /// Returns the SHA-256 of what was packed: as many bytes as the header says.
    private func copy(_ file: ModuleFile) throws(PackageWritingError) -> String {
        var hash = SHA256()
        var offset = 0
        while offset < file.identity.size {
            let bytes: [UInt8]
            do {
                bytes = try file.read(at: offset, count: min(256 * 1024, file.identity.size - offset))
            } catch {
                throw PackageWritingError(package, .archive("\(error)"))
            }
            guard !bytes.isEmpty else { throw PackageWritingError(package, .changed(file.path)) }
            hash.update(bytes)
            try data(bytes)
            offset += bytes.count
        }
        return hash.finalize()
    }

    private func failed() -> PackageWritingError {
        // libarchive's own numbers are for what is wrong with the entries.
        let number = archive_errno(archive)
        let isOfSystem = [ENOSPC, EDQUOT, EROFS, EIO, EFBIG].contains(number)
        return PackageWritingError(
            package,
            isOfSystem ? .system(SystemError("write", number)) : .archive(ArchiveReader.message(archive)))
    }
}
