import Foundation
import Instructions
import Terms
import Testing
import Wire

@testable import ReleaseHandling

/// What was traced is read back, and a machine that is given the same does the same.
@Suite struct MachineTraceTests {
    private static let failure = Machine.WorkerFailure(worker: first, reason: .tuple([.atom("a"), .text("b\nc")]))
    private static let info = WorkerInfo(
        id: place("kv/kv_sup/{a,\"b/c\"}"), resident: kv, modules: [kv, "other"], vsn: .integer(1), sha256: "00ff")
    private static let program = WorkerInfo(
        id: supervisor, resident: nil, modules: [], vsn: nil, sha256: "", isSupervisor: true)
    private static let sup = CodeVersion(
        module: kvSup, kind: .supervisor, library: "kv", libraryVsn: "1", path: "/a b", sha256: "", vsn: .atom("x"))

    /// One of each case, and of each form that one has.
    static let samples: [Event] = [
        .workersFound([info, program]), .objectCodeRead([code(kv, two), sup]),
        .objectCodeFailed(module: kv, reason: reason),
        .standbysReady(
            [
                .init(worker: first, module: kv, vsn: .string("2"), isIncremental: true),
                .init(worker: nil, module: kv, vsn: nil, isIncremental: false),
            ], notes: ["skipped"]),
        .standbyFailed(module: kv, worker: first, reason: reason),
        .standbyFailed(module: kv, worker: nil, reason: reason), .codeChanged, .startsHeld,
        .suspended(ok: [first], hung: [second], died: [other]), .hungTerminated,
        .handedOff(ok: [first], failed: [failure], died: [second], whole: [failure]),
        .supervisorsChanged(failed: [failure], died: [first], notes: ["a", "é\n"]),
        .supervisorsRestored(failed: [failure]), .resumed(ok: [first], failed: [failure]),
        .startedAgain(ok: [first], failed: [failure]), .startsReleased, .workersEnded,
        .childrenStopped([.init(module: kv, child: first)], failed: [failure]),
        .childrenStarted(ok: [first], failed: [failure]), .nodesSynced, .nodesSyncFailed(reason), .applied(reason),
        .applyFailed(.text("x")), .standbysEnded, .restartsAwaited(notRunning: [failure]),
        .copiedAhead(failed: [failure], withoutStandby: [first]), .modulesUpdated(ok: [first], failed: [failure]),
        .modulesChanged(
            ok: [.init(worker: first, module: kv)],
            failed: [.init(target: .init(worker: second, module: kv), reason: reason)],
            without: [.init(worker: other, module: kv)]),
        .modulesRestored(failed: [failure]),
    ]

    /// The compiler's question where a case is added: it belongs into `samples`, too.
    private static func number(_ event: Event) -> Int {
        switch event {
        case .workersFound: 0
        case .objectCodeRead: 1
        case .objectCodeFailed: 2
        case .standbysReady: 3
        case .standbyFailed: 4
        case .codeChanged: 5
        case .startsHeld: 6
        case .suspended: 7
        case .hungTerminated: 8
        case .handedOff: 9
        case .supervisorsChanged: 10
        case .supervisorsRestored: 11
        case .resumed: 12
        case .startedAgain: 13
        case .startsReleased: 14
        case .workersEnded: 15
        case .childrenStopped: 16
        case .childrenStarted: 17
        case .nodesSynced: 18
        case .nodesSyncFailed: 19
        case .applied: 20
        case .applyFailed: 21
        case .standbysEnded: 22
        case .restartsAwaited: 23
        case .copiedAhead: 24
        case .modulesUpdated: 25
        case .modulesChanged: 26
        case .modulesRestored: 27
        }
    }

    @Test func everyEventIsReadBackAsItWasWritten() throws {
        #expect(Set(Self.samples.map(Self.number)) == Set(0...27))
        var trace = MachineTrace(of: machine(dynamicUp), code: table())
        for event in Self.samples { trace.note(.event(event)) }
        trace.note(.loaded(Self.sup))
        let recorded = try MachineTrace.parse(Array(trace.text().utf8), file: "t")
        #expect(recorded.inputs == Self.samples.map { .event($0) } + [.loaded(Self.sup)])
        #expect(recorded.beginning == trace.beginning)
        #expect(recorded.cutCount == 0)
    }

    /// Every way in which each action fails, in every script.
    @Test(arguments: AbortTests.scripts)
    func aReplayDoesTheSame(script: [LowLevelInstruction]) throws {
        let count = run(machine(script), world()).asked.count
        for number in 0..<count {
            for index in 0..<2 {
                let trace = traced(machine(script), world()) { at, action in
                    let ways = failures(of: action)
                    return at == number && index < ways.count ? ways[index] : nil
                }
                let recorded = try MachineTrace.parse(Array(trace.text().utf8), file: "t")
                #expect(recorded.replayed() == recorded.actions)
                #expect(recorded.actions.last?.asTuple?.first == .atom("finished"))
            }
        }
    }

