import CWorkerKit
import Glibc
import Terms
import Wire

/// A counter with a line server that fails where it is told to, below what WorkerKit would send: for the failure matrix.
///
/// It is `Tests/Fixtures/python/faulty_worker.py` once more: that file says which arguments, faults and lines there are.
final class FaultyWorker {
    private enum Status: String { case new, standby, imported, suspended, running }

    private let vsn = FixturePlace.vsn
    private let channel = descriptor("RELEASE_HANDLER_CHANNEL")
    private let transfer = descriptor("RELEASE_HANDLER_TRANSFER")
    private let listener: Int32? = getenv("LISTEN_FDS") == nil ? nil : 3
    private var frames = FrameDecoder()
    private var status = Status.new
    private var count = 0
    private var faults: [String: String] = [:]
    private var directory = "/nonexistent"
    /// By their connections, what they sent and is no whole line.
    private var clients: [Int32: [UInt8]] = [:]

    static func run() -> Never { FaultyWorker().run() }

    private static func descriptor(_ variable: String) -> Int32 {
        guard let value = getenv(variable), let number = Int32(String(cString: value)) else { exit(97) }
        unsetenv(variable)
        _ = cwk_set_close_on_exec(number)
        return number
    }

    private func run() -> Never {
        if let listener { _ = cwk_set_close_on_exec(listener) }
        while true {
            var watched = [channel]
            if status == .running { watched += clients.keys + (listener.map { [$0] } ?? []) }
            var polled = watched.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            _ = poll(&polled, nfds_t(polled.count), -1)
            for each in polled where each.revents != 0 {
                if each.fd == channel {
                    readChannel()
                } else if each.fd == listener {
                    let client = accept(each.fd, nil, nil)
                    _ = cwk_set_close_on_exec(client)
                    if client >= 0 { clients[client] = [] }
                } else if status == .running {
                    serve(each.fd)
                }
            }
        }
    }

