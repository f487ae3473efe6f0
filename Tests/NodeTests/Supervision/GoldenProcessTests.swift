import Terms
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// OTP's supervisor and ours, step by step, with real processes.
@Suite(.timeLimit(.minutes(15)), .serialized) struct GoldenProcessTests {
    @Test func thereAreThirty() { #expect(RealTrace.sample.count <= 30 && !RealTrace.sample.isEmpty) }

    @Test(arguments: RealTrace.sample)
    func plays(_ name: String) async throws {
        let trace = try RealTrace(name)
        try await TestNode.with(try trace.root()) { test async throws in
            var node = TracedNode(trace, test)
            guard trace.start[0] == .ok else {
                let failure = try await test.events.first("application_failed")
                // The application controller's reason has the function that it started.
                let function = Term.tuple([.atom("fix_sup"), .atom("start"), .list([.normal, .nil])])
                #expect(failure.fields["reason"] == Term.tuple([trace.start[1], function]).description)
                #expect(.list(try node.events()) == trace.start[2])
                return
            }
            #expect(.list(try node.events()) == trace.start[1])
            #expect(try await .list(node.children()) == trace.start[2])
            for (index, step) in trace.steps.enumerated() {
                try await check(step, &node, Comment(rawValue: "step \(index + 1): \(step[0])"))
            }
        }
    }

    private func check(_ step: [Term], _ node: inout TracedNode, _ place: Comment) async throws {
        let before = await node.test.events.last
        let reply = try await node.perform(step[0])
        #expect(reply == step[1], place)
        switch step[3] {
        case .atom("down"):
            #expect(await node.test.node.processes.generations.count == 0, place)
        case .tuple(let down):
            let end = try await node.test.events.first("application_exited", after: before)
            #expect(end.fields["reason"] == "\(down[1])", place)
        case let expected:
            // A restart may still be under way.
            let children = try await node.children(like: expected)
            #expect(sorted(.list(children), node) == sorted(expected, node), place)
        }
        #expect(ordered(try node.events(), node) == ordered(step[2].asList ?? [], node), place)
    }

    private func sorted(_ children: Term, _ node: TracedNode) -> [Term] {
        let children = children.asList ?? []
        return node.trace.isSimple ? children.sorted() : children
    }

    /// Under `simple_one_for_one` the order in which several children are ended means nothing.
    private func ordered(_ events: [Term], _ node: TracedNode) -> [Term] {
        guard node.trace.isSimple else { return events }
        let endings = events.filter { $0.asTuple?.first == .atom("terminated") }
        return events.filter { !endings.contains($0) } + endings.sorted()
    }
}

extension TracedNode {
    /// The children once they are as expected, or as they are after many looks.
    fileprivate func children(like expected: Term) async throws -> [Term] {
        let wanted = (expected.asList ?? []).sorted()
        for _ in 0..<2000 {
            let found = try await children()
            if found.sorted() == wanted { return found }
            await Task.yield()
        }
        return try await children()
    }
}
