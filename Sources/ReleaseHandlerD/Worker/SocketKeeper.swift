import Host
import Instructions
import Supervision
import Terms

/// The listening sockets of all places: bound once, handed to every generation, closed when the place is gone.
@HostActor
final class SocketKeeper {
    private struct Kept {
        let listen: String
        let socket: ListeningSocket
    }

    private var kept: [ChildAddress: [String: Kept]] = [:]

    /// The sockets of a spec in its order; bound now where they were not yet.
    ///
    /// A socket whose `listen` differs from what is bound under its name is bound anew: the spec has changed.
    func sockets(of address: ChildAddress, _ specs: [SocketSpec]) throws(ListenError) -> [ListeningSocket] {
        var result: [ListeningSocket] = []
        for spec in specs {
            if let old = kept[address]?[spec.name], old.listen == spec.listen {
                result.append(old.socket)
                continue
            }
            let socket = try ListeningSocket.bind(spec.listen)
            kept[address, default: [:]][spec.name] = Kept(listen: spec.listen, socket: socket)
            result.append(socket)
        }
        return result
    }

    /// Name and bound address of each, by name.
    func list(of address: ChildAddress) -> [(name: String, address: String)] {
        (kept[address] ?? [:]).sorted { $0.key < $1.key }.map { ($0.key, $0.value.socket.address) }
    }

    func close(of address: ChildAddress) { kept[address] = nil }

    func closeAll() { kept = [:] }
}
