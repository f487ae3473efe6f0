import CHost
import Glibc
import Instructions
import Synchronization

/// Files that a power cut leaves either as they were or as they were to be.
///
/// In this order: a new file in the same directory is written and synced, takes the name by rename(2), and the
/// directory is synced. Source: rename(2), fsync(2).
public enum AtomicFile {
    private static let written = Atomic<Int>(0)

    /// Writes `bytes` as the whole contents of `path`. Where it throws, the file of that name is as it was, except
    /// where the error is of syncing the directory: then it is new, but a power cut may still take it back.
    ///
    /// A file that is there keeps its owner and group, and its mode where `permissions` is nil (0644 for a new one); a
    /// symbolic link stays, and what it leads to is replaced.
    ///
    /// - Parameter groupOf: whose group a new file has, where it may be given to that.
    public static func write(
        _ path: String, _ bytes: [UInt8], permissions: UInt32? = nil, groupOf model: String? = nil,
        calls: FileSystemCalls = .system
    ) throws(SystemError) {
        let path = try followed(path)
        let directory = Paths.split(path).directory
        let temporary = temporaryName(path)
        let former = FileAccess(of: path)
        // One who may not read the former file may not read the new one meanwhile either.
        let mode = former == nil ? permissions ?? 0o644 : 0o600
        let descriptor = calls.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode)
        guard descriptor >= 0 else { throw SystemError("open", -descriptor, temporary) }
        do throws(SystemError) {
            do throws(SystemError) {
                try former?.give(to: descriptor, permissions: permissions, temporary)
                if former == nil, let model { FileAccess.giveGroup(of: model, to: descriptor) }
            } catch {
                _ = calls.close(descriptor)
                throw error
            }
            try fill(descriptor, bytes, temporary, calls)
            let status = calls.rename(temporary, path)
            guard status == 0 else { throw SystemError("rename", -status, path) }
        } catch {
            _ = calls.unlink(temporary)
            throw error
        }
        try syncDirectory(directory, calls: calls)
    }

    /// Throws why no file can be made in `directory`; nothing stays there.
    public static func probe(_ directory: String) throws(SystemError) {
        let name = temporaryName("\(directory)/probe")
        let descriptor = chost_open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError("open", errno, directory) }
        close(descriptor)
        unlink(name)
    }

    /// Makes what happened to the names in `directory` last. Source: fsync(2).
    public static func syncDirectory(_ directory: String, calls: FileSystemCalls = .system) throws(SystemError) {
        let descriptor = calls.open(directory, O_RDONLY | O_DIRECTORY, 0)
        guard descriptor >= 0 else { throw SystemError("open", -descriptor, directory) }
        let status = calls.sync(descriptor)
        _ = calls.close(descriptor)
        guard status == 0 else { throw SystemError("fsync", -status, directory) }
    }

    /// Gives the finished file or directory `source` the name `target`, and makes that last.
    ///
    /// A file takes the place of another; a directory that has the name already must have the same contents (this
    /// was done before, or two releases share it), otherwise EEXIST is thrown.
    public static func place(
        _ source: String, at target: String, calls: FileSystemCalls = .system
    ) throws(SystemError) {
        if Directory.isDirectory(target) {
            guard try Directory.isSame(source, target) else { throw SystemError("rename", EEXIST, target) }
        } else {
            let status = calls.rename(source, target)
            guard status == 0 else { throw SystemError("rename", -status, target) }
        }
        try syncDirectory(Paths.split(target).directory, calls: calls)
    }

    /// Removes what writes that a crash cut off left in `directory`. Only before anything is written there.
    public static func removeLeftovers(in directory: String) {
        for name in Directory.names(directory) where isTemporary(name) { unlink("\(directory)/\(name)") }
    }

    /// Where the links lead that `path` itself names, the last of which may lead to nothing yet.
    private static func followed(_ path: String) throws(SystemError) -> String {
        var path = path
        for _ in 0..<maxLinks {
            guard (try? FileStatus(ofLink: path))?.kind == .symbolicLink else { return path }
            guard let target = Directory.linkTarget(path) else { throw SystemError("readlink", errno, path) }
            let text = Directory.text(target)
            path = text.hasPrefix("/") ? text : "\(Paths.split(path).directory)/\(text)"
        }
        throw SystemError("open", ELOOP, path)
    }

    /// As many as the kernel follows. Source: path_resolution(7).
    private static let maxLinks = 40

    private static func fill(
        _ descriptor: Int32, _ bytes: [UInt8], _ path: String, _ calls: FileSystemCalls
    ) throws(SystemError) {
        var failure: SystemError?
        var written = 0
        while written < bytes.count, failure == nil {
            let count = bytes.withUnsafeBytes {
                calls.write(descriptor, UnsafeRawBufferPointer(rebasing: $0[written...]))
            }
            if count > 0 {
                written += count
            } else if count != -Int(EINTR) {
                failure = SystemError("write", count == 0 ? EIO : Int32(-count), path)
            }
        }
        if failure == nil {
            let status = calls.sync(descriptor)
            if status != 0 { failure = SystemError("fsync", -status, path) }
        }
        let status = calls.close(descriptor)
        if status != 0, failure == nil { failure = SystemError("close", -status, path) }
        if let failure { throw failure }
    }

    /// `.NAME.new-PID-NUMBER` in the same directory: no two are the same.
    static func temporaryName(_ path: String) -> String {
        let (directory, name) = Paths.split(path)
        let number = written.add(1, ordering: .relaxed).newValue
        return "\(directory)/.\(name).new-\(getpid())-\(number)"
    }

    private static func isTemporary(_ name: String) -> Bool {
        let parts = name.split(separator: "-")
        guard name.hasPrefix("."), parts.count >= 3, parts[parts.count - 3].hasSuffix(".new") else { return false }
        return parts.suffix(2).allSatisfy { part in part.utf8.allSatisfy { (48...57).contains($0) } }
    }
}
