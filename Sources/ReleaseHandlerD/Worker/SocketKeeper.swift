import Host
import Supervision
import Wire

/// The listening sockets of all places: bound once, handed to every generation, closed when the place is gone.
///
/// The service manager's descriptor store has each of them too, so that a daemon that was ended comes back to the
/// sockets of the one before, with the connections that waited in their backlogs. Source: sd_pid_notify_with_fds(3).
@HostActor
final class SocketKeeper {
    private struct Kept {
        let spec: SocketSpec
        let storeName: String
        let socket: ListeningSocket
    }

    private var kept: [ChildAddress: [String: Kept]] = [:]
    /// Whether nobody has the place now: another may have what it listens on.
    var isVacant: (ChildAddress) -> Bool = { _ in false }
    /// What the daemon before this one left, by store name, until a place asks for it.
    private var inherited: [String: OwnedDescriptor] = [:]

    nonisolated init() {}

    /// Takes what the service manager, or the daemon's own re-execution, handed over.
    func inherit(_ descriptors: [InheritedDescriptor]) {
        for one in descriptors { inherited[one.name] = one.descriptor }
    }

    /// The sockets of a spec in its order; bound now where they were not yet.
    ///
    /// A socket whose `listen` differs from what is bound under its name is bound anew: the spec has changed. One whose
    /// file has another access by now is given that, also one that the daemon before this one bound.
    func sockets(of address: ChildAddress, _ specs: [SocketSpec]) throws(ListenError) -> [ListeningSocket] {
        var result: [ListeningSocket] = []
        for spec in specs {
            if let old = kept[address]?[spec.name] {
                if old.spec.listen == spec.listen {
                    if old.spec != spec { try old.socket.setAccess(spec.access) }
                    kept[address]?[spec.name] = Kept(spec: spec, storeName: old.storeName, socket: old.socket)
                    result.append(old.socket)
                    continue
                }
                SystemdNotify.removeStored(name: old.storeName)
            }
            let storeName = Self.storeName(address, spec)
            let socket: ListeningSocket
            if let adopted = adopt(storeName) {
                do {
                    try adopted.setAccess(spec.access)
                } catch {
                    inherited[storeName] = adopted.descriptor
                    throw error
                }
                socket = adopted
            } else if let vacated = try takeVacated(spec) {
                socket = vacated
                SystemdNotify.store([socket.fd], name: storeName)
            } else {
                socket = try bind(spec, storeName)
            }
            kept[address, default: [:]][spec.name] = Kept(spec: spec, storeName: storeName, socket: socket)
            result.append(socket)
        }
        return result
    }

    private func adopt(_ storeName: String) -> ListeningSocket? {
        // One that does not listen any more is as good as none: it is bound anew.
        inherited.removeValue(forKey: storeName).flatMap { try? ListeningSocket.adopt($0) }
    }

    /// What a place had that is not in the tree any more: under another id a child may follow it in an upgrade.
    private func takeVacated(_ spec: SocketSpec) throws(ListenError) -> ListeningSocket? {
        for (address, sockets) in kept where isVacant(address) {
            guard let (name, found) = sockets.first(where: { $0.value.spec.listen == spec.listen }) else { continue }
            if found.spec.access != spec.access { try found.socket.setAccess(spec.access) }
            kept[address]?[name] = nil
            SystemdNotify.removeStored(name: found.storeName)
            return found.socket
        }
        return nil
    }

    private func bind(_ spec: SocketSpec, _ storeName: String) throws(ListenError) -> ListeningSocket {
        let socket: ListeningSocket
        do {
            socket = try ListeningSocket.bind(spec.listen, access: spec.access)
        } catch {
            guard error.isInUse else { throw error }
            if let holder = holder(of: spec.listen) { throw error.held(by: "\(holder)") }
            guard let left = try takeLeft(spec) else { throw error }
            socket = left
        }
        SystemdNotify.store([socket.fd], name: storeName)
        return socket
    }

    /// What the run before this one had at that address for a place of another name: its release called the child so.
    private func takeLeft(_ spec: SocketSpec) throws(ListenError) -> ListeningSocket? {
        for (name, descriptor) in inherited {
            guard let socket = try? ListeningSocket.adopt(descriptor), socket.isBound(to: spec.listen) else { continue }
            try socket.setAccess(spec.access)
            inherited[name] = nil
            // The store takes no socket that it has already, whatever the name.
            SystemdNotify.removeStored(name: name)
            return socket
        }
        return nil
    }

    private func holder(of listen: String) -> ChildAddress? {
        kept.filter { $0.value.values.contains { $0.socket.occupies(listen) } }.keys.min { "\($0)" < "\($1)" }
    }

    /// Closes what nobody asked for: the release that booted has no such place.
    func forgetUnclaimed() {
        for name in inherited.keys { SystemdNotify.removeStored(name: name) }
        inherited = [:]
    }

    /// Name and bound address of each, by name.
    func list(of address: ChildAddress) -> [(name: String, address: String)] {
        (kept[address] ?? [:]).sorted { $0.key < $1.key }.map { ($0.key, $0.value.socket.address) }
    }

    func close(of address: ChildAddress) {
        for one in (kept.removeValue(forKey: address) ?? [:]).values {
            SystemdNotify.removeStored(name: one.storeName)
        }
    }

    /// All of them, for the daemon's own re-execution.
    var all: [InheritedDescriptor] {
        kept.values.flatMap(\.values).map { InheritedDescriptor(name: $0.storeName, descriptor: $0.socket.descriptor) }
            .sorted { $0.name < $1.name }
    }

    func closeAll() { kept = [:] }

    /// A name that the store takes (at most 255 characters, no colon) and that is the same in every run: FNV-1a over
    /// the place, the socket's name and where it listens.
    private static func storeName(_ address: ChildAddress, _ spec: SocketSpec) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in "\(address)\n\(spec.name)\n\(spec.listen)".utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
        }
        return "listen-" + String(hash, radix: 16)
    }
}

/// A descriptor with the name under which it is handed from one run of the daemon to the next.
public struct InheritedDescriptor: Sendable {
    let name: String
    let descriptor: OwnedDescriptor
}

extension SocketSpec {
    fileprivate var access: SocketFileAccess {
        SocketFileAccess(mode: UInt32(mode), user: user, group: group)
    }
}
