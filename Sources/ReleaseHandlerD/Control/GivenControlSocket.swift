import Glibc
import Host
import ReleaseHandling

/// The control socket that the service manager has made (`release-handlerd.socket`), where there is one.
///
/// The manager listens there before the daemon does and after it, and starts it for whoever connects. So the daemon makes no file and
/// removes none, and what it executes in its place gets the socket again, by the same name as the manager gives it.
///
/// Source: sd_listen_fds(3); systemd.socket(5), `FileDescriptorName=`.
struct GivenControlSocket {
    /// None of the names that workers' sockets have in the manager's store (`SocketTable.storeName`).
    static let name = "control"

    let inherited: InheritedDescriptor?

    /// Of what the manager gave, or the run before this one.
    init(among received: [InheritedDescriptor]) {
        inherited = received.first { $0.name == Self.name && Self.listens($0.descriptor) }
    }

    /// Where the daemon before, in whose place this one goes on, had one.
    ///
    /// - Throws: ``BootError`` where no further descriptor can be had.
    init(of state: ControlConnections.State) throws(BootError) {
        guard state.inode == ControlConnections.State.notOurs else {
            inherited = nil
            return
        }
        // That one is the control server's, which closes it at its end.
        let copy = fcntl(state.listener, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { throw BootError("\(SystemError("fcntl F_DUPFD_CLOEXEC", errno, "the control socket"))") }
        inherited = InheritedDescriptor(name: Self.name, descriptor: OwnedDescriptor(copy))
    }

    /// For the next run: none, or the one.
    var all: [InheritedDescriptor] { inherited.map { [$0] } ?? [] }

    /// Where it listens elsewhere than somebody has said: who said that would look for it there.
    func warning(unlessAt path: String) -> String? {
        guard let address = inherited.flatMap({ try? ListeningSocket.adopt($0.descriptor).address }), address != path
        else { return nil }
        return
            "the control interface listens at \(address), where the service manager does, and not at \(path): for another path "
            + "change ListenStream= of the socket unit"
    }

    private static func listens(_ descriptor: OwnedDescriptor) -> Bool {
        guard let socket = try? ListeningSocket.adopt(descriptor) else { return false }
        switch socket.listenAddress {
        case .path?, .abstract?: return true
        case .internet?, .internet6?, .allAddresses?, nil: return false
        }
    }
}
