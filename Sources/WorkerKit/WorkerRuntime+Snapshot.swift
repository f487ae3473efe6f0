import Glibc
import Terms
import Wire

/// What an `export_snapshot` has begun and nothing has ended yet.
enum Recording {
    case none
    /// A child writes the image.
    case writing(SnapshotWriter)
    /// The image is sent; changes may be asked for.
    case recorded
}

/// A state that goes over in parts: an image while the worker serves, then what has changed since.
///
///     none --export_snapshot--> writing --the child ends--> recorded --export_changes--> recorded
///
/// An error of either export, `end_snapshot`, `export_state` and `resume` lead back to none.
extension WorkerRuntime {
    /// Up to here writing the image takes no longer than forking who writes it.
    static var smallImageBytes: Int { 64 << 10 }

    /// Another image that is still being written is given up: this one begins anew.
    func exportSnapshot(_ ref: Int, _ change: CodeChange) {
        endRecording()
        let hint = server?.stateSizeHint ?? 0
        let image = { [self] in
            try packed(as: .state, [], timers: [], reserving: hint) { try writeState(change, into: &$0) }
        }
        do {
            try sendLatch(ref)
            if max(hint, imageBytes) <= Self.smallImageBytes {
                let bytes = try image()
                imageBytes = bytes.count
                try sendState(ref: ref, try StateMemory.create(sealing: bytes), size: bytes.count, [])
                recording = .recorded
            } else {
                recording = .writing(try SnapshotWriter(ref: ref, core: core, image: image))
            }
            mayHaveChanged = false
            withServer { increments?.begin(&$0) }
        } catch {
            latch = nil
            core.send(.error(ref: ref, reason: reason(of: error)))
        }
    }

    /// Where what has not changed needs not be sent. Without a latch all goes by messages.
    private func sendLatch(_ ref: Int) throws {
        guard protocolVersion >= 3, increments == nil, let (latch, descriptor) = try? Latch.make() else { return }
        try core.transferSocket.send(
            .latch(ref: ref), [descriptor.raw])
        self.latch = latch
    }

    /// Whether `export_changes` would find that nothing has changed, and nothing goes beside it.
    var isAtRest: Bool {
        guard latch != nil, core.isRunning, !mayHaveChanged, case .recorded = recording else { return false }
        return !core.sources.isInUse && core.timers.isEmpty && core.channel.backlogBytes == 0
    }

    /// A child has ended, or another event came on the same poller.
    func concludeWriters() {
        if !endedWriters.isEmpty { endedWriters.removeAll { $0.hasEnded } }
        guard case .writing(let writer) = recording, let outcome = writer.outcome() else { return }
        recording = .recorded
        switch outcome {
        case .written(let size):
            do {
                try sendState(ref: writer.ref, writer.memory, size: size, [])
            } catch {
                fail(writer.ref, reason(of: error))
            }
        case .failed(let reason): fail(writer.ref, reason)
        }
    }

    /// What was recorded, and, where `isLast`, all that goes with a suspended worker.
    func exportChanges(_ ref: Int, _ change: CodeChange, isLast: Bool) {
        switch recording {
        case .none: return refuse(ref, "no_snapshot")
        case .writing: return refuse(ref, "snapshot_unfinished")
        case .recorded: break
        }
        do {
            let connections = isLast ? try connectionsToHandOff() : []
            let timers = isLast ? core.timers.messages : []
            let bytes: [UInt8]
            if let increments {
                let hint = server.map { increments.sizeHint($0) } ?? 0
                announceSuspended(beforeWriting: hint, connections)
                bytes = try packed(as: .changes, connections, timers: timers, reserving: hint) { writer in
                    let down: Increments<Server>.CodeChangeDown? =
                        if case .down(let vsn, let extra) = change { (vsn, extra) } else { nil }
                    try withServer { try increments.export(&$0, down, isLast, &writer) }
                }
            } else if !mayHaveChanged, connections.isEmpty, timers.isEmpty {
                return core.send(.exported(ref: ref, size: 0, descriptors: 0))
            } else {
                bytes = try stateOnceMore(change, isLast: isLast, connections, timers)
            }
            mayHaveChanged = false
            let left = server.flatMap { increments?.left($0) } ?? 0
            try sendState(
                ref: ref, try StateMemory.create(sealing: bytes), size: bytes.count, connections,
                left: isLast ? 0 : left)
        } catch {
            fail(ref, reason(of: error))
        }
    }

    /// What a server sends that can't name its changes. While it serves, it is not to write what is large.
    private func stateOnceMore(
        _ change: CodeChange, isLast: Bool, _ connections: [Connection],
        _ timers: [(id: Int, deadline: Int, message: Term)]
    ) throws -> [UInt8] {
        let hint = server?.stateSizeHint ?? 0
        guard isLast || max(hint, imageBytes) <= Self.smallImageBytes else {
            throw WorkerError("state_changed", "the server has changed since the image was taken")
        }
        announceSuspended(beforeWriting: hint, connections)
        return try packed(as: .state, connections, timers: timers, reserving: hint) {
            try writeState(change, into: &$0)
        }
    }

    /// Without what failed no further part would fit.
    private func fail(_ ref: Int, _ reason: Term) {
        endRecording()
        core.send(.error(ref: ref, reason: reason))
    }

    /// Forgets what was recorded. Who waits for the image is told that it won't come.
    func endRecording() {
        switch recording {
        case .none: return
        case .writing(let writer):
            writer.kill()
            endedWriters.append(writer)
            refuse(writer.ref, "snapshot_ended")
        case .recorded: break
        }
        recording = .none
        latch = nil
        withServer { increments?.end(&$0) }
    }

    /// Before an end that was asked for: no child is left behind.
    func endWriters() {
        if case .writing(let writer) = recording {
            writer.kill()
            endedWriters.append(writer)
        }
        for writer in endedWriters { writer.waitForEnd() }
    }
}

extension WorkerRuntime {
    /// Makes a server of the image; it waits for changes.
    func importSnapshot(_ ref: Int, _ announced: StateImport, _ start: WorkerPhase.Start) {
        takeIn(ref, start) { context in
            // Timers of the process that exports come with the last changes, under the ids that they have: below those of any later
            // process, which this server's own begin with.
            core.timers.reserveIDs(from: min(start.given.generation, 1 << 30) << 32)
            try takeNothingBeside(
                try receive(ref, announced, [.state]) { _, reader, from, extra in
                    server = try Server.codeChange(from: from, state: &reader, extra: extra, context: context)
                })
            return .preloaded(start, context)
        }
    }

    func importChanges(
        _ ref: Int, _ announced: StateImport, isLast: Bool, _ start: WorkerPhase.Start, _ context: WorkerContext
    ) {
        takeIn(ref, start, context) { context in
            let beside = try receive(ref, announced, [.changes, .state]) { container, reader, from, extra in
                switch container {
                case .state:
                    server = try Server.codeChange(from: from, state: &reader, extra: extra, context: context)
                case .changes:
                    guard let increments else {
                        throw WorkerError("not_supported", "this server takes no changes of its state")
                    }
                    try withServer { try increments.take(&$0, from, &reader, extra, isLast, context) }
                }
            }
            guard isLast else {
                try takeNothingBeside(beside)
                return .preloaded(start, context)
            }
            try adopt(beside.records, beside.descriptors)
            return .imported(context)
        }
    }

    private func takeNothingBeside(_ beside: Beside) throws {
        guard beside.records.isEmpty, beside.descriptors.isEmpty, beside.timers == 0 else {
            throw WorkerError("bad_state", "descriptors and timers come with the last changes only")
        }
    }
}
