import Host
import Supervision
import Terms
import Wire
import Instructions
import ReleaseHandling

/// The workers, flat, as they are shown.
extension Node {
    func workerSummaries() -> [WorkerSummary] {
        tree.allChildren().filter { $0.spec.type == .worker }.map { child in
            let place = places[child.address]
            let generation = place?.current
            return WorkerSummary(
                address: child.address.description, state: state(of: child, place), pid: generation?.pid,
                generation: generation?.number, module: child.spec.start.module.name, vsn: generation?.vsnText,
                restarts: child.restarts,
                sockets: sockets.list(of: child.address).map { SocketSummary(name: $0.name, address: $0.address) },
                rssAnonKiB: generation.flatMap { ProcessMemory.rssAnonKiB(pid: $0.pid) },
                ageSeconds: generation.map(\.ageSeconds), status: generation?.status)
        }
    }

    /// What a child is at, as people are told it: a place knows more than its supervisor does.
    func state(of child: ChildStatus, _ place: Place?) -> TreeNode.State {
        if let place {
            switch place.state {
            case .suspending, .suspended, .resuming: return .suspended
            case .stopping, .discarding: return .stopping
            case .empty, .starting, .running: break
            }
        }
        switch child.state {
        case .starting: return .starting
        case .running: return .running
        case .restarting: return .restarting
        case .undefined: return .undefined
        }
    }
}

extension Generation {
    /// What it reported, as people write it; else the beginning of its file's SHA-256.
    var vsnText: String? {
        if let vsn = vsn.ifDefined { return vsn.asText ?? vsn.description }
        return code.map { String($0.version.sha256.prefix(12)) }
    }

    var ageSeconds: Double { Double(Reactor.nowMilliseconds() - startedAtMilliseconds) / 1000 }
}
