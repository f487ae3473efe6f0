import Host
import ReleaseHandling
import Supervision
import Wire

/// The listening sockets of all places. Whose each is is decided by `SocketTable`; this is its driver.
///
/// The service manager's descriptor store has each of them too, so that a daemon that was ended comes back to the
/// sockets of the one before, with the connections that waited in their backlogs.
@HostActor
final class ListeningSockets {
    private struct Open {
        let socket: ListeningSocket
        /// Of a unix socket: what its path led to when it was bound, or handed over.
        let file: FileIdentity?
    }

    private var table = SocketTable()
    private var open: [SocketTable.Number: Open] = [:]
    /// Whether nobody has the place now: another may have what it listens on.
    var isVacant: (ChildAddress) -> Bool = { _ in false }

    nonisolated init() {}

    /// Takes what the service manager, or the daemon's own re-execution, handed over.
    func inherit(_ descriptors: [InheritedDescriptor]) {
        for one in descriptors {
            // One that does not listen any more is as good as none.
            guard let socket = try? ListeningSocket.adopt(one.descriptor) else { continue }
            let number = table.inherit(storeName: one.name, socket.listenAddress)
            open[number] = Open(socket: socket, file: socket.file)
        }
    }

    /// The sockets of a spec in its order; bound now where they were not yet.
    func sockets(
        of place: ChildAddress, _ specs: [SocketSpec], for purpose: SocketTable.Purpose = .start
    ) throws(ListenError) -> [ListeningSocket] {
        let unreachable = table.candidates(for: specs).filter(isUnreachable)
        var result: [ListeningSocket] = []
        for spec in specs {
            let decision = table.decide(
                spec, of: place, for: purpose, unreachable: unreachable, isVacant: { isVacant($0) })
            result.append(try perform(decision, spec, place, purpose))
        }
        if purpose == .start { settle(place, specs) }
        return result
    }

    /// The place has these from now on, and no others.
    private func settle(_ place: ChildAddress, _ specs: [SocketSpec]) { perform(table.settle(place, specs)) }

    /// Its standby, which was given these, is the worker.
    func handOver(_ place: ChildAddress, _ specs: [SocketSpec]) { perform(table.handOver(place, specs)) }

    /// Its standby is gone: what was bound for that alone has nobody who accepts.
    func withdraw(_ place: ChildAddress) { perform(table.withdraw(place)) }

    /// Those of a standby's spec that it could not listen at beside its worker: it gets what that has.
    func borrowed(_ specs: [SocketSpec], of place: ChildAddress) -> [SocketSpec] {
        let unreachable = table.candidates(for: specs).filter(isUnreachable)
        return specs.filter { spec in
            let decision = table.decide(
                spec, of: place, for: .standby, unreachable: unreachable, isVacant: { isVacant($0) })
            if case .borrow = decision { return true }
            return false
        }
    }

    private func perform(
        _ decision: SocketTable.Decision, _ spec: SocketSpec, _ place: ChildAddress, _ purpose: SocketTable.Purpose
    ) throws(ListenError) -> ListeningSocket {
        switch decision {
        case .borrow(let number):
            if let socket = open[number]?.socket {
                table.borrowed(number, spec, of: place)
                return socket
            }
        case .held(let holder): throw ListenError.inUse(spec.listen, by: "\(holder)")
        case .bind(let closed):
            table.closed(closed)
            // Processes of before a handoff may have them for a moment still, on their way out.
            if purpose == .start {
                for case .close(let number) in closed { open[number]?.socket.stopListening() }
            }
            perform(closed)
        case .use(let number, let access):
            if let socket = open[number]?.socket {
                if access { try socket.setAccess(spec.access) }
                perform(table.took(number, spec, of: place, for: purpose, address: socket.address))
                return socket
            }
        }
        let socket = try ListeningSocket.bind(spec.listen, access: spec.access)
        let (number, actions) = table.bound(
            spec, of: place, for: purpose, address: socket.address, socket.listenAddress)
        open[number] = Open(socket: socket, file: socket.file)
        perform(actions)
        return socket
    }

    private func perform(_ actions: [SocketTable.Action]) {
        for action in actions {
            switch action {
            case .close(let number): open[number] = nil
            case .access(let number, let spec):
                // The worker serves whoever connects: an access that can't be set is told by its next start.
                try? open[number]?.socket.setAccess(spec.access)
            case .store(let number, let name):
                if let fd = open[number]?.socket.fd { SystemdNotify.store([fd], name: name) }
            case .unstore(let name): SystemdNotify.removeStored(name: name)
            }
        }
    }

    /// Whether its path leads elsewhere, or nowhere: whoever listened there has removed the file.
    private func isUnreachable(_ number: SocketTable.Number) -> Bool {
        guard let one = open[number] else { return false }
        guard let now = one.socket.file, let then = one.file else { return true }
        return now.device != then.device || now.inode != then.inode
    }

    /// Closes what nobody asked for: the release that booted has no such place.
    func forgetUnclaimed() { perform(table.forgetUnclaimed()) }

    /// Name and bound address of each, by name.
    func list(of place: ChildAddress) -> [(name: String, address: String)] {
        table.list(of: place).map { ($0.name, $0.address) }
    }

    func close(of place: ChildAddress) { perform(table.close(of: place)) }

    /// All of them, for the daemon's own re-execution.
    var all: [InheritedDescriptor] {
        table.all.compactMap { storeName, number in
            open[number].map { InheritedDescriptor(name: storeName, descriptor: $0.socket.descriptor) }
        }
    }

    /// For another daemon that goes on in this one's place.
    struct State: Codable {
        struct Socket: Codable {
            let number: SocketTable.Number
            let descriptor: Int32
            let file: FileIdentity?
        }

        let table: SocketTable
        let open: [Socket]

        var descriptors: [Int32] { open.map(\.descriptor) }
    }

    var state: State {
        State(
            table: table,
            open: open.map { State.Socket(number: $0.key, descriptor: $0.value.socket.fd, file: $0.value.file) })
    }

    /// Goes on where the daemon before stood: the service manager has the sockets by their names still.
    func goOn(_ state: State) throws(ListenError) {
        table = state.table
        for one in state.open {
            let socket = try ListeningSocket.adopt(OwnedDescriptor(one.descriptor))
            open[one.number] = Open(socket: socket, file: one.file)
        }
    }

    func closeAll() {
        table = SocketTable()
        open = [:]
    }
}

/// A descriptor with the name under which it is handed from one run of the daemon to the next.
public struct InheritedDescriptor: Sendable {
    let name: String
    let descriptor: OwnedDescriptor
}

extension SocketSpec {
    var access: SocketFileAccess {
        SocketFileAccess(mode: UInt32(mode), user: user, group: group)
    }
}
