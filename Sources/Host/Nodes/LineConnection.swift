import Glibc

/// A connection between two programs of this machine that say lines to each other.
///
/// Who says more than a line may have, or is of another user, is let go.
@HostActor
public final class LineConnection {
    private let descriptor: OwnedDescriptor
    private var watch: Watch?
    private var pending: [UInt8] = []
    /// Called with each line, without its newline, and with nil at the end, once and last.
    private var onLine: ((String?) -> Void)?

    private static let lineBytes = 16 * 1024
    private static let readBytes = 4_096

    init(_ descriptor: OwnedDescriptor) throws(SystemError) {
        self.descriptor = descriptor
        // The `struct ucred` of unix(7), which Glibc shows with _GNU_SOURCE only: pid, uid and gid.
        var credentials: (pid: Int32, uid: UInt32, gid: UInt32) = (0, 0, 0)
        var length = socklen_t(MemoryLayout.size(ofValue: credentials))
        guard getsockopt(descriptor.raw, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0 else {
            throw SystemError("getsockopt SO_PEERCRED", errno)
        }
        guard credentials.uid == 0 || credentials.uid == geteuid() else { throw SystemError("SO_PEERCRED", EACCES) }
    }

    public func follow(_ onLine: @escaping @HostActor (String?) -> Void) {
        self.onLine = onLine
        watch = try? Reactor.shared.watch(descriptor.raw, .read) { [weak self] _ in self?.receive() }
        if watch == nil { Reactor.shared.soon { [weak self] in self?.finish() } }
    }

    /// The few lines of a barrier always have room. Where the other side is gone, `follow` tells.
    public func say(_ line: String) {
        let bytes = Array("\(line)\n".utf8)
        _ = send(descriptor.raw, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    private func receive() {
        var chunk = [UInt8](repeating: 0, count: Self.readBytes)
        let count = read(descriptor.raw, &chunk, chunk.count)
        if count < 0, errno == EAGAIN || errno == EINTR { return }
        guard count > 0 else { return finish() }
        pending += chunk.prefix(count)
        while let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
            let line = String(decoding: pending[..<end], as: UTF8.self)
            pending.removeSubrange(...end)
            onLine?(line)
        }
        if pending.count > Self.lineBytes { finish() }
    }

    private func finish() {
        watch?.cancel()
        watch = nil
        let onLine = self.onLine
        self.onLine = nil
        onLine?(nil)
    }

    /// Its end is not told.
    public func end() {
        onLine = nil
        watch?.cancel()
        watch = nil
    }
}
