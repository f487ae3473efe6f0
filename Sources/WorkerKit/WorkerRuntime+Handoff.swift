import Glibc
import Terms
import Wire

/// What crosses from one process to the next, as one term in a memfd:
///
///     {worker_state, 1, #{descriptors => [Record...], timers => [{ID, Deadline, Message}...]}, State}
///
/// The user's state is last, so that its reader can be handed over as it stands.
extension WorkerRuntime {
    func exportState(_ ref: Int, _ change: CodeChange) {
        endRecording()
        do {
            guard let hint = server?.stateSizeHint else { throw WorkerError(.atom("standby")) }
            let connections = try connectionsToHandOff()
            announceSuspended(beforeWriting: hint, connections)
            let bytes = try packed(
                as: .state, connections, timers: core.timers.messages, reserving: hint
            ) { writer in try writeState(change, into: &writer) }
            try sendState(ref: ref, try StateMemory.create(sealing: bytes), size: bytes.count, connections)
        } catch {
            core.send(.error(ref: ref, reason: reason(of: error)))
        }
    }

    func connectionsToHandOff() throws -> [Connection] {
        let connections = core.servers.flatMap { server in
            server.connections.values.sorted { $0.id < $1.id }
        }
        guard connections.count <= WireLimits.maxDescriptors else {
            throw WorkerError(
                "too_many_descriptors",
                "\(connections.count) connections are over the limit of \(WireLimits.maxDescriptors)")
        }
        return connections
    }

    /// The answer to a suspend waits for that to the export behind it, unless this one will take a while.
    func announceSuspended(beforeWriting bytes: Int, _ connections: [Connection]) {
        if bytes > 64 << 10 || connections.count > WireLimits.maxDescriptorsPerPacket { core.release() }
    }

    func writeState(_ change: CodeChange, into writer: inout ExternalTermWriter) throws {
        guard let server else { throw WorkerError(.atom("standby")) }
        switch change {
        case .none: try server.exportState(into: &writer)
        case .down(let vsn, let extra): try server.codeChange(downTo: vsn, extra: extra, into: &writer)
        case .up: throw WorkerError("bad_request", "an export converts down only")
        }
    }

    /// `{Name, 1, #{descriptors, timers}, Content}`, where `write` writes the last one.
    func packed(
        as content: Container, _ connections: [Connection], timers: [(id: Int, deadline: Int, message: Term)],
        reserving hint: Int, write: (inout ExternalTermWriter) throws -> Void
    ) throws -> [UInt8] {
        let buffered = connections.reduce(0) { $0 + $1.input.count + $1.output.count + 64 }
        var writer = ExternalTermWriter(reserving: hint + buffered + 256)
        writer.version()
        writer.tupleHeader(4)
        writer.atom(content.name)
        writer.integer(1)
        writer.mapHeader(2)
        writer.atom("descriptors")
        if !connections.isEmpty { writer.listHeader(connections.count) }
        for connection in connections { ConnectionRecord.write(connection, into: &writer) }
        writer.nil()
        writer.atom("timers")
        writer.term(.list(timers.map { .tuple([.integer($0.id), .integer($0.deadline), $0.message]) }))
        try write(&writer)
        return writer.finish()
    }

    /// Sends the memfd, its descriptors and the answer.
    func sendState(ref: Int, _ memory: OwnedDescriptor, size: Int, _ connections: [Connection], left: Int = 0) throws {
        let transfer = core.transferSocket
        do {
            try transfer.send(.state(ref: ref, size: size), [memory.raw])
            var first = 0
            while first < connections.count {
                let part = connections[first...].prefix(WireLimits.maxDescriptorsPerPacket)
                try transfer.send(.descriptors(ref: ref, first: first, count: part.count), part.map(\.descriptor))
                first += part.count
            }
        } catch is DaemonGone {
            _exit(0)
        }
        core.send(.exported(ref: ref, size: size, descriptors: connections.count, left: left))
    }
}

/// What a memfd holds: the state as a whole, which takes the place of all that is there, or what has changed of it.
enum Container {
    case state, changes

    var name: Atom {
        switch self {
        case .state: "worker_state"
        case .changes: "worker_changes"
        }
    }

    var form: String {
        switch self {
        case .state: "{worker_state, 1, Map, State}"
        case .changes: "{worker_changes, 1, Map, Changes}"
        }
    }
}

/// What came with a state, or with changes of one.
struct Beside {
    var records: [ConnectionRecord] = []
    var descriptors: [OwnedDescriptor] = []
    /// How many there are; they are in the queue.
    var timers = 0
}

