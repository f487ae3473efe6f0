import Glibc

/// A file that is too long to be held in memory while it is written: it lies beside its place under another name until
/// it is whole. `AtomicFile` for what comes in pieces.
struct UnfinishedFile {
    let path: String
    let temporary: String
    let descriptor: OwnedDescriptor

    init(_ path: String, permissions: UInt32 = 0o644) throws(SystemError) {
        self.path = path
        temporary = AtomicFile.temporaryName(path)
        descriptor = try OwnedDescriptor.open(
            temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode: permissions)
    }

    /// Makes what was written last, then gives it its name. Where it throws, call `discard`.
    func finish() throws(SystemError) {
        guard fsync(descriptor.raw) == 0 else { throw SystemError("fsync", errno, temporary) }
        try AtomicFile.place(temporary, at: path)
    }

    func discard() { unlink(temporary) }
}
