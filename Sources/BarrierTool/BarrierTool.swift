import Glibc
public import Host
public import ReleaseHandling
import Terms

/// `releasectl barrier`: the driver of one `BarrierMachine`, for the nodes of one machine.
///
/// It listens at a socket of its own in the nodes' directory and connects to those whose names come before its own, as they come up;
/// so every two of them have one connection. Both say who they are first: `{hello, Node}.`
@HostActor
public final class BarrierTool {
    private let request: BarrierRequest
    private let directory: NodeDirectory
    private let say: (BarrierAnswer) -> Void
    private var machine: BarrierMachine
    private var meeting: Meeting?
    private var meetings: DirectoryWatch?
    private var nodes: NodesWatch?
    private var timer: ScheduledTimer?
    private var connections: [NodeName: LineConnection] = [:]
    /// Those that have not said yet who they are.
    private var strangers: [ObjectIdentifier: LineConnection] = [:]
    private var then: (() -> Void)?

    private static let maximumStrangers = 2 * BarrierRequest.maximumNodes

    public init(
        _ request: BarrierRequest, in directory: NodeDirectory, say: @escaping @HostActor (BarrierAnswer) -> Void
    ) {
        self.request = request
        self.directory = directory
        self.say = say
        machine = BarrierMachine(own: request.node, others: request.others)
    }

    /// `then` is called once, when it has said all.
    public func start(then: @escaping @HostActor () -> Void) throws(SystemError) {
        self.then = then
        meeting = try Meeting(
            NodeDirectory.meeting(request.id, of: request.node), in: directory.meetings,
            onConnection: { [weak self] in self?.greet($0, as: nil) })
        meetings = try DirectoryWatch([directory.meetings]) { [weak self] in self?.connect() }
        let nodes = NodesWatch(in: directory, began: request.beganMilliseconds) { [weak self] in self?.handle(.down($0))
        }
        self.nodes = nodes
        try nodes.start(request.others)
        timer = Reactor.shared.schedule(afterMilliseconds: request.timeoutMilliseconds) { [weak self] in
            self?.handle(.overdue)
        }
        perform(machine.start())
        connect()
    }

    /// The end of this node's upgrade: who is gone by then is told.
    public func inputEnded() {
        nodes?.look()
        handle(.inputEnded)
    }

    private func handle(_ event: BarrierMachine.Event) {
        guard then != nil else { return }
        perform(machine.handle(event))
    }

    private func perform(_ actions: [BarrierMachine.Action]) {
        for action in actions {
            switch action {
            case .send(let message, let nodes):
                for node in nodes { connections[node]?.say("\(message.term).") }
            case .answer(let answer):
                timer?.cancel()
                say(answer)
            case .end: end()
            }
        }
    }

    private func end() {
        for connection in connections.values { connection.end() }
        for connection in strangers.values { connection.end() }
        connections = [:]
        strangers = [:]
        timer?.cancel()
        meeting?.end()
        meetings?.cancel()
        nodes?.cancel()
        let then = self.then
        self.then = nil
        then?()
    }

    // MARK: Connections

    private func connect() {
        guard let meeting else { return }
        for node in request.others where node < request.node && connections[node] == nil {
            guard let connection = meeting.connect(to: NodeDirectory.meeting(request.id, of: node)) else { continue }
            // Held from now on, so that it is connected to once.
            connections[node] = connection
            greet(connection, as: node)
        }
    }

    /// - Parameter expected: who it must be; nil where it came by itself.
    private func greet(_ connection: LineConnection, as expected: NodeName?) {
        if expected == nil {
            guard strangers.count < Self.maximumStrangers else { return connection.end() }
            strangers[ObjectIdentifier(connection)] = connection
        }
        var node: NodeName?
        connection.follow { [weak self, weak connection] line in
            guard let self, let connection else { return }
            let term = line.flatMap { try? TermText.parseTerm($0.hasSuffix(".") ? String($0.dropLast()) : $0) }
            if let known = node {
                guard let message = term.flatMap({ BarrierMachine.Message($0) }) else {
                    return handle(.left(known))
                }
                return handle(.received(message, from: known))
            }
            strangers[ObjectIdentifier(connection)] = nil
            guard let greeting = term?.asTuple, greeting.count == 2, greeting[0] == .atom("hello"),
                let name = NodeName(greeting[1]), mayBe(name, expected)
            else {
                connection.end()
                // It may come up anew.
                if let expected { connections[expected] = nil }
                return
            }
            node = name
            connections[name] = connection
            if expected == nil { hello(connection) }
            handle(.joined(name))
        }
        if expected != nil { hello(connection) }
    }

    private func hello(_ connection: LineConnection) { connection.say("{hello,\(request.node.term)}.") }

    private func mayBe(_ name: NodeName, _ expected: NodeName?) -> Bool {
        if let expected { return name == expected }
        return request.others.contains(name) && name > request.node && connections[name] == nil
    }
}
