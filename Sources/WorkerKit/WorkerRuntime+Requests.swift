import Glibc
import Terms
import Wire

extension WorkerRuntime {
    func handle(_ request: WorkerRequest) {
        if !request.isExport { core.release() }
        switch phase {
        case .awaitingInit:
            guard case .initialize(let ref, let start) = request else {
                core.end(abnormally: .tuple([.atom("protocol_error"), text("the first message is not init")]))
            }
            begin(ref, start)
        case _ where !handsOverInParts && request.partName != nil:
            if let ref = request.ref, let name = request.partName { refuse(ref, unknown: name) }
        case _ where handlesModules(request): break
        case .standby(let start): handleInStandby(request, start)
        case .preloaded(let start, let context): handlePreloaded(request, start, context)
        case .imported(let context): handleImported(request, context)
        case .running(let context): handleRunning(request, context)
        case .suspended(let context): handleSuspended(request, context)
        }
    }

    /// A request that can't be read: answered where it has a ref, else it is the end.
    func answer(_ error: WireError) {
        switch error.kind {
        case .unknownRequest(let name, let ref?): refuse(ref, unknown: name)
        case .malformed(let ref?):
            core.send(.error(ref: ref, reason: .tuple([.atom("bad_request"), text(error.message)])))
        case .unknownRequest, .malformed, .frameTooLarge, .notATerm, .overLimit:
            core.end(abnormally: .tuple([.atom("protocol_error"), text(error.message)]))
        }
    }

    func refuse(_ ref: Int, _ reason: Atom) {
        core.send(.error(ref: ref, reason: .atom(reason)))
    }

    private func refuse(_ ref: Int, unknown name: Atom) {
        core.send(.error(ref: ref, reason: .tuple([.atom("unknown_request"), .atom(name)])))
    }

    private func begin(_ ref: Int, _ start: WorkerInit) {
        // Of every server, in parts or not: version 2 is that of this library, and what it adds a process may leave out.
        protocolVersion = min(start.protocolVersion, WireLimits.protocolVersion)
        if protocolVersion >= 2 {
            increments = .find()
            handsOverInParts = increments != nil || Server.copiesStateAhead
        }
        let modules: [Atom: Term]
        do {
            modules = try loadModules(ref, start)
        } catch {
            failStart(ref, error)
        }
        let acknowledgement = WorkerAnswer.ack(
            ref: ref, vsn: Server.vsn, codeChange: Server.hasCodeChange, protocolVersion: protocolVersion,
            incremental: handsOverInParts, modules: modules)
        switch start.mode {
        case .standby:
            phase = .standby(WorkerPhase.Start(start))
            core.send(acknowledgement)
            if Server.self != WarmUp.Server.self { WarmUp.run() }
        case .start:
            let context = makeContext(start)
            do {
                server = try Server(arguments: start.arguments, context: context)
            } catch is StartIgnored {
                core.send(.ignore(ref: ref))
                core.endNormally()
            } catch {
                failStart(ref, error)
            }
            run(context)
            core.send(acknowledgement)
            if Server.self != WarmUp.Server.self { WarmUp.run() }
        }
    }

    private func failStart(_ ref: Int, _ error: any Error) -> Never {
        core.send(.error(ref: ref, reason: reason(of: error)))
        core.channel.drain()
        _exit(1)
    }

    func makeContext(_ start: WorkerInit) -> WorkerContext {
        var named: [String: Int32] = [:]
        for (name, descriptor) in zip(start.sockets, sockets) { named[name] = descriptor }
        return WorkerContext(start, listeningSockets: named, core: core)
    }

    private func run(_ context: WorkerContext) {
        phase = .running(context)
        core.isRunning = true
    }

    private func handleInStandby(_ request: WorkerRequest, _ start: WorkerPhase.Start) {
        switch request {
        case .importState(let ref, let state): importState(ref, state, start)
        case .importSnapshot(let ref, let state): importSnapshot(ref, state, start)
        case .importChanges(let ref, _, _): refuse(ref, "no_snapshot")
        case .getStatus(let ref): core.send(.okValue(ref: ref, value: status("standby", start.given)))
        case .getModules(let ref): core.send(.okValue(ref: ref, value: .list([.atom(start.given.module)])))
        case .terminate: core.endNormally()
        case .cast: core.log(.warning, "a cast came to a standby and is dropped", [:])
        case .initialize(let ref, _), .call(let ref, _), .suspend(let ref), .resume(let ref),
            .exportState(let ref, _), .exportSnapshot(let ref, _), .exportChanges(let ref, _), .endSnapshot(let ref),
            .getState(let ref), .replaceState(let ref, _), .configChange(let ref, _), .changeModule(let ref, _, _):
            refuse(ref, "standby")
        case .loadModule, .deleteModule, .softPurge, .purge, .getVersions, .noModule: break
        }
    }

