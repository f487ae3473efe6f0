import Glibc
import Terms
import Testing
import Wire

@testable import Host
@testable import TestSupport

@Suite(.timeLimit(.minutes(15)))
@HostActor
struct TransferTests {
    private func launch(_ program: String) throws -> (process: WorkerProcess, recorder: Recorder) {
        let recorder = Recorder()
        return (try WorkerProcess.launch(.python(program)) { recorder.record($0) }, recorder)
    }

    /// Sends each packet back with its descriptors.
    private let mirror = """
        while True:
            packet, descriptors, flags, address = socket.recv_fds(transfer, 1024, 200)
            if not packet: break
            for descriptor in descriptors: os.write(descriptor, b'x')
            socket.send_fds(transfer, [packet], descriptors)
            for descriptor in descriptors: os.close(descriptor)
        """

    @Test func `descriptors go both ways, and nobody keeps a copy`() async throws {
        let (process, recorder) = try launch(mirror)
        let readEnd: OwnedDescriptor
        do {
            let pipe = try OwnedDescriptor.pipe()
            readEnd = pipe.readEnd
            for packet in 0..<20 {
                let copies = try (0..<128).map { _ in try pipe.writeEnd.duplicated() }
                process.send(transfer: .descriptors(ref: 7, first: packet * 128, count: 128), copies)
            }
        }
        await recorder.wait { $0.transfers.count == 20 }
        #expect(
            recorder.transfers.map(\.packet) == (0..<20).map { .descriptors(ref: 7, first: $0 * 128, count: 128) })
        var written = [UInt8](repeating: 0, count: 4096)
        #expect(read(readEnd.raw, &written, written.count) == 2560)
        for descriptor in recorder.transfers.flatMap(\.descriptors) {
            #expect(fcntl(descriptor.raw, F_GETFD) & FD_CLOEXEC != 0)
        }
        process.killGroup()
        _ = await recorder.end()
        // Once the recorded ones go, nobody has an end to write to.
        recorder.forget()
        #expect(read(readEnd.raw, &written, written.count) == 0)
    }

    @Test func `a state goes over in a sealed memfd`() async throws {
        let (process, recorder) = try launch(
            """
            packet, descriptors, flags, address = socket.recv_fds(transfer, 1024, 1)
            print(os.pread(descriptors[0], 100, 0).decode())
            """)
        process.send(transfer: .state(ref: 1, size: 5), [try StateDescriptor.make(Array("state".utf8))])
        #expect(await recorder.end() == .exited(0))
        #expect(recorder.lines() == ["state"])
    }

    /// The channel and the transfer socket are two; what was sent first is told first all the same.
    @Test func `all packets come before the answer that was sent after them`() async throws {
        let directory = TemporaryDirectory()
        let fifo = "\(directory.path)/sent"
        try #require(mkfifo(fifo, 0o600) == 0)
        let (process, recorder) = try launch(
            """
            for first in range(100):
                packet = b'\\x83h\\x04w\\x0bdescriptorsa\\x01a' + bytes([first]) + b'a\\x01'
                socket.send_fds(transfer, [packet], [0])
            send(b'\\x83h\\x03w\\x08exporteda\\x01t\\x00\\x00\\x00\\x02w\\x04sizea\\x00w\\x0bdescriptorsad')
            open('\(fifo)', 'w').close()
            time.sleep(600)
            """)
        // Nothing is read as long as this holds the reactor's thread: the first turn finds both sockets readable.
        let reader = open(fifo, O_RDONLY | O_CLOEXEC)
        close(reader)
        await recorder.wait { !$0.messages.isEmpty }
        #expect(recorder.messages == [.exported(ref: 1, size: 0, descriptors: 100)])
        #expect(recorder.kinds.filter { $0 != "output" } == Array(repeating: "transfer", count: 100) + ["message"])
        process.killGroup()
        _ = await recorder.end()
    }

    @Test(arguments: [
        (
            "socket.send_fds(transfer, [b'\\x83h\\x04w\\x0bdescriptorsa\\x01a\\x00a\\x02'], [0] * 130)",
            "descriptors of a transfer packet were lost: more than 128 in it, or the daemon's limit of open files is "
                + "reached"
        ),
        (
            "socket.send_fds(transfer, [b'\\x83h\\x04w\\x0bdescriptorsa\\x01a\\x00a\\x02'], [0])",
            "transfer packet {descriptors,1,0,2} came with 1 descriptors, 2 belong to it"
        ),
        ("transfer.send(b'x' * 2000)", "transfer packet is over the limit of 1024 bytes"),
        ("transfer.send(b'hello')", "transfer packet: frame holds no term in the external term format"),
    ])
    func `a packet that is none ends the worker`(program: String, text: String) async throws {
        let (_, recorder) = try launch(program + "\ntime.sleep(600)")
        #expect(await recorder.end() == .signaled(SIGKILL))
        #expect(recorder.kinds == ["protocolError", "exited"])
        #expect(recorder.protocolErrors[0].hasPrefix(text), "\(recorder.protocolErrors)")
    }

    @Test func `states that are not sealed, not the size they should be, or no memfd`() throws {
        let sealed = try StateDescriptor.make([1, 2, 3])
        try StateDescriptor.check(sealed, size: 3)
        let open = OwnedDescriptor(memfdWithoutSeals())
        let (readEnd, _) = try OwnedDescriptor.pipe()
        let table: [(OwnedDescriptor, String)] = [
            (sealed, "the state's memfd has 3 bytes, 4 were announced"),
            (
                open,
                "the state's memfd is not sealed: F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE missing"
            ),
            (readEnd, "the state's descriptor is no memfd"),
        ]
        for (descriptor, text) in table {
            let error = #expect(throws: StateDescriptorError.self) { try StateDescriptor.check(descriptor, size: 4) }
            #expect(error?.description == text)
        }
    }
}
