import Host
import Terms

/// Every process of this node that has not ended, those without a place in the tree included: none is left behind.
@HostActor
final class Processes {
    private(set) var generations: [ObjectIdentifier: Generation] = [:]
    /// Processes of no worker, such as health commands.
    private(set) var others = 0
    /// Called whenever one has ended.
    var onEnd: @HostActor () -> Void = {}

    nonisolated init() {}

    var isEmpty: Bool { generations.isEmpty && others == 0 }

    func started(_ generation: Generation) { generations[ObjectIdentifier(generation)] = generation }

    func ended(_ generation: Generation) {
        generations[ObjectIdentifier(generation)] = nil
        onEnd()
    }

    func startedOther() { others += 1 }

    func endedOther() {
        others -= 1
        onEnd()
    }

    func killAll() {
        for generation in generations.values { generation.kill(reason: .atom("killed")) }
    }
}
