import ReleaseHandling
import Terms
import Testing

/// The barrier's agreement: every order of every message, with nodes killed in the middle of what they say.
@Suite struct BarrierMachineTests {
    typealias Machine = BarrierMachine

    static let (a, b, c) = (NodeName("a@h")!, NodeName("b@h")!, NodeName("c@h")!)
    static func nodedown(_ node: NodeName) -> Term { .tuple([.atom("nodedown"), node.term]) }

    struct Case: Sendable, CustomStringConvertible {
        let nodes: Int
        let kills: Int
        let overdue: [Int]
        var description: String { "\(nodes) nodes, \(kills) killed, the time of \(overdue) up" }
    }

    static let cases = [
        Case(nodes: 2, kills: 0, overdue: []), Case(nodes: 2, kills: 1, overdue: [0, 1]),
        Case(nodes: 3, kills: 0, overdue: [0, 2]), Case(nodes: 3, kills: 1, overdue: []),
        Case(nodes: 3, kills: 1, overdue: [1]), Case(nodes: 3, kills: 2, overdue: []),
        Case(nodes: 3, kills: 2, overdue: [0]),
    ]

    /// All that live to the end have decided, and the same.
    @Test(arguments: cases) func allWhoLiveDecideTheSame(_ one: Case) {
        let start = BarrierWorld(one.nodes, overdue: one.overdue)
        var open = [start] + (one.kills > 0 ? start.names.map { start.killed($0) } : [])
        var seen = Set(open)
        var ends = (passed: 0, failed: 0)
        while let world = open.popLast() {
            let nexts = world.nexts(kills: one.kills)
            for next in nexts where seen.insert(next).inserted { open.append(next) }
            guard nexts.isEmpty else { continue }
            let living = world.names.filter { !world.killed.contains($0) }
            let decided = living.map { world.verdicts[$0] }
            guard !decided.contains(nil) else {
                Issue.record("somebody waits for ever: \(world)")
                return
            }
            let passed = decided.filter { $0 == .passed }.count
            guard passed == 0 || passed == living.count else {
                Issue.record("they disagree: \(world)")
                return
            }
            if passed > 0 { ends.passed += 1 } else { ends.failed += 1 }
        }
        #expect(ends.passed > 0)
        #expect((ends.failed > 0) == (one.kills > 0 || !one.overdue.isEmpty))
    }

    // MARK: One node's view

    /// Joined with both and told by both that they are here.
    private static func passed() -> Machine {
        var machine = Machine(own: b, others: [c, a])
        #expect(machine.start() == [])
        #expect(machine.handle(.joined(c)) == [])
        #expect(machine.handle(.joined(a)) == [.send(.here, to: [a, c])])
        #expect(machine.handle(.received(.here, from: a)) == [])
        #expect(machine.handle(.received(.here, from: c)) == [])
        // The first decides first.
        #expect(
            machine.handle(.received(.decided(.passed), from: a))
                == [.send(.decided(.passed), to: [a, c]), .answer(.passed)])
        return machine
    }

    @Test func withNobodyElseItPassesAtOnce() {
        var machine = Machine(own: Self.a, others: [])
        #expect(machine.start() == [.answer(.passed)])
        #expect(machine.handle(.inputEnded) == [.end])
    }

    @Test func whoGoesDownAfterItIsTold() {
        var machine = Self.passed()
        #expect(machine.handle(.left(Self.c)) == [], "its program may end")
        #expect(machine.handle(.down(Self.c)) == [])
        #expect(machine.handle(.down(Self.c)) == [])
        #expect(machine.handle(.overdue) == [])
        #expect(machine.handle(.inputEnded) == [.answer(.nodesDown([Self.c])), .end])
        var other = Self.passed()
        #expect(other.handle(.inputEnded) == [.end])
    }

    /// Where not all are joined nobody can have passed: it need not wait for the first.
    @Test func whoIsNotThereFailsIt() {
        var machine = Machine(own: Self.b, others: [Self.a, Self.c])
        #expect(machine.handle(.joined(Self.a)) == [])
        let reason = Self.nodedown(Self.c)
        #expect(
            machine.handle(.down(Self.c)) == [
                .send(.failing(reason), to: [Self.a]), .send(.decided(.failed(reason)), to: [Self.a]),
                .answer(.failed(reason)), .end,
            ])
    }

    @Test func theTimeNamesWhoHasNotCome() {
        var machine = Machine(own: Self.b, others: [Self.a, Self.c])
        _ = machine.handle(.joined(Self.a))
        #expect(machine.handle(.overdue).contains(.answer(.failed(.tuple([.atom("timeout"), .list([Self.c.term])])))))
    }

    @Test func theEndOfTheUpgradeEndsItAtAnyTime() {
        var machine = Machine(own: Self.b, others: [Self.a])
        #expect(machine.handle(.inputEnded) == [.end])
    }

    @Test func strangersAreNotHeard() {
        var machine = Machine(own: Self.b, others: [Self.a])
        #expect(machine.handle(.joined(Self.c)) == [])
        #expect(machine.handle(.received(.decided(.passed), from: Self.c)) == [])
        #expect(machine.handle(.down(Self.c)) == [])
    }

    /// However many there are, and however long their names: what is said of them has room in lines.
    @Test func manyAreToldInSeveralLines() throws {
        let others = try (0..<BarrierRequest.maximumNodes).map { number in
            try #require(NodeName("n\(100 + number)@" + String(repeating: "h", count: 195)))
        }
        var late = Machine(own: Self.a, others: others)
        var machine = Machine(own: Self.a, others: others)
        for node in others { _ = machine.handle(.joined(node)) }
        let answers = others.flatMap { machine.handle(.received(.here, from: $0)) }
        #expect(answers.last == .answer(.passed))
        let down = others.flatMap { machine.handle(.down($0)) } + machine.handle(.inputEnded)
        let lines = (down + late.handle(.overdue)).compactMap { action -> BarrierAnswer? in
            guard case .answer(let answer) = action else { return nil }
            return answer
        }
        #expect(lines.count == 4)
        #expect(lines.allSatisfy { $0.line.utf8.count <= 8 * 1024 - 4 })
        let told = lines.flatMap { answer -> [NodeName] in
            guard case .nodesDown(let nodes) = answer else { return [] }
            return nodes
        }
        #expect(told == others)
    }
}
