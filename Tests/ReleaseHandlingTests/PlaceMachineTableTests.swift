import Foundation
import ReleaseHandling
import Supervision
import Terms
import Testing
import Wire

/// Every state of a place against every event, in `golden/place-machine.txt`: what is done and what it is then.
///
/// The table is written anew by `REWRITE_GOLDEN=1 swift test --filter PlaceMachineTable`, and the difference is reviewed.
@Suite struct PlaceMachineTableTests {
    typealias World = PlaceWorld

    static let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "golden/place-machine.txt")

    /// A state that no sample is in, or an event that is never told, would leave a gap in the table.
    @Test func theTableIsWhole() {
        let states = Set(World.samples.map { World.kind(of: $0.machine.state) })
        #expect(states == Set(World.StateKind.allCases))
        let events = Set(World.events.map { World.kind(of: $0.event) })
        #expect(events == Set(World.EventKind.allCases))
        for sample in World.samples {
            #expect(World.name(sample.machine.state) == sample.name)
        }
    }

    @Test func everyStateAgainstEveryEvent() throws {
        var table = ""
        for (name, machine) in World.samples {
            table += "\(name)\n"
            var ignored: [String] = []
            for (event, value) in World.events {
                var copy = machine
                let actions = copy.handle(value, now: 1_000)
                guard !actions.isEmpty || copy.state != machine.state else {
                    ignored.append(event)
                    continue
                }
                let next = copy.state == machine.state ? "as it was" : World.name(copy.state)
                table += "  \(event): \((actions.map(World.name) + ["-> \(next)"]).joined(separator: ", "))\n"
            }
            table += "  nothing: \(ignored.joined(separator: ", "))\n"
        }
        if ProcessInfo.processInfo.environment["REWRITE_GOLDEN"] != nil {
            try table.write(to: Self.file, atomically: true, encoding: .utf8)
        }
        let golden = try String(contentsOf: Self.file, encoding: .utf8)
        for (found, wanted) in zip(table.split(separator: "\n"), golden.split(separator: "\n")) {
            #expect(found == wanted)
        }
        #expect(table == golden)
    }

    /// Whatever happens, nobody is answered twice, and a worker's end is told once.
    @Test func anAnswerComesOnce() {
        for (name, machine) in World.samples {
            for (event, value) in World.events {
                var copy = machine
                let actions = copy.handle(value, now: 1_000)
                var steps: [Int] = []
                var told = 0
                for action in actions {
                    if case .answer(let step, _) = action { steps.append(step) }
                    if case .tell = action { told += 1 }
                }
                #expect(Set(steps).count == steps.count && told <= 1, "\(name), \(event)")
            }
        }
    }
}
