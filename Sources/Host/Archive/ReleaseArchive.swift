import CArchive
import Glibc
import Synchronization
public import Wire

/// Release packages as `systools:make_tar` lays them out: `.tar.gz` with `lib/`, `releases/` and perhaps `erts-VSN/`.
///
/// A package is a stranger's: its whole listing is checked before anything is written, what is written goes to a
/// directory of its own, and only a whole release is moved into the root.
/// Source: libarchive's archive_read(3), archive_write_disk(3).
public enum ReleaseArchive {
    public struct Limits: Sendable {
        public var entries: Int
        /// Of all files together, unpacked.
        public var bytes: Int

        public init(entries: Int = 100_000, bytes: Int = 8 * 1024 * 1024 * 1024) {
            self.entries = entries
            self.bytes = bytes
        }
    }

    private static let unpacked = Atomic<Int>(0)
    private static let stagingPrefix = ".unpacking-"

    /// Checks and unpacks `package` into `root`. Where it throws, `root` is as it was.
    @discardableResult
    public static func unpack(
        _ package: String, into root: String, limits: Limits = Limits()
    ) throws(ArchiveError) -> [ArchiveEntry] {
        let staged = try stage(package, under: root, limits: limits)
        try staged.moveIn()
        return staged.entries
    }

    /// Checks and unpacks `package` into a new directory under `root`, for a look at it before it is moved in.
    ///
    /// - Parameters:
    ///   - isForALook: it will not be moved in, so nothing of it needs to survive a power cut.
    ///   - tell: told how far it is.
    public static func stage(
        _ package: String, under root: String, limits: Limits = Limits(), isForALook: Bool = false,
        tell: WorkTeller? = nil
    ) throws(ArchiveError) -> StagedRelease {
        let descriptor: OwnedDescriptor
        do {
            descriptor = try OwnedDescriptor.open(package, O_RDONLY | O_NONBLOCK)
        } catch {
            throw ArchiveError(package, .notRead(error))
        }
        guard let status = try? FileStatus(of: descriptor.raw), status.kind == .file else {
            throw ArchiveError(package, .unreadable("not a regular file"))
        }
        func meter(_ text: String) -> ReadMeter? { tell.map { ReadMeter(text, of: status.size, $0) } }
        // Both passes read one open file, and the second checks again what it finds: a package that is changed
        // in between can make it fail, but not get an entry past the rules.
        let listed = try ArchiveReader.read(
            package, descriptor, limits, meter("reading the package")
        ) { _, _, _ throws(ArchiveError) in }
        guard listed.contains(where: { $0.kind != .directory }) else { throw ArchiveError(package, .empty) }

        let number = unpacked.add(1, ordering: .relaxed).newValue
        let directory = "\(root)/\(stagingPrefix)\(getpid())-\(number)"
        do throws(SystemError) {
            try Directory.make(root)
            guard mkdir(directory, 0o700) == 0 else { throw SystemError("mkdir", errno, directory) }
        } catch {
            throw ArchiveError(package, .system(error))
        }
        let staged: StagedRelease
        do throws(ArchiveError) {
            let meter = meter("unpacking")
            let writer = try ArchiveWriter(package: package, directory: directory, meter)
            let written = try ArchiveReader.read(package, descriptor, limits, meter, writer.write)
            guard written == listed else {
                throw ArchiveError(package, .unreadable("it was changed while it was read"))
            }
            try writer.finish()
            staged = StagedRelease(package: package, root: root, directory: directory, entries: listed)
            if !isForALook {
                staged.closeConfidential()
                tell?(WorkStep("writing it to the disk"))
                try staged.sync()
            }
        } catch {
            try? Directory.removeTree(directory)
            throw error
        }
        return staged
    }

    /// Removes what an unpacking that a crash cut off left under `root`. Only before anything is unpacked there.
    public static func removeLeftovers(in root: String) {
        for name in Directory.names(root) where isStaging(name) { try? Directory.removeTree("\(root)/\(name)") }
    }

    /// Whether a directory of that name is one to which a package is unpacked.
    static func isStaging(_ name: String) -> Bool { name.hasPrefix(stagingPrefix) }
}

/// One pass over a package.
enum ArchiveReader {
    typealias Visit = (OpaquePointer, OpaquePointer, ArchiveEntry) throws(ArchiveError) -> Void

