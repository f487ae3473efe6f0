import Host
import Terms

/// Every process of this node that has not ended, those without a place in the tree included: none is left behind.
@HostActor
final class Processes {
    private(set) var generations: [ObjectIdentifier: Generation] = [:]
    /// Processes of no worker, such as health commands.
    private var others: [ObjectIdentifier: ProgramRun] = [:]
    /// Called whenever one has ended.
    var onEnd: @HostActor () -> Void = {}

    nonisolated init() {}

    var isEmpty: Bool { generations.isEmpty && others.isEmpty }

    func started(_ generation: Generation) { generations[ObjectIdentifier(generation)] = generation }

    func ended(_ generation: Generation) {
        generations[ObjectIdentifier(generation)] = nil
        onEnd()
    }

    var otherCount: Int { others.count }

    func started(_ run: ProgramRun) { others[ObjectIdentifier(run)] = run }

    func ended(_ run: ProgramRun) {
        others[ObjectIdentifier(run)] = nil
        onEnd()
    }

    func killAll() {
        for run in others.values { run.kill() }
        for generation in generations.values { generation.kill(reason: .atom("killed")) }
    }
}
