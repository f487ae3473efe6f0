import Testing

@testable import Host

@Suite(.timeLimit(.minutes(15)))
struct OutputTests {
    @Test(
        arguments: [
            (["a\nb\n"], ["a", "b"], nil),
            (["a", "b\nc"], ["ab"], "c"),
            (["\n\n"], ["", ""], nil),
            ([""], [], nil),
            (["caf\u{e9}\n"], ["caf\u{e9}"], nil),
        ] as [([String], [String], String?)])
    func `lines are cut at newlines`(chunks: [String], lines: [String], rest: String?) {
        var cutter = LineCutter()
        var found: [String] = []
        for chunk in chunks { found += Array(chunk.utf8).withUnsafeBytes { cutter.append($0) } }
        #expect(found == lines)
        #expect(cutter.finish() == rest)
    }

    @Test func `a long line comes in pieces, none within a character`() {
        var cutter = LineCutter()
        let line = "x" + String(repeating: "\u{20ac}", count: 8000)
        let pieces = Array((line + "\n").utf8).withUnsafeBytes { cutter.append($0) }
        #expect(pieces.joined() == line)
        #expect(pieces.count == 3)
        #expect(pieces.allSatisfy { $0.utf8.count <= LineCutter.limit })
        #expect(cutter.finish() == nil)
    }

    @Test func `a line of just the limit is one piece`() {
        var cutter = LineCutter()
        let line = [UInt8](repeating: 120, count: LineCutter.limit)
        #expect((line + [10]).withUnsafeBytes { cutter.append($0) }.map(\.utf8.count) == [LineCutter.limit])
    }

    @Test func `bytes that are no UTF-8 do no harm`() {
        var cutter = LineCutter()
        let bytes = [UInt8](repeating: 0x80, count: 3 * LineCutter.limit)
        let pieces = (bytes + [10]).withUnsafeBytes { cutter.append($0) }
        #expect(pieces.count == 3)
        #expect(pieces.allSatisfy { $0.allSatisfy { $0 == "\u{fffd}" } })
    }

    @Test @HostActor func `both outputs are captured, each with its name`() async throws {
        let recorder = Recorder()
        _ = try WorkerProcess.launch(.shell("echo out; echo err >&2; printf 'the end'")) { recorder.record($0) }
        #expect(await recorder.end() == .exited(0))
        #expect(recorder.lines(.stdout) == ["out", "the end"])
        #expect(recorder.lines(.stderr) == ["err"])
    }

    @Test @HostActor func `a flood does not keep others from their turn`() async throws {
        let flood = Recorder()
        let flooding = try WorkerProcess.launch(.shell("yes flood")) { flood.record($0) }
        let other = Recorder()
        _ = try WorkerProcess.launch(.shell("echo through")) { other.record($0) }
        #expect(await other.end() == .exited(0))
        #expect(other.lines() == ["through"])
        flooding.killGroup()
        #expect(await flood.end() == .signaled(9))
    }

    @Test @HostActor func `a flood of short lines is a small part of a turn`() async throws {
        let perTurn = LinesPerTurn()
        let flooding = try WorkerProcess.launch(.shell("yes '' & exec yes '' >&2")) { perTurn.record($0) }
        await perTurn.hundredTurns()
        flooding.killGroup()
        #expect((1...4096).contains(perTurn.most))
    }
}

/// How many lines a process' output comes to between two turns of the reactor.
@HostActor
private final class LinesPerTurn {
    private(set) var most = 0
    private var count = 0

    func record(_ event: WorkerProcess.Event) {
        if case .output = event { count += 1 }
    }

    /// A hundred turns in which something came.
    func hundredTurns() async {
        await withCheckedContinuation { continuation in turn(left: 100) { continuation.resume() } }
    }

    /// A timer that is due at once fires once a turn.
    private func turn(left: Int, _ end: @escaping @HostActor () -> Void) {
        Reactor.shared.schedule(afterMilliseconds: 0) { [self] in
            most = max(most, count)
            let left = count > 0 ? left - 1 : left
            count = 0
            if left > 0 { turn(left: left, end) } else { end() }
        }
    }
}