    /// A standby still, but for what goes on with what it has.
    private func handlePreloaded(_ request: WorkerRequest, _ start: WorkerPhase.Start, _ context: WorkerContext) {
        switch request {
        case .importChanges(let ref, let state, let isLast):
            importChanges(ref, state, isLast: isLast, start, context)
        // Nothing has changed since.
        case .resume: handleSuspended(request, context)
        case .initialize, .call, .cast, .suspend, .exportState, .exportSnapshot, .exportChanges, .endSnapshot,
            .importState, .importSnapshot, .getState, .replaceState, .getStatus, .getModules, .configChange, .terminate,
            .loadModule, .deleteModule, .softPurge, .purge, .getVersions, .changeModule, .noModule:
            handleInStandby(request, start)
        }
    }

    private func handleImported(_ request: WorkerRequest, _ context: WorkerContext) {
        switch request {
        case .importState(let ref, _), .importSnapshot(let ref, _), .importChanges(let ref, _, _):
            refuse(ref, "already_imported")
        case .exportState(let ref, _), .exportSnapshot(let ref, _), .exportChanges(let ref, _), .endSnapshot(let ref):
            refuse(ref, "standby")
        case .terminate: core.endNormally()
        case .initialize, .call, .cast, .suspend, .resume, .getState, .replaceState, .getStatus, .getModules,
            .configChange, .loadModule, .deleteModule, .softPurge, .purge, .getVersions, .changeModule, .noModule:
            handleSuspended(request, context)
        }
    }

    private func handleSuspended(_ request: WorkerRequest, _ context: WorkerContext) {
        switch request {
        case .resume(let ref):
            run(context)
            core.send(.ok(ref: ref))
            // The handoff was called off: what was recorded for it is nobody's.
            endRecording()
            guarded(context) { (server: inout Server) in
                try server.resumed(context: context)
                return .noReply
            }
            tellUntold(context)
            for server in core.servers { server.processBuffered() }
        case .exportState(let ref, let change): exportState(ref, change)
        case .exportChanges(let ref, let change): exportChanges(ref, change, isLast: true)
        case .exportSnapshot(let ref, _): refuse(ref, "suspended")
        case .suspend(let ref): core.send(.ok(ref: ref))
        case .call(let ref, _): refuse(ref, "suspended")
        case .cast: core.log(.warning, "a cast came to a suspended worker and is dropped", [:])
        case .changeModule(let ref, let module, let change): changeModule(ref, module, change, context)
        case .getState, .replaceState, .getStatus, .getModules, .configChange, .terminate, .initialize,
            .importState, .endSnapshot, .importSnapshot, .importChanges, .loadModule, .deleteModule, .softPurge, .purge,
            .getVersions, .noModule:
            handleSystem(request, context, status: "suspended")
        }
    }

    private func handleRunning(_ request: WorkerRequest, _ context: WorkerContext) {
        switch request {
        case .call(let ref, let request): call(ref, request, context)
        case .cast(let request):
            guarded(context) { (server: inout Server) in try server.handleCast(request, context: context) }
        case .suspend(let ref):
            suspend(context)
            // An export behind it, in the same read, is answered in the same write.
            core.channel.isHolding = true
            core.send(.ok(ref: ref))
        case .resume(let ref): core.send(.ok(ref: ref))
        case .exportState(let ref, _): refuse(ref, "not_suspended")
        case .exportSnapshot(let ref, let change): exportSnapshot(ref, change)
        case .exportChanges(let ref, let change): exportChanges(ref, change, isLast: false)
        case .changeModule(let ref, _, _): refuse(ref, "not_suspended")
        case .getState, .replaceState, .getStatus, .getModules, .configChange, .terminate, .initialize,
            .importState, .endSnapshot, .importSnapshot, .importChanges, .loadModule, .deleteModule, .softPurge, .purge,
            .getVersions, .noModule:
            handleSystem(request, context, status: "running")
        }
    }

    private func suspend(_ context: WorkerContext) {
        core.flushConnections()
        phase = .suspended(context)
        core.isRunning = false
    }

    /// The daemon has suspended it by its latch.
    func suspendHeld() {
        if case .running(let context) = phase { suspend(context) }
    }

