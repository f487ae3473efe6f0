import Glibc
import Terms
import Testing
import Wire

@testable import Host

@Suite(.timeLimit(.minutes(15)))
@HostActor
struct ExitTests {
    @Test(arguments: [
        ("exit 0", "normal"), ("exit 3", "{exit_status,3}"), ("kill -SEGV $$", "{signal,sigsegv}"),
        ("kill -KILL $$", "{signal,sigkill}"), ("kill -TERM $$", "{signal,sigterm}"),
    ])
    func `how it ended becomes the reason`(command: String, reason: String) async throws {
        let recorder = Recorder()
        _ = try WorkerProcess.launch(.shell(command)) { recorder.record($0) }
        #expect(await recorder.end()?.reason.description == reason)
        #expect(recorder.kinds.last == "exited")
    }

    @Test func `what it started ends with it`() async throws {
        let recorder = Recorder()
        // The grandchild ignores what can be ignored, and would hold the output open for ever.
        _ = try WorkerProcess.launch(
            .shell("sh -c 'trap \"\" TERM HUP; while :; do sleep 60; done' & echo $!; exit 0")
        ) { recorder.record($0) }
        #expect(await recorder.end() == .exited(0))
        let grandchild = try #require(recorder.lines().first.flatMap { Int32($0) })
        // SIGKILL was sent before the exit was told; the end itself is a moment's matter.
        await waitUntilGone(grandchild)
    }

    @Test func `a signal to the group reaches all of it`() async throws {
        let recorder = Recorder()
        let process = try WorkerProcess.launch(
            .shell("sh -c 'echo $$; while :; do sleep 60; done' & echo $!; wait")
        ) { recorder.record($0) }
        await recorder.wait { $0.lines().count == 2 }
        #expect(process.isRunning)
        process.killGroup()
        #expect(await recorder.end() == .signaled(SIGKILL))
        #expect(!process.isRunning)
        // No effect on whoever may have the pid by now.
        process.terminateGroup(SIGTERM)
        process.killGroup()
        for line in recorder.lines() { await waitUntilGone(try #require(Int32(line))) }
    }

    @Test func `last words and last lines come before the exit`() async throws {
        let recorder = Recorder()
        _ = try WorkerProcess.launch(
            .python(
                #"""
                for index in range(1000): print('line', index)
                send(b'\x83h\x02w\x04exitw\x05oops!')
                sys.stdout.write('no newline'); sys.stdout.flush(); os._exit(1)
                """#)
        ) { recorder.record($0) }
        #expect(await recorder.end() == .exited(1))
        #expect(recorder.messages == [.exit(reason: .atom("oops!"))])
        #expect(recorder.lines().count == 1001)
        #expect(recorder.lines().last == "no newline")
        #expect(recorder.kinds.last == "exited")
    }

    @Test func `a worker whose child holds the channel open is seen to end`() async throws {
        let recorder = Recorder()
        let process = try WorkerProcess.launch(
            .python(
                """
                import subprocess
                child = subprocess.Popen(['sleep', '1000'], close_fds=False, start_new_session=True)
                print(child.pid); sys.stdout.flush(); receive(); os._exit(3)
                """)
        ) { recorder.record($0) }
        await recorder.wait { !$0.lines().isEmpty }
        let child = try #require(recorder.lines().first.flatMap { Int32($0) })
        process.send(.resume(ref: 1))
        #expect(await recorder.end() == .exited(3))
        #expect(!recorder.kinds.contains("channelClosed"))
        // It holds the channel, so it stood all the time.
        #expect(kill(child, SIGKILL) == 0)
        await waitUntilGone(child)
    }

    @Test func `a worker that somebody else kills is seen to end by its channel`() async throws {
        let recorder = Recorder()
        let process = try WorkerProcess.launch(.python("receive()")) { recorder.record($0) }
        #expect(!process.hasEnded)
        kill(process.pid, SIGKILL)
        #expect(await recorder.end() == .signaled(SIGKILL))
        #expect(process.hasEnded)
    }

    private func waitUntilGone(_ pid: Int32) async {
        while kill(pid, 0) == 0, !isZombie(pid) { await Task.yield() }
    }

    /// A process whose parent is not there to reap it stays in the table where nobody is init.
    private func isZombie(_ pid: Int32) -> Bool {
        guard let bytes = try? FileContents.read("/proc/\(pid)/stat", limit: 4096) else { return true }
        let text = String(decoding: bytes, as: UTF8.self)
        return text.contains(") Z ") || text.contains(") X ")
    }
}
