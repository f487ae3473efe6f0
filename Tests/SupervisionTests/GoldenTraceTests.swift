import Foundation
import Supervision
import Terms
import Testing

/// OTP's supervisor and ours, step by step.
@Suite struct GoldenTraceTests {
    @Test func allTracesAreThere() {
        #expect(GoldenTrace.names.count >= (GoldenTrace.isOverridden ? 1 : 300))
        #expect(GoldenTrace.files(in: GoldenTrace.ownDirectory, ".trace").count >= 42)
    }

    @Test(arguments: GoldenTrace.names)
    func plays(_ name: String) throws {
        try play(GoldenTrace(GoldenTrace.directory.appendingPathComponent(name)))
    }

    @Test(arguments: GoldenTrace.files(in: GoldenTrace.ownDirectory, ".trace"))
    func playsOwn(_ name: String) throws {
        try play(GoldenTrace(GoldenTrace.ownDirectory.appendingPathComponent(name)))
    }

    /// The same where another daemon goes on with the tree after each event.
    @Test(arguments: GoldenTrace.names)
    func playsHandedOn(_ name: String) throws {
        try play(GoldenTrace(GoldenTrace.directory.appendingPathComponent(name)), isHandedOn: true)
    }

    private func play(_ trace: GoldenTrace, isHandedOn: Bool = false) throws {
        let isSimple = trace.flags.strategy == .simpleOneForOne
        var world = GoldenWorld(trace, isHandedOn: isHandedOn)
        try world.start()
        if trace.start[0] == .ok {
            #expect(world.failed == nil)
            #expect(.list(world.events) == trace.start[1])
            #expect(try .list(world.children()) == trace.start[2])
        } else {
            #expect(world.failed == trace.start[1])
            #expect(.list(world.events) == trace.start[2])
        }
        for (index, step) in trace.steps.enumerated() {
            let place = Comment(rawValue: "step \(index + 1): \(step.operation)")
            let reply = try world.perform(step.operation)
            #expect(reply == step.reply, place)
            #expect(ordered(world.events, isSimple) == ordered(step.events, isSimple), place)
            switch step.after {
            case .atom("down"):
                #expect(world.down == .shutdown, place)
            case .tuple(let down):
                #expect(world.down == down[1], place)
            case .list(let expected):
                try #require(world.down == nil, place)
                let children = try world.children()
                #expect(isSimple ? Set(children) == Set(expected) : children == expected, place)
            case let other:
                Issue.record("unknown children \(other)")
            }
        }
    }

    /// Under `simple_one_for_one` the order in which several children are ended means nothing; what is reported of that
    /// comes after it.
    private func ordered(_ events: [Term], _ isSimple: Bool) -> [Term] {
        guard isSimple else { return events }
        let isEnding = { (event: Term) in
            event.asTuple?.first == "terminated" || event.asTuple?[1] == "shutdown_error"
        }
        let endings = events.filter(isEnding).sorted { $0.description < $1.description }
        return events.filter { !isEnding($0) } + endings
    }
}
