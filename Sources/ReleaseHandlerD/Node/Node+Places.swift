import Host
import Supervision

/// When a place is forgotten, its sockets with it: not while anything may start its child again.
extension Node {
    func forgetGonePlaces() {
        for address in emptyPlaces where !isWanted(address) {
            emptyPlaces.remove(address)
            places[address] = nil
            switch phase {
            case .stopping, .ended: break  // A node that goes down leaves its sockets to the next run: `end` decides.
            case .idle, .starting, .running, .upgrading: sockets.close(of: address)
            }
        }
    }

    /// Whether the child is specified, or will be again: a supervisor above it is being restarted, or its application was
    /// stopped by a script that is not at its end.
    private func isWanted(_ address: ChildAddress) -> Bool {
        if tree.child(at: address) != nil { return true }
        var above = address.parent
        while let place = above {
            if let supervisor = tree.supervisor(at: place) { return supervisor.phase != .running }
            if let child = tree.child(at: place) {
                switch child.state {
                case .starting, .running, .restarting: return true
                case .undefined: return false
                }
            }
            above = place.parent
        }
        return upgrade != nil
    }
}