extension WorkerRuntime {
    func importState(_ ref: Int, _ announced: StateImport, _ start: WorkerPhase.Start) {
        takeIn(ref, start) { context in
            let beside = try receive(ref, announced, [.state]) { _, reader, from, extra in
                server = try Server.codeChange(from: from, state: &reader, extra: extra, context: context)
            }
            try adopt(beside.records, beside.descriptors)
            return .imported(context)
        }
    }

    /// Answers an import by what `body` comes to. Where it fails, the process is an empty standby, as it was when it began.
    func takeIn(
        _ ref: Int, _ start: WorkerPhase.Start, _ context: WorkerContext? = nil,
        _ body: (WorkerContext) throws -> WorkerPhase
    ) {
        do {
            phase = try body(context ?? makeContext(start.given))
            core.send(.ok(ref: ref))
        } catch is DaemonGone {
            _exit(0)
        } catch {
            dropImport()
            phase = .standby(start)
            core.send(.error(ref: ref, reason: reason(of: error)))
        }
    }

    func dropImport() {
        server = nil
        core.removeServersAndTimers()
    }

    /// Receives and reads everything but the content, which `content` has to read to its end. Where a whole state comes, what
    /// was there is gone before.
    func receive(
        _ ref: Int, _ announced: StateImport, _ expected: [Container],
        content: (Container, inout ExternalTermReader, FromVsn, _ extra: Term) throws -> Void
    ) throws -> Beside {
        let transfer = core.transferSocket
        let (memory, descriptors) = try transfer.receive(
            ref: ref, size: announced.size, descriptorCount: announced.descriptors)
        let (from, extra): (FromVsn, Term)
        switch announced.change {
        case .none: (from, extra) = (.same, .nil)
        case .up(let vsn, let given): (from, extra) = (.up(vsn), given)
        case .down(let vsn, let given): (from, extra) = (.down(to: vsn), given)
        }
        return try StateMemory.withBytes(of: memory, size: announced.size) { bytes in
            var reader = ExternalTermReader(bytes)
            let container = try readContainer(expected, &reader)
            if container == .state { dropImport() }
            var beside = try readBeside(&reader)
            beside.descriptors = descriptors
            try content(container, &reader, from, extra)
            guard reader.isAtEnd else {
                throw WorkerError("bad_state", "code_change left a part of the state unread")
            }
            return beside
        }
    }

    private func readContainer(_ expected: [Container], _ reader: inout ExternalTermReader) throws -> Container {
        try reader.version()
        let fields = try reader.tupleHeader()
        let name = try reader.atom()
        let version = try reader.integer()
        guard fields == 4, version == 1, let container = expected.first(where: { $0.name == name }) else {
            throw WorkerError("bad_state", "the state is no \(expected.map(\.form).joined(separator: " or "))")
        }
        return container
    }

    private func readBeside(_ reader: inout ExternalTermReader) throws -> Beside {
        var beside = Beside()
        for _ in 0..<(try reader.mapHeader()) {
            switch try reader.atom().name {
            case "descriptors":
                for _ in 0..<(try reader.listHeader()) { beside.records.append(try ConnectionRecord(reading: &reader)) }
                try reader.nilTail()
            case "timers": beside.timers = try readTimers(try reader.term())
            case let key: throw WorkerError("bad_state", "the state's map has an unknown key \(key)")
            }
        }
        return beside
    }

    private func readTimers(_ term: Term) throws -> Int {
        let timers = term.asList ?? []
        for timer in timers {
            guard let fields = timer.asTuple, fields.count == 3, let id = fields[0].asInt, id >= 0,
                let deadline = fields[1].asInt
            else { throw WorkerError("bad_state", "a timer is no {ID, Deadline, Message}") }
            core.timers.insert(id: id, deadline: deadline, .message(fields[2]))
        }
        return timers.count
    }

    /// Gives each connection to the server of its socket's name.
    func adopt(_ records: [ConnectionRecord], _ descriptors: [OwnedDescriptor]) throws {
        guard records.count == descriptors.count else {
            throw WorkerError(
                "bad_state", "\(records.count) descriptors are described, \(descriptors.count) came")
        }
        for (record, descriptor) in zip(records, descriptors) {
            guard let server = core.servers.first(where: { $0.name == record.server }) else {
                throw WorkerError(
                    "no_such_server",
                    "connections of the socket \(record.server) came, which this version does not serve")
            }
            let connection = Connection(record, descriptor: descriptor.release(), server: server)
            guard server.register(connection) else {
                throw WorkerError("bad_descriptor", "a connection of \(record.server) can't be watched")
            }
        }
    }
}
