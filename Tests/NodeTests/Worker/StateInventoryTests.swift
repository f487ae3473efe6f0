import Glibc
import Instructions
import ReleaseHandling
import Terms
import Testing

@testable import Host
@testable import ReleaseHandlerD
@testable import Supervision
@testable import TestSupport

/// What another daemon goes on with is all that there is.
@Suite(.timeLimit(.minutes(15))) struct StateInventoryTests {
    private static let children = """
        [#{id => c1, start => {counter, start_link, []}, sockets => [#{name => s, listen => "127.0.0.1:0"}]},
         #{id => os1, start => {os, start, ["/bin/sh", "-c", "exec sleep 600"]}}]
        """

    private static func name(of value: Any) -> String { String("\(type(of: value))".prefix { $0 != "<" }) }

    @HostActor
    private static func registration(_ root: TestRoot) throws -> NodeRegistration {
        try NodeRegistration(
            NodeName(ofRelease: "other", host: "h"), in: NodeDirectory("\(root.directory)/other-nodes"))
    }

    private static func properties(_ value: Any) -> Set<String> {
        Set(Mirror(reflecting: value).children.compactMap(\.label))
    }

    /// A stored property that is new makes this fail until somebody has said what becomes of it.
    @Test func eachStoredPropertyHasItsFate() async throws {
        let root = try TestRoot.twoVersions(children: Self.children)
        try await TestNode.with(root) { test in
            try await { @HostActor [node = test.node] in
                let place = try #require(node.tree.places.values.first { $0.speaksProtocol })
                let program = try #require(node.tree.places.values.first { !$0.speaksProtocol })
                let generation = try #require(place.current)
                let process = try #require(generation.process)
                let drivers: [Any] = [
                    node, node.membership, try Self.registration(root), node.running, node.events, node.processes,
                    node.changes, node.store, node.history, node.code, node.purger,
                    node.probation, node.applications, node.tree, node.launcher, node.sockets, place, generation,
                    process, try #require(process.channel), try #require(process.transfer), place.outputs,
                    try #require(place.outputs.outputs.first), Orphans.shared, try NotifyState(), place.machine,
                    try ApplicationController([]),
                ]
                var seen: Set<String> = []
                for driver in drivers {
                    let name = Self.name(of: driver)
                    seen.insert(name)
                    let fates = try #require(StateInventory.fates[name], "\(name) is not in the inventory")
                    #expect(Self.properties(driver) == Set(fates.keys), "\(name)")
                }
                #expect(Self.properties(program) == Self.properties(place))
                let machines = Set(StateInventory.fates.keys).subtracting(seen)
                #expect(machines == ["Children", "SupervisionTree", "SocketTable"], "each is looked at")
            }()
        }
    }

    /// A machine writes by itself all of its properties but those that are declared as something else.
    @Test func aMachineWritesWhatIsNotDeclared() async throws {
        let root = try TestRoot.twoVersions(children: Self.children)
        try await TestNode.with(root) { test in
            try await { @HostActor [node = test.node] in
                let state = try await Self.state(of: node)
                try Self.check(state.tree.tree.value)
                try Self.check(state.sockets.table)
                try Self.check(state.code.table)
                try Self.check(state.unpurged)
                try Self.check(state.probation.machine)
                try Self.check(state.store.table)
                try Self.check(EnvironmentChanges())
                let supervisor = try #require(state.tree.tree.value.supervisors.values.first)
                try Self.check(supervisor)
                try Self.check(supervisor.children)
                try Self.check(supervisor.mailbox)
                try Self.check(try #require(supervisor.children[.atom("c1")]))
                try Self.check(try #require(supervisor.children[.atom("c1")]).spec)
                try Self.check(OutputBudget())
                try Self.check(PlaceStatistics())
                try Self.check(node.installer.counts)
                try Self.check(node.installer.counts.pauses)
            }()
        }
    }

    /// Once what the boot has told is written.
    @HostActor private static func state(of node: Node, like before: NodeState? = nil) async throws -> NodeState {
        while true {
            do throws(HandoverObstacle) {
                return try node.state(like: before)
            } catch {
                guard error.isBrief else { throw error }
            }
            await Task.yield()
        }
    }

    private static func check(_ machine: some Encodable) throws {
        let name = name(of: machine)
        let declared = Set((StateInventory.fates[name] ?? [:]).keys)
        let written = Set(
            try TermEncoder().encode(machine).asList?.compactMap { $0.asTuple?.first?.asAtom?.name } ?? [])
        #expect(!written.isEmpty, "\(name)")
        for child in Mirror(reflecting: machine).children {
            guard let label = child.label, !written.contains(label), !declared.contains(label) else { continue }
            // One that is nil has nothing to be written.
            let value = Mirror(reflecting: child.value)
            #expect(value.displayStyle == .optional && value.children.isEmpty, "\(name).\(label) is lost")
        }
        #expect(written.isDisjoint(with: declared), "\(name)")
    }

    /// The same state again where another daemon reads it.
    @Test func whatIsWrittenIsReadAsItWas() async throws {
        let root = try TestRoot.twoVersions(children: Self.children)
        try await TestNode.with(root) { test in
            try await { @HostActor [node = test.node] in
                let state = try await Self.state(of: node)
                let term = try TermEncoder().encode(state)
                let read = try TermDecoder().decode(
                    NodeState.self, from: ExternalTermFormat.decode(ExternalTermFormat.encode(term)))
                // Sets and dictionaries come in any order.
                #expect(Self.sorted(try TermEncoder().encode(read)) == Self.sorted(term))
                #expect(Set(read.descriptors) == Set(state.descriptors))
                #expect(read.descriptors.allSatisfy { fcntl($0, F_GETFD) >= 0 })
            }()
        }
    }

    /// What a daemon wrote whose state had version 1: the tree and the places were no terms by themselves.
    @Test func whatVersion1HasWrittenIsRead() async throws {
        let root = try TestRoot.twoVersions(children: Self.children)
        try await TestNode.with(root) { test in
            try await { @HostActor [node = test.node] in
                let state = try TermEncoder().encode(try await Self.state(of: node))
                let whole = Self.unwrapped(.list([.tuple([.atom("node"), state])]), below: ["node", "tree"])
                #expect(whole != .list([.tuple([.atom("node"), state])]))
                let current = StateVersions.current(whole, from: 1)
                let read = try TermDecoder().decode([String: NodeState].self, from: current)
                #expect(Self.sorted(try TermEncoder().encode(try #require(read["node"]))) == Self.sorted(state))
            }()
        }
    }

    private static func unwrapped(_ term: Term, below keys: ArraySlice<String>) -> Term {
        .list(
            (term.asList ?? []).map { pair in
                guard let parts = pair.asTuple, let key = parts[0].asAtom else { return pair }
                if keys.isEmpty, ["tree", "places"].contains(key) { return .tuple([parts[0], unwrapped(parts[1])]) }
                guard key.name == keys.first else { return pair }
                return .tuple([parts[0], unwrapped(parts[1], below: keys.dropFirst())])
            })
    }

    private static func unwrapped(_ term: Term) -> Term {
        switch term {
        case .binary(let bytes): (try? ExternalTermFormat.decode(bytes)) ?? term
        case .list(let terms): .list(terms.map(unwrapped))
        default: term
        }
    }

    /// What has not changed is not written again.
    @Test func aPlaceIsWrittenOnceUntilItChanges() async throws {
        let root = try TestRoot.twoVersions(children: Self.children)
        try await TestNode.with(root) { test in
            let before = try await Self.state(of: test.node)
            _ = try await test.call("get")
            try await { @HostActor [node = test.node] in
                let after = try await Self.state(of: node, like: before)
                let pairs = zip(before.tree.places, after.tree.places)
                let changed = pairs.filter { $0.bytes != $1.bytes }.map(\.1.value.address)
                #expect(
                    changed == [
                        try #require(after.tree.places.first { $0.value.statistics.messagesIn == 1 }).value.address
                    ])
                #expect(after.tree.tree.bytes == before.tree.tree.bytes)
            }()
        }
    }

    private static func sorted(_ term: Term) -> Term {
        switch term {
        case .list(let elements): .list(elements.map(sorted).sorted { $0.description < $1.description })
        case .tuple(let elements): .tuple(elements.map(sorted))
        case .binary(let bytes) where bytes.first == 131:
            (try? ExternalTermFormat.decode(bytes)).map(sorted) ?? term
        default: term
        }
    }

    /// Each step from an older version is made, in order.
    @Test func olderVersionsAreBroughtUp() {
        let steps: [Int: @Sendable (Term) -> Term] = [
            1: { .list([.atom("two"), $0]) },
            3: { .list([.atom("four"), $0]) },
        ]
        let old = Term.atom("old")
        #expect(StateVersions.current(old, from: 4, to: 4, steps: steps) == old)
        #expect(StateVersions.current(old, from: 2, to: 4, steps: steps) == .list([.atom("four"), old]))
        #expect(
            StateVersions.current(old, from: 1, to: 4, steps: steps)
                == .list([.atom("four"), .list([.atom("two"), old])]))
    }
}
