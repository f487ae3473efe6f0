import Instructions
import Terms
import Wire

extension Upgrade {
    /// How far it is, for who looks.
    var summary: NodeStatus.Install {
        let script = entry.script
        return NodeStatus.Install(
            from: source, to: target, index: lastToldStep, count: script.count,
            text: script.indices.contains(lastToldStep) ? script[lastToldStep].term.description : "",
            elapsedMilliseconds: totalMilliseconds)
    }
}
