import Testing

@testable import WorkerKit

extension DriverTable {
    /// What the table does of an event and of the outcomes, which are successes where not said otherwise.
    mutating func run(_ event: Event, _ outcomes: [Action: Event] = [:]) -> [Action] {
        var actions: [Action] = []
        var next: Event? = event
        while let event = next {
            let list = handle(event, of: "counter")
            actions += list
            next = list.last.flatMap { outcomes[$0] ?? Self.success(of: $0) }
            #expect(list.dropLast().allSatisfy { Self.success(of: $0) == nil }, "what has an outcome stands last")
        }
        #expect(actions.filter(Self.isAnswer).count == 1, "exactly one answer to \(event)")
        return actions
    }

    fileprivate static func success(of action: Action) -> Event? {
        switch action {
        case .fetch: .fetched
        case .start: .started
        case .swap: .swapped
        case .openPort: .portOpened
        default: nil
        }
    }

    fileprivate static func isAnswer(_ action: Action) -> Bool {
        switch action {
        case .answer, .fail: true
        default: false
        }
    }
}

@Suite struct DriverTableOrderTests {
    /// Whatever comes in whatever order: one answer, no port without a driver, nothing held by who has ended.
    @Test(arguments: UInt64(1)...20) func anyOrderKeepsItsPromises(seed: UInt64) {
        var random = seed
        func number(_ limit: UInt64) -> UInt64 {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (random >> 33) % limit
        }
        let users = ["a", "b", "c"].map { DriverUser($0) }
        var table = DriverTable()
        var open: Set<Int> = []
        var awaited: Set<Int> = []
        var isRunning = false
        for step in 0..<2000 {
            let user = users[Int(number(3))]
            let event: DriverTable.Event =
                switch number(7) {
                case 0, 1: .load(user, killPorts: false, ticket: step)
                case 2: .unload(user, ticket: step)
                case 3: .reload(user, .pending, ticket: step)
                case 4: .open(user)
                case 5: .close(port: Int(number(UInt64(step) + 1)))
                default: .userEnded(user)
                }
            let outcomes: [DriverTable.Action: DriverTable.Event] =
                number(4) == 0 ? [.swap: number(2) == 0 ? .lost("x") : .kept("x")] : [:]
            for action in table.run(event, outcomes) {
                switch action {
                case .start, .swap: isRunning = action == .start || outcomes[.swap] != .lost("x")
                case .stop: isRunning = false
                case .answer(.port(let port)): open.insert(port)
                case .closePort(let port): #expect(open.remove(port) != nil)
                case .answer(.state(.pendingDriver)), .answer(.state(.pendingProcess)): awaited.insert(step)
                case .tell(let ticket, _): #expect(awaited.remove(ticket) != nil || ticket == step)
                default: break
                }
                if action == .stop || action == .swap { #expect(open.isEmpty) }
            }
            #expect(isRunning == (table.drivers["counter"] != nil))
            #expect(Set(table.drivers["counter"]?.ports.keys.map { $0 } ?? []) == open)
            if case .userEnded(let user) = event {
                let state = table.drivers["counter"]
                #expect(state?.users[user] == nil && state?.ports.values.contains(user) != true)
            }
        }
        for action in users.flatMap({ table.run(.userEnded($0)) }) {
            if case .tell(let ticket, _) = action { awaited.remove(ticket) }
        }
        #expect(table.drivers.isEmpty && awaited.isEmpty)
    }
}
