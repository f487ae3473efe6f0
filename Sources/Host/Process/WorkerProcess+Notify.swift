import CHost
import Glibc

/// The socket behind one program's NOTIFY_SOCKET: the daemon's, bound before the program starts.
///
/// Its address is abstract: a program that may write to no directory of ours reaches it, and nothing is left of it. That
/// others can reach it too is why each message's sender is looked at.
struct NotifyState {
    let descriptor: OwnedDescriptor
    /// As NOTIFY_SOCKET has it: `@` and the name that the system chose.
    let address: String
    var watch: Watch?
    /// Whether a stranger's message was told of: the first one is enough.
    var hasToldOfStranger = false

    init() throws(SystemError) {
        let kind = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let raw = socket(AF_UNIX, kind, 0)
        guard raw >= 0 else { throw SystemError("socket", errno) }
        descriptor = OwnedDescriptor(raw)
        var on: Int32 = 1
        guard setsockopt(raw, SOL_SOCKET, SO_PASSCRED, &on, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
            throw SystemError("setsockopt SO_PASSCRED", errno)
        }
        // An address of the family alone asks for a name that nobody has: unix(7), "Autobind feature".
        var family = sa_family_t(AF_UNIX)
        let bound = withUnsafeMutablePointer(to: &family) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(raw, $0, socklen_t(MemoryLayout<sa_family_t>.size))
            }
        }
        guard bound == 0 else { throw SystemError("bind", errno) }
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(raw, $0, &length) }
        }
        address = SocketAddress.text(storage, length)
    }
}

extension WorkerProcess {
    func watchNotify() throws(SystemError) {
        guard let notify else { return }
        self.notify?.watch = try Reactor.shared.watch(notify.descriptor.raw, .read) { [self] _ in
            // A program that says ever more has its turn with all the others.
            for _ in 0..<Limits.notificationsPerTurn where receiveNotification() {}
        }
    }

    func closeNotify() {
        notify?.watch?.cancel()
        notify = nil
    }

    /// What the program had said before it ended.
    func drainNotify() {
        for _ in 0..<Limits.drainedNotifications {
            guard receiveNotification() else { return }
        }
    }

    /// False where nothing is left to read.
    private func receiveNotification() -> Bool {
        guard let notify else { return false }
        var sender: Int32 = 0
        var user: UInt32 = 0
        let room = min(ProgramNotification.limit, Self.readBuffer.count)
        let length = chost_receive_notification(
            notify.descriptor.raw, Self.readBuffer.baseAddress!, room, &sender, &user)
        guard length >= 0 else { return false }
        if isOwn(sender, user) {
            let bytes = UnsafeRawBufferPointer(rebasing: Self.readBuffer[..<length])
            deliver(.notification(ProgramNotification(bytes)))
        } else if !notify.hasToldOfStranger {
            self.notify?.hasToldOfStranger = true
            deliver(.strangeNotification(pid: sender))
        }
        return true
    }

    /// Whether the kernel's word on the sender makes it the program or one of its process group. One that has ended since,
    /// as `systemd-notify --no-block` has, counts by the user that it had: that user may do with the program what it likes.
    private func isOwn(_ sender: Int32, _ user: UInt32) -> Bool {
        if sender == pid { return true }
        guard sender > 0 else { return false }
        let group = getpgid(sender)
        if group >= 0 { return group == pid }
        return user == 0 || ProcessUsers.of(pid: pid).contains(user)
    }
}
