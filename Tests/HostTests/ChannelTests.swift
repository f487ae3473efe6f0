import Glibc
import Terms
import Testing
import Wire

@testable import Host

@Suite(.timeLimit(.minutes(15)))
@HostActor
struct ChannelTests {
    /// Answers each call with its request.
    private let echo = #"""
        while True:
            frame = receive()
            assert frame[:9] == b'\x83h\x03w\x04call', frame
            send(b'\x83h\x03w\x05reply' + frame[9:])
        """#

    private func launch(_ program: String) throws -> (process: WorkerProcess, recorder: Recorder) {
        let recorder = Recorder()
        return (try WorkerProcess.launch(.python(program)) { recorder.record($0) }, recorder)
    }

    @Test func `calls are answered, in order, and the end of the channel ends the worker`() async throws {
        let (process, recorder) = try launch(echo)
        for ref in 1...1000 { process.send(.call(ref: ref, request: .integer(ref * 7))) }
        await recorder.wait { $0.messages.count == 1000 }
        #expect(recorder.messages == (1...1000).map { .reply(ref: $0, answer: .integer($0 * 7)) })
        process.closeChannel()
        #expect(await recorder.end() == .exited(0))
        #expect(recorder.protocolErrors == [])
    }

    @Test func `a large frame goes both ways`() async throws {
        let (process, recorder) = try launch(echo)
        let bytes = [UInt8](repeating: 0x5a, count: 4_000_000)
        process.send(.call(ref: 1, request: .binary(bytes)))
        process.send(.call(ref: 2, request: .ok))
        await recorder.wait { $0.messages.count == 2 }
        #expect(recorder.messages[0] == .reply(ref: 1, answer: .binary(bytes)))
        #expect(recorder.messages[1] == .reply(ref: 2, answer: .ok))
        process.killGroup()
        _ = await recorder.end()
    }

    @Test func `a request that no frame can hold is answered with an error`() async throws {
        let (process, recorder) = try launch(echo)
        process.send(.call(ref: 1, request: .binary([UInt8](repeating: 0, count: 16 * 1024 * 1024))))
        process.send(.call(ref: 2, request: .ok))
        await recorder.wait { $0.messages.count == 2 }
        #expect(
            recorder.messages[0]
                == .error(
                    ref: 1,
                    reason: .tuple([
                        .atom("frame_too_large"),
                        .text("frame of 16777232 bytes is over the limit of 16777216 bytes"),
                    ])))
        #expect(recorder.messages[1] == .reply(ref: 2, answer: .ok))
        process.killGroup()
        _ = await recorder.end()
    }

    @Test(arguments: [
        (#"send(b'hello')"#, "frame holds no term in the external term format"),
        (
            #"channel.sendall(b'GET / HTTP/1.1\r\n\r\n')"#,
            "frame of 1195725856 bytes is over the limit of 16777216 bytes"
        ),
        (#"send(b'\x83w\x05hello')"#, ""),
        (
            #"channel.sendall(b'\0\0\0\x08half'); channel.close()"#,
            "the channel was closed within a frame, after 8 of its bytes"
        ),
    ])
    func `garbage ends the worker and nobody else`(program: String, text: String) async throws {
        let (_, recorder) = try launch(program + "\ntime.sleep(600)")
        #expect(await recorder.end() == .signaled(SIGKILL))
        #expect(recorder.kinds == ["protocolError", "exited"])
        #expect(recorder.protocolErrors[0].hasPrefix(text), "\(recorder.protocolErrors)")
    }

    @Test func `a worker that does not read is ended when too much waits for it`() async throws {
        let (process, recorder) = try launch("time.sleep(600)")
        let request = Term.binary([UInt8](repeating: 0, count: 1024 * 1024))
        for ref in 1...20 { process.send(.call(ref: ref, request: request)) }
        #expect(await recorder.end() == .signaled(SIGKILL))
        #expect(recorder.kinds == ["protocolError", "exited"])
        let text = try #require(recorder.protocolErrors.first)
        let numbers = text.split { !$0.isNumber }.compactMap { Int($0) }
        try #require(numbers.count == 3, "\(text)")
        #expect(
            text == """
                channel overflow: \(numbers[0]) bytes wait for a worker that does not read them, \(numbers[1]) more would \
                go over the limit of \(numbers[2]) bytes
                """)
        #expect(numbers[2] == 16_777_216)
        #expect(numbers[0] <= numbers[2] && numbers[0] + numbers[1] > numbers[2], "\(text)")
    }

    @Test func `a worker that closes its channel and lives on is told of`() async throws {
        let (process, recorder) = try launch("channel.close(); time.sleep(600)")
        await recorder.wait { $0.kinds.contains("channelClosed") }
        #expect(process.isRunning)
        process.send(.cast(request: .ok))
        process.killGroup()
        #expect(await recorder.end() == .signaled(SIGKILL))
        #expect(recorder.kinds == ["channelClosed", "exited"])
    }
}