    /// Reads from the beginning, checks each entry and gives it to `visit` with the archive and its raw entry.
    static func read(
        _ package: String, _ descriptor: OwnedDescriptor, _ limits: ReleaseArchive.Limits, _ meter: ReadMeter? = nil,
        _ visit: Visit
    ) throws(ArchiveError) -> [ArchiveEntry] {
        guard let archive = archive_read_new() else { throw ArchiveError(package, .unreadable("no memory")) }
        defer { archive_read_free(archive) }
        archive_read_support_filter_gzip(archive)
        archive_read_support_format_tar(archive)
        lseek(descriptor.raw, 0, SEEK_SET)
        guard archive_read_open_fd(archive, descriptor.raw, 64 * 1024) == ARCHIVE_OK else {
            throw ArchiveError(package, problem(archive))
        }
        var rules = ArchiveRules(package: package, limits: limits)
        while true {
            var entry: OpaquePointer?
            meter?.has(read: bytesRead(archive))
            switch archive_read_next_header(archive, &entry) {
            case ARCHIVE_OK:
                guard let entry else { return rules.entries }
                if let accepted = try rules.accept(entry) { try visit(archive, entry, accepted) }
            case ARCHIVE_EOF:
                return rules.entries
            default:
                throw ArchiveError(package, problem(archive))
            }
        }
    }

    /// Of the package as it is, compressed. Source: archive_filter(3), `archive_filter_bytes`.
    static func bytesRead(_ archive: OpaquePointer) -> Int { Int(archive_filter_bytes(archive, -1)) }

    /// What its disk refused is no fault of the package's; libarchive has numbers of its own (EILSEQ, EINVAL, -1) for those.
    static func problem(_ archive: OpaquePointer) -> ArchiveError.Kind {
        let number = archive_errno(archive)
        let isOfSystem = [EIO, ENXIO, ENOMEM, ESTALE, ETIMEDOUT].contains(number)
        return isOfSystem ? .notRead(SystemError("read", number)) : .unreadable(message(archive))
    }

    static func message(_ archive: OpaquePointer) -> String {
        archive_error_string(archive).map { String(cString: $0) } ?? "damaged"
    }
}

/// Writes entries below one directory.
final class ArchiveWriter {
    private let package: String
    /// Free of symbolic links, which libarchive refuses to write through.
    private let directory: String
    private let disk: OpaquePointer
    private let meter: ReadMeter?

    init(package: String, directory: String, _ meter: ReadMeter? = nil) throws(ArchiveError) {
        self.package = package
        self.meter = meter
        guard let real = realpath(directory, nil) else {
            throw ArchiveError(package, .system(SystemError("realpath", errno, directory)))
        }
        self.directory = String(cString: real)
        free(real)
        guard let disk = archive_write_disk_new() else { throw ArchiveError(package, .unreadable("no memory")) }
        self.disk = disk
        // The rules keep links and ".." away already; these hold where the rules should be wrong.
        let flags =
            ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_SECURE_SYMLINKS | ARCHIVE_EXTRACT_SECURE_NODOTDOT
            | ARCHIVE_EXTRACT_NO_OVERWRITE
        archive_write_disk_set_options(disk, flags)
    }

    func write(_ archive: OpaquePointer, _ raw: OpaquePointer, _ entry: ArchiveEntry) throws(ArchiveError) {
        archive_entry_set_pathname(raw, "\(directory)/\(entry.path)")
        let isConfidential = ConfidentialFiles.contain(entry.path)
        switch entry.kind {
        case .directory:
            archive_entry_set_perm(raw, isConfidential ? ConfidentialFiles.directoryMode : 0o755)
        case .file:
            let mode = entry.isExecutable ? 0o755 : 0o644 as UInt32
            archive_entry_set_perm(raw, isConfidential ? mode & ~0o027 : mode)
        case .hardLink(let target):
            archive_entry_set_hardlink(raw, "\(directory)/\(target)")
            archive_entry_set_size(raw, 0)
        case .symbolicLink:
            break
        }
        guard archive_write_header(disk, raw) == ARCHIVE_OK else { throw failed(raw) }
        if case .file(let size) = entry.kind, size > 0 { try copy(archive, raw) }
        guard archive_write_finish_entry(disk) == ARCHIVE_OK else { throw failed(raw) }
    }

    private func copy(_ archive: OpaquePointer, _ raw: OpaquePointer) throws(ArchiveError) {
        while true {
            var block: UnsafeRawPointer?
            var count = 0
            var offset: Int64 = 0
            switch archive_read_data_block(archive, &block, &count, &offset) {
            case ARCHIVE_OK:
                guard archive_write_data_block(disk, block, count, offset) >= ARCHIVE_OK else { throw failed(raw) }
                meter?.has(read: ArchiveReader.bytesRead(archive))
            case ARCHIVE_EOF:
                return
            default:
                throw ArchiveError(package, ArchiveReader.problem(archive))
            }
        }
    }

    /// Ends the writing: directories get their permissions now.
    func finish() throws(ArchiveError) {
        guard archive_write_close(disk) == ARCHIVE_OK else {
            throw ArchiveError(package, .system(SystemError("close", archive_errno(disk), directory)))
        }
    }

    deinit { archive_write_free(disk) }

    private func failed(_ raw: OpaquePointer) -> ArchiveError {
        let path = archive_entry_pathname(raw).map { String(cString: $0) } ?? directory
        return ArchiveError(package, .system(SystemError("write", archive_errno(disk), path)))
    }
}