    /// What is loaded beside the script, by a start that it causes, is an input like the events.
    @Test func aModuleThatIsLoadedBesideIsReplayed() throws {
        let late = code("late", two)
        let trace = traced(machine(dynamicUp), world(), loading: (3, late)) { number, _ in
            number == 5 ? .nodesSynced : nil
        }
        let recorded = try MachineTrace.parse(Array(trace.text().utf8), file: "t")
        #expect(recorded.inputs.contains(.loaded(late)))
        #expect(recorded.replayed() == recorded.actions)
    }

    @Test func theTextIsAsItWasAndIsReplayed() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "golden/aborted.trace")
        let trace = traced(machine(dynamicUp), world()) { _, action in
            if case .handOff = action { failures(of: action)[0] } else { nil }
        }
        if ProcessInfo.processInfo.environment["REWRITE_GOLDEN"] != nil {
            try trace.text().write(to: file, atomically: true, encoding: .utf8)
        }
        let golden = try String(contentsOf: file, encoding: .utf8)
        #expect(trace.text() == golden)
        let recorded = try MachineTrace.parse(Array(golden.utf8), file: "aborted.trace")
        #expect(recorded.replayed() == recorded.actions)
        let end = try #require(recorded.actions.last?.asTuple)
        #expect(end[0] == .atom("finished"))
        #expect(end[1].asTuple?.first == .atom("aborted"))
    }

    // MARK: Bounds and bad input

    @Test func whatIsTooMuchGoesFromTheFrontAndTheTextSaysSo() throws {
        var trace = MachineTrace(of: machine(dynamicUp), code: table(), sizeLimit: 10)
        for number in 0..<25 { trace.note(.event(.applied(.integer(number)))) }
        let recorded = try MachineTrace.parse(Array(trace.text().utf8), file: "t")
        #expect(recorded.cutCount > 0)
        #expect(recorded.cutCount + recorded.inputs.count == 25)
        #expect(recorded.inputs.last == .event(.applied(24)))

        var long = MachineTrace(of: machine(dynamicUp), code: table())
        for _ in 0..<10 { long.note(.event(.applied(.text(String(repeating: "x", count: 100))))) }
        let cut = try MachineTrace.parse(Array(long.text(limit: 400).utf8), file: "t")
        #expect(cut.inputs.count == 3)
        #expect(cut.cutCount == 7)
    }

    @Test func aTextThatIsNoTraceIsRefusedWithItsPlace() {
        func message(_ text: String) -> String {
            do {
                _ = try MachineTrace.parse(Array(text.utf8), file: "t")
                return "read"
            } catch {
                return error.description
            }
        }
        let begun = MachineTrace(of: machine(dynamicUp), code: table()).text()
        #expect(message("") == "t: expected {machine_trace, 2, Map}, found nothing")
        #expect(message("{machine_trace,1,#{}}.") == "t:1:1: expected version 2 of a trace, found 1")
        #expect(message("{machine_trace,2,#{}}.") == "t:1:1: expected a map with options, found #{}")
        #expect(message(begun + "{event,frob}.") == "t:3:1: expected an event, found frob")
        #expect(message(begun + "{frob,1}.") == "t:3:1: expected cut, event, loaded or action, found frob")
        #expect(message(begun + "{event,{suspended,[],[],[],[],x}}.") == "t:3:1: expected a list, found x")
    }
}

/// Runs as `run` does and traces as a driver is to; `loading` puts a module into the table before that answer.
private func traced(
    _ machine: Machine, _ world: World, loading: (Int, CodeVersion)? = nil,
    answer: (Int, Action) -> Event?
) -> MachineTrace {
    var machine = machine
    var world = world
    var trace = MachineTrace(of: machine, code: world.table)
    var queue = machine.start(code: world.table)
    trace.note(queue)
    var number = 0
    while !queue.isEmpty {
        let action = queue.removeFirst()
        // What was asked for is done in any case, or the world's table is another than the trace's.
        let own = world.perform(action)
        guard let event = answer(number, action) ?? own else { continue }
        if let loading, loading.0 == number {
            world.table.load(loading.1)
            trace.note(.loaded(loading.1))
        }
        number += 1
        trace.note(.event(event))
        let actions = machine.handle(event, code: world.table)
        trace.note(actions)
        queue += actions
    }
    return trace
}
