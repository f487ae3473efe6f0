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
        do {
            let connections = core.servers.flatMap { server in
                server.connections.values.sorted { $0.id < $1.id }
            }
            guard connections.count <= WireLimits.maxDescriptors else {
                throw WorkerError(
                    "too_many_descriptors",
                    "\(connections.count) connections are over the limit of \(WireLimits.maxDescriptors)")
            }
            let bytes = try stateBytes(connections, change)
            let memory = try StateMemory.create(bytes)
            let transfer = Transfer(descriptor: core.transfer, lifeline: core.channel.descriptor)
            try transfer.send(.state(ref: ref, size: bytes.count), [memory.raw])
            var first = 0
            while first < connections.count {
                let part = connections[first...].prefix(WireLimits.maxDescriptorsPerPacket)
                try transfer.send(.descriptors(ref: ref, first: first, count: part.count), part.map(\.descriptor))
                first += part.count
            }
            core.send(.exported(ref: ref, size: bytes.count, descriptors: connections.count))
        } catch is DaemonGone {
            _exit(0)
        } catch {
            core.send(.error(ref: ref, reason: reason(of: error)))
        }
    }

    private func stateBytes(_ connections: [Connection], _ change: CodeChange) throws -> [UInt8] {
        let buffered = connections.reduce(0) { $0 + $1.input.count + $1.output.count + 64 }
        guard let server else { throw WorkerError(.atom("standby")) }
        var writer = ExternalTermWriter(reserving: server.stateSizeHint + buffered + 256)
        writer.version()
        writer.tupleHeader(4)
        writer.atom("worker_state")
        writer.integer(1)
        writer.mapHeader(2)
        writer.atom("descriptors")
        if !connections.isEmpty { writer.listHeader(connections.count) }
        for connection in connections { ConnectionRecord.write(connection, into: &writer) }
        writer.nil()
        writer.atom("timers")
        writer.term(.list(core.timers.messages.map { .tuple([.integer($0.id), .integer($0.deadline), $0.message]) }))
        switch change {
        case .none: try server.exportState(into: &writer)
        case .down(let vsn, let extra): try server.codeChange(downTo: vsn, extra: extra, into: &writer)
        case .up: throw WorkerError("bad_request", "an export converts down only")
        }
        return writer.bytes
    }

    func importState(_ ref: Int, _ announced: StateImport, _ start: WorkerInit) {
        do {
            let transfer = Transfer(descriptor: core.transfer, lifeline: core.channel.descriptor)
            let (memory, descriptors) = try transfer.receive(
                ref: ref, size: announced.size, descriptorCount: announced.descriptors)
            let context = makeContext(start)
            let records = try StateMemory.withBytes(of: memory, size: announced.size) { bytes in
                try readState(bytes, announced, context)
            }
            try adopt(records, descriptors)
            phase = .imported(context)
            core.send(.ok(ref: ref))
        } catch is DaemonGone {
            _exit(0)
        } catch {
            server = nil
            core.removeServersAndTimers()
            core.send(.error(ref: ref, reason: reason(of: error)))
        }
    }

    /// Reads everything, and makes the server out of its part.
    private func readState(
        _ bytes: UnsafeRawBufferPointer, _ announced: StateImport, _ context: WorkerContext
    ) throws -> [ConnectionRecord] {
        var reader = ExternalTermReader(bytes)
        try reader.version()
        let fields = try reader.tupleHeader()
        let name = try reader.atom()
        let version = try reader.integer()
        guard fields == 4, name == "worker_state", version == 1 else {
            throw WorkerError("bad_state", "the state is no {worker_state, 1, Map, State}")
        }
        var records: [ConnectionRecord] = []
        for _ in 0..<(try reader.mapHeader()) {
            switch try reader.atom().name {
            case "descriptors":
                for _ in 0..<(try reader.listHeader()) { records.append(try ConnectionRecord(reading: &reader)) }
                try reader.nilTail()
            case "timers": try readTimers(try reader.term())
            case let key: throw WorkerError("bad_state", "the state's map has an unknown key \(key)")
            }
        }
        let (from, extra): (FromVsn, Term)
        switch announced.change {
        case .none: (from, extra) = (.same, .nil)
        case .up(let vsn, let given): (from, extra) = (.up(vsn), given)
        case .down(let vsn, let given): (from, extra) = (.down(to: vsn), given)
        }
        server = try Server.codeChange(from: from, state: &reader, extra: extra, context: context)
        guard reader.isAtEnd else {
            throw WorkerError("bad_state", "code_change left a part of the state unread")
        }
        return records
    }

    private func readTimers(_ term: Term) throws {
        for timer in term.asList ?? [] {
            guard let fields = timer.asTuple, fields.count == 3, let id = fields[0].asInt, id >= 0,
                let deadline = fields[1].asInt
            else { throw WorkerError("bad_state", "a timer is no {ID, Deadline, Message}") }
            core.timers.insert(id: id, deadline: deadline, .message(fields[2]))
        }
    }

    /// Gives each connection to the server of its socket's name.
    private func adopt(_ records: [ConnectionRecord], _ descriptors: [OwnedDescriptor]) throws {
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