    private func call(_ ref: Int, _ request: Term, _ context: WorkerContext) {
        guarded(context) { (server: inout Server) in
            switch try server.handleCall(request, from: CallReference(ref: ref), context: context) {
            case .reply(let answer): core.send(.reply(ref: ref, answer: answer))
            case .noReply: break
            case .stop(let reason, let reply):
                if let reply { core.send(.reply(ref: ref, answer: reply)) }
                return .stop(reason: reason)
            }
            return .noReply
        }
    }

    /// What is served running and suspended alike.
    private func handleSystem(_ request: WorkerRequest, _ context: WorkerContext, status name: Atom) {
        switch request {
        case .getState(let ref):
            answer(ref) { (server: inout Server) in .okValue(ref: ref, value: try server.getState()) }
        case .replaceState(let ref, let state):
            answer(ref) { (server: inout Server) in
                try server.replaceState(state, context: context)
                return .ok(ref: ref)
            }
        case .getStatus(let ref): core.send(.okValue(ref: ref, value: status(name, context)))
        case .getModules(let ref):
            answer(ref) { (server: inout Server) in
                .okValue(ref: ref, value: .list(server.modules(context: context).map { .atom($0) }))
            }
        case .configChange(let ref, let change): configChange(ref, change, context)
        case .terminate(_, let reason): terminate(reason, context)
        case .endSnapshot(let ref):
            endRecording()
            core.send(.ok(ref: ref))
        case .initialize(let ref, _), .importState(let ref, _), .importSnapshot(let ref, _),
            .importChanges(let ref, _, _):
            refuse(ref, "already_started")
        case .call(let ref, _), .suspend(let ref), .resume(let ref), .exportState(let ref, _),
            .exportSnapshot(let ref, _), .exportChanges(let ref, _), .changeModule(let ref, _, _):
            refuse(ref, name)
        case .cast, .loadModule, .deleteModule, .softPurge, .purge, .getVersions, .noModule: break
        }
    }

    /// Runs user code whose errors are answers.
    private func answer(_ ref: Int, _ body: (inout Server) throws -> WorkerAnswer) {
        mayHaveChanged = true
        do {
            if let answer = try withServer(body) { core.send(answer) }
        } catch {
            core.send(.error(ref: ref, reason: reason(of: error)))
        }
    }

    private func configChange(_ ref: Int, _ change: ConfigChange, _ context: WorkerContext) {
        var changed: [Atom: Term] = [:]
        var new: [Atom: Term] = [:]
        for entry in change.changed { changed[entry.key] = entry.value }
        for entry in change.new { new[entry.key] = entry.value }
        for (key, value) in changed.merging(new, uniquingKeysWith: { $1 }) { context.environment[key] = value }
        for key in change.removed { context.environment[key] = nil }
        answer(ref) { (server: inout Server) in
            try server.configChange(changed: changed, new: new, removed: change.removed, context: context)
            return .ok(ref: ref)
        }
    }

    private func terminate(_ reason: Term, _ context: WorkerContext) -> Never {
        endWriters()
        // Another process has the connections now: not a byte more from here.
        if reason == .atom("handoff") { _exit(0) }
        withServer { $0.terminate(reason: reason, context: context) }
        if core.isRunning { for server in core.servers { server.flushAll() } }
        core.endNormally()
    }
}

extension WorkerRequest {
    /// The name of a request that hands a state over in parts: nil where it does not.
    fileprivate var partName: Atom? {
        switch self {
        case .exportSnapshot: "export_snapshot"
        case .exportChanges: "export_changes"
        case .endSnapshot: "end_snapshot"
        case .importSnapshot: "import_snapshot"
        case .importChanges: "import_changes"
        case .initialize, .call, .cast, .suspend, .resume, .exportState, .importState, .getState, .replaceState,
            .getStatus, .getModules, .configChange, .terminate, .loadModule, .deleteModule, .softPurge, .purge,
            .getVersions, .changeModule, .noModule:
            nil
        }
    }

    /// What a suspend is for.
    fileprivate var isExport: Bool {
        switch self {
        case .exportState, .exportChanges: true
        case .exportSnapshot, .endSnapshot, .importSnapshot, .importChanges, .initialize, .call, .cast, .suspend,
            .resume, .importState, .getState, .replaceState, .getStatus, .getModules, .configChange, .terminate,
            .loadModule, .deleteModule, .softPurge, .purge, .getVersions, .changeModule, .noModule:
            false
        }
    }
}