    private func serve(_ client: Int32) {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let received = read(client, &buffer, buffer.count)
        guard received > 0 else {
            clients[client] = nil
            close(client)
            return
        }
        clients[client, default: []] += buffer[..<received]
        while let pending = clients[client], let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
            let words = String(decoding: pending[..<end], as: UTF8.self).split(separator: " ")
            clients[client] = Array(pending[(end + 1)...])
            if words.first == "add" { count += words.last.flatMap { Int($0) } ?? 0 }
            send(Array("\(count)\n".utf8), to: client)
        }
    }

    private func readChannel() {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let received = read(channel, &buffer, buffer.count)
        guard received > 0 else { exit(0) }
        frames.append(Array(buffer[..<received]))
        while let payload = try? frames.next() {
            guard let term = try? Frame.decode(payload), let request = try? WorkerRequest(term) else { exit(96) }
            handle(request)
        }
    }

    private func send(_ bytes: [UInt8], to descriptor: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard sent > 0 else { return }
            rest = rest.dropFirst(sent)
        }
    }

    private func frame(_ answer: WorkerAnswer) -> [UInt8] { (try? Frame.encode(answer.term)) ?? [] }

    private func say(_ answer: WorkerAnswer) { send(frame(answer), to: channel) }

    private func tellThatItHangs() { close(open(directory + "/hangs", O_CREAT | O_WRONLY, 0o600)) }

    private func hangUntilTold() {
        tellThatItHangs()
        while access(directory + "/go", F_OK) != 0 { usleep(20_000) }
    }

    /// Answers, or does what it is told to do instead.
    private func answer(_ callback: String, _ ref: Int, _ answer: WorkerAnswer?) {
        switch faults[callback] {
        case "crash": abort()
        case "exit": exit(0)
        case "error": return say(.error(ref: ref, reason: .atom("told")))
        case "garbage":
            send([0, 0, 0, 5] + Array("hello".utf8), to: channel)
            hangUntilTold()
        case "half":
            let whole = frame(answer ?? .ok(ref: ref))
            send(Array(whole[..<(whole.count / 2)]), to: channel)
            hangUntilTold()
            return send(Array(whole[(whole.count / 2)...]), to: channel)
        case "hang": hangUntilTold()
        case "serves":
            tellThatItHangs()
            var polled = clients.keys.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            _ = poll(&polled, nfds_t(polled.count), -1)
            if let ready = polled.first(where: { $0.revents != 0 }) { serve(ready.fd) }
            abort()
        case "child": _ = FixturePlace.startChild()
        default: break
        }
        if let answer { say(answer) }
    }

    private func handle(_ request: WorkerRequest) {
        switch request {
        case .initialize(let ref, let info): initialize(ref, info)
        case .call(let ref, let request):
            let reply = WorkerAnswer.reply(ref: ref, answer: request == .atom("boom") ? .ok : .integer(count))
            request == .atom("boom") ? answer("call", ref, reply) : say(reply)
        case .cast: break
        case .suspend(let ref):
            answer("suspend", ref, .ok(ref: ref))
            status = .suspended
        case .resume(let ref):
            answer("resume", ref, .ok(ref: ref))
            if faults["resume"] != "error" { status = .running }
        case .exportState(let ref, _): export(ref)
        case .importState(let ref, let how): take(ref, how)
        case .getState(let ref): say(.okValue(ref: ref, value: state))
        case .replaceState(let ref, _): say(.ok(ref: ref))
        case .getStatus(let ref):
            let about: [Term: Term] = [.atom("status"): .atom(status.rawValue), .atom("vsn"): .text(vsn)]
            say(.okValue(ref: ref, value: .map(about)))
        case .getModules(let ref): say(.okValue(ref: ref, value: .list([.atom("faulty")])))
        case .configChange(let ref, _): answer("config_change", ref, .ok(ref: ref))
        case .terminate(let ref, _):
            answer("terminate", ref, nil)
            exit(0)
        case .exportSnapshot(let ref, _), .exportChanges(let ref, _), .endSnapshot(let ref),
            .importSnapshot(let ref, _), .importChanges(let ref, _, _), .loadModule(let ref, _),
            .deleteModule(let ref, _), .softPurge(let ref, _), .purge(let ref, _), .getVersions(let ref),
            .changeModule(let ref, _, _):
            say(.error(ref: ref, reason: .atom("unknown_request")))
        case .noModule: break
        }
    }

    private func initialize(_ ref: Int, _ info: WorkerInit) {
        directory = info.arguments.first?.asText ?? directory
        for fault in info.arguments.dropFirst().compactMap(\.asTuple) where fault[2].asText == vsn {
            faults[fault[0].asAtom?.name ?? ""] = fault[1].asAtom?.name
        }
        status = info.mode == .start ? .running : .standby
        if faults["ack"] == "garbage", info.mode == .standby {
            let ack = Term.tuple([.atom("ack"), .integer(ref), .nil])
            return send((try? Frame.encode(ack)) ?? [], to: channel)
        }
        answer(info.mode == .start ? "start" : "init", ref, .ack(ref: ref, vsn: .string(vsn)))
        if faults["ack"] == "exit", info.mode == .standby { exit(0) }
    }

    // MARK: Handoff

    private var state: Term { .tuple([.atom("counter"), .integer(count)]) }
    private static let harmless: [String?] = [nil, "child"]

    private func export(_ ref: Int) {
        guard Self.harmless.contains(faults["export_state"]) else {
            return answer("export_state", ref, .exported(ref: ref, size: 1, descriptors: 0))
        }
        let order = clients.keys.sorted()
        let records = order.map { Term.tuple([.atom("connection"), .binary(clients[$0] ?? [])]) }
        let bytes = ExternalTermFormat.encode(
            .tuple([
                .atom("worker_state"), 1, .map([.atom("descriptors"): .list(records), .atom("timers"): .nil]), state,
            ]))
        let memory = cwk_memfd_create("state")
        send(bytes, to: memory)
        _ = cwk_memfd_seal(memory)
        packet(.tuple([.atom("state"), .integer(ref), .integer(bytes.count)]), [memory])
        close(memory)
        if !order.isEmpty {
            packet(.tuple([.atom("descriptors"), .integer(ref), 0, .integer(order.count)]), order)
        }
        answer("export_state", ref, .exported(ref: ref, size: bytes.count, descriptors: order.count))
    }

    private func packet(_ term: Term, _ descriptors: [Int32]) {
        let bytes = ExternalTermFormat.encode(term)
        _ = cwk_send_packet(transfer, bytes, bytes.count, descriptors, descriptors.count)
    }

    private func take(_ ref: Int, _ how: StateImport) {
        var memory: Int32?
        var received: [Int32] = []
        while memory == nil || received.count < how.descriptors {
            _ = cwk_wait_ready(transfer, 0, channel, -1)
            var bytes = [UInt8](repeating: 0, count: 1024)
            var descriptors = [Int32](repeating: -1, count: 128)
            var (count, truncated) = (descriptors.count, Int32(0))
            let size = cwk_receive_packet(transfer, &bytes, bytes.count, &descriptors, &count, &truncated)
            guard size > 0, let packet = try? TransferPacket(bytes: Array(bytes[..<Int(size)])) else { exit(95) }
            guard packet.ref == ref else {
                for descriptor in descriptors[..<count] { close(descriptor) }
                continue
            }
            if case .state = packet { memory = descriptors[0] } else { received += descriptors[..<count] }
        }
        guard let memory else { return }
        var bytes = [UInt8](repeating: 0, count: how.size)
        _ = pread(memory, &bytes, how.size, 0)
        close(memory)
        guard Self.harmless.contains(faults["import_state"]) else {
            for descriptor in received { close(descriptor) }
            return answer("import_state", ref, .ok(ref: ref))
        }
        guard let whole = try? ExternalTermFormat.decode(bytes).asTuple, whole.count == 4,
            let records = whole[2].asMap?[.atom("descriptors")]?.asList
        else { exit(94) }
        count = whole[3].asTuple?.last?.asInt ?? 0
        for (record, descriptor) in zip(records, received) {
            clients[descriptor] = record.asTuple?.last?.asBinary ?? []
        }
        status = .imported
        answer("import_state", ref, .ok(ref: ref))
    }
}
