import ReleaseHandling
import Terms

/// Some nodes at a barrier, as barrier machines with channels between them, of which any may be killed at any message.
///
/// A channel has what one was told by another and has not taken yet, in order; the last of one that ended is that it has left.
struct BarrierWorld: Hashable {
    typealias Machine = BarrierMachine

    struct Channel: Hashable {
        let from: NodeName
        let to: NodeName
    }

    private(set) var machines: [NodeName: Machine] = [:]
    private(set) var channels: [Channel: [Machine.Event]] = [:]
    private(set) var verdicts: [NodeName: Machine.Verdict] = [:]
    private(set) var killed: Set<NodeName> = []
    /// Those whose time may still be up.
    private var mayBeOverdue: Set<NodeName>
    /// Who is still to learn from the directory that another one's daemon was killed.
    private var untold: Set<Channel> = []
    let names: [NodeName]

    init(_ count: Int, overdue: [Int] = []) {
        names = (1...count).map { NodeName("n\($0)@h")! }
        mayBeOverdue = Set(overdue.map { [names] in names[$0] })
        for name in names {
            let others = names.filter { $0 != name }
            machines[name] = Machine(own: name, others: others)
            for other in others { channels[Channel(from: other, to: name)] = [.joined(other)] }
        }
    }

    /// What may happen next. A node may be killed as it acts, whatever it has sent by then.
    func nexts(kills: Int) -> [BarrierWorld] {
        var nexts: [BarrierWorld] = []
        for (channel, events) in channels.sorted(by: { Self.isBefore($0.key, $1.key) }) {
            guard let event = events.first, machines[channel.to] != nil else { continue }
            var next = self
            next.channels[channel]?.removeFirst()
            nexts += next.handled(event, by: channel.to, kills: kills)
        }
        for name in names where mayBeOverdue.contains(name) && machines[name] != nil && verdicts[name] == nil {
            var next = self
            next.mayBeOverdue.remove(name)
            nexts += next.handled(.overdue, by: name, kills: kills)
        }
        for channel in untold.sorted(by: Self.isBefore) where machines[channel.to] != nil {
            var next = self
            next.untold.remove(channel)
            nexts += next.handled(.down(channel.from), by: channel.to, kills: kills)
        }
        return nexts
    }

    /// Killed before it has done anything.
    func killed(_ name: NodeName) -> BarrierWorld {
        var world = self
        world.kill(name)
        return world
    }

    private func handled(_ event: Machine.Event, by name: NodeName, kills: Int) -> [BarrierWorld] {
        var world = self
        guard var machine = world.machines[name] else { return [] }
        let actions = machine.handle(event)
        world.machines[name] = machine
        var worlds: [BarrierWorld] = []
        // As a list of single steps: what is sent to several is sent to one after the other.
        let steps = actions.flatMap { action -> [Machine.Action] in
            guard case .send(let message, let nodes) = action else { return [action] }
            return nodes.map { .send(message, to: [$0]) }
        }
        for step in steps {
            if world.killed.count < kills { worlds.append(world.killed(name)) }
            world.perform(step, of: name)
        }
        if world.killed.count < kills, world.machines[name] != nil { worlds.append(world.killed(name)) }
        return worlds + [world]
    }

    private mutating func perform(_ step: Machine.Action, of name: NodeName) {
        switch step {
        case .send(let message, let nodes):
            for node in nodes { channels[Channel(from: name, to: node)]?.append(.received(message, from: name)) }
        case .answer(.passed): verdicts[name] = .passed
        case .answer(.failed(let reason)): verdicts[name] = .failed(reason)
        case .answer(.nodesDown): break
        case .end: end(name)
        }
    }

    private mutating func kill(_ name: NodeName) {
        killed.insert(name)
        // What a dead node has decided counts for nobody.
        verdicts[name] = nil
        for other in names where other != name && machines[other] != nil {
            untold.insert(Channel(from: name, to: other))
        }
        end(name)
    }

    private mutating func end(_ name: NodeName) {
        machines[name] = nil
        for other in names where other != name {
            channels[Channel(from: other, to: name)] = nil
            channels[Channel(from: name, to: other)]?.append(.left(name))
        }
    }

    private static func isBefore(_ one: Channel, _ other: Channel) -> Bool {
        one.from == other.from ? one.to < other.to : one.from < other.from
    }
}
