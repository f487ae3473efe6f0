import Terms
import Testing
import Wire

@testable import Host

/// Processes that stand at one place write to the same pipes.
@Suite(.timeLimit(.minutes(15)))
@HostActor
struct SharedOutputTests {
    private let outputs = OutputPipes()

    /// A process and what is told as its own.
    private func launch(_ program: String) throws -> (process: WorkerProcess, recorder: Recorder) {
        let recorder = Recorder()
        var launch = WorkerProcess.Launch.python(program)
        launch.outputs = outputs
        return (try WorkerProcess.launch(launch) { recorder.record($0) }, recorder)
    }

    @Test func `what both write around a handoff is whole and in order, each told as its own`() async throws {
        let old = try launch(
            "for n in range(2000): print('old', n)\nsys.stdout.flush(); print('said', file=sys.stderr); receive()")
        let new = try launch("receive()\nfor n in range(2000): print('new', n)\nsys.stdout.flush(); os._exit(0)")
        await old.recorder.wait { $0.lines(.stderr) == ["said"] }
        new.process.speaks()
        #expect(old.recorder.lines() == (0..<2000).map { "old \($0)" })
        new.process.send(.resume(ref: 1))
        #expect(await new.recorder.end() == .exited(0))
        #expect(new.recorder.lines() == (0..<2000).map { "new \($0)" })
        old.process.killGroup()
        #expect(await old.recorder.end() == .signaled(9))
        #expect(old.recorder.lines().count == 2000)
    }

    @Test func `a half line at a handoff is not glued to the next one's first`() async throws {
        let old = try launch(
            "sys.stdout.write('half'); sys.stdout.flush(); print('said', file=sys.stderr); receive()")
        let new = try launch("receive(); print('whole'); sys.stdout.flush(); os._exit(0)")
        await old.recorder.wait { $0.lines(.stderr) == ["said"] }
        new.process.speaks()
        #expect(old.recorder.lines() == ["half"])
        new.process.send(.resume(ref: 1))
        #expect(await new.recorder.end() == .exited(0))
        #expect(new.recorder.lines() == ["whole"])
        old.process.killGroup()
        _ = await old.recorder.end()
    }

    @Test func `a half line at an end is told before the end, and by itself`() async throws {
        let first = try launch("receive(); sys.stdout.write('half'); sys.stdout.flush(); os._exit(1)")
        let second = try launch("receive(); print('whole'); sys.stdout.flush(); os._exit(0)")
        first.process.send(.resume(ref: 1))
        #expect(await first.recorder.end() == .exited(1))
        #expect(first.recorder.lines() == ["half"])
        second.process.send(.resume(ref: 1))
        #expect(await second.recorder.end() == .exited(0))
        #expect(second.recorder.lines() == ["whole"])
    }

    @Test func `what a standby says as it crashes is told as the worker's`() async throws {
        let worker = try launch("receive()")
        let standby = try launch("sys.stderr.write('no such thing'); sys.stderr.flush(); os._exit(1)")
        #expect(await standby.recorder.end() == .exited(1))
        #expect(worker.recorder.lines(.stderr) == ["no such thing"])
        #expect(standby.recorder.lines(.stderr).isEmpty)
        worker.process.killGroup()
        _ = await worker.recorder.end()
    }

    @Test func `a standby whose worker has ended is heard`() async throws {
        let worker = try launch("receive(); os._exit(0)")
        let standby = try launch("receive(); print('alone'); sys.stdout.flush(); os._exit(0)")
        worker.process.send(.resume(ref: 1))
        #expect(await worker.recorder.end() == .exited(0))
        standby.process.send(.resume(ref: 1))
        #expect(await standby.recorder.end() == .exited(0))
        #expect(standby.recorder.lines() == ["alone"])
    }

    @Test func `a process after the last one is heard, and one beside a worker that closed its outputs`() async throws {
        let first = try launch("print('first'); sys.stdout.flush(); os._exit(0)")
        #expect(await first.recorder.end() == .exited(0))
        let closing = try launch("os.close(1); os.close(2); send(b'\\x83h\\x02w\\x04exitw\\x06closed'); receive()")
        await closing.recorder.wait { $0.messages == [.exit(reason: .atom("closed"))] }
        let beside = try launch("receive(); print('beside'); sys.stdout.flush(); os._exit(0)")
        beside.process.speaks()
        beside.process.send(.resume(ref: 1))
        #expect(await beside.recorder.end() == .exited(0))
        #expect(first.recorder.lines() == ["first"])
        #expect(beside.recorder.lines() == ["beside"])
        let after = try launch("print('after'); sys.stdout.flush(); os._exit(0)")
        after.process.speaks()
        #expect(await after.recorder.end() == .exited(0))
        #expect(after.recorder.lines() == ["after"])
        closing.process.killGroup()
        _ = await closing.recorder.end()
    }

    @Test func `one that can't be started leaves the outputs of the others as they are`() async throws {
        let worker = try launch("receive(); print('here'); sys.stdout.flush(); os._exit(0)")
        let missing = WorkerProcess.Launch(executable: .unchecked("/nowhere/at-all"), outputs: outputs)
        #expect(throws: LaunchError.self) { _ = try WorkerProcess.launch(missing) { _ in } }
        worker.process.send(.resume(ref: 1))
        #expect(await worker.recorder.end() == .exited(0))
        #expect(worker.recorder.lines() == ["here"])
    }
}
