import Glibc
import Terms
import Wire

/// Functional modules: what the daemon loads into this process, and takes out of it.
extension WorkerRuntime {
    /// What `init` brought, before any of the user's code runs: the vsn of each.
    func loadModules(_ ref: Int, _ start: WorkerInit) throws -> [Atom: Term] {
        var loaded: [Atom: Term] = [:]
        for module in start.modules {
            switch try takeLibrary(ref, module) {
            case .loaded(let vsn): loaded[module.module] = vsn
            // Of a new process nothing is old.
            case .inUse: break
            case .failed(let sentence): throw loadFailed(module.module, sentence)
            }
        }
        return loaded
    }

    private enum Taken {
        case loaded(vsn: Term)
        /// The version that was old before is used still.
        case inUse
        case failed(String)
    }

    /// The library that was sent with this request becomes current.
    private func takeLibrary(_ ref: Int, _ module: ModuleIdentity) throws -> Taken {
        let (library, kind): (OwnedDescriptor, LibraryKind)
        do {
            (library, kind) = try core.transferSocket.receiveLibrary(ref: ref, module: module.module)
        } catch is DaemonGone {
            _exit(0)
        }
        switch kind {
        case .module:
            switch core.modules.load(module.module, module.identity, library) {
            case .loaded(let vsn): return .loaded(vsn: .string(vsn))
            case .inUse: return .inUse
            case .failed(let sentence): return .failed(sentence)
            }
        case .driver:
            core.drivers.bring(module.module, module.identity, library)
            // Nothing of it runs before it is loaded.
            return .loaded(vsn: .undefined)
        }
    }

    private func loadFailed(_ module: Atom, _ sentence: String) -> WorkerError {
        WorkerError(.tuple([.atom("load_failed"), .atom(module), text(sentence)]))
    }

    /// Whether the request is about functional modules; it is served then, whatever the worker is at.
    func handlesModules(_ request: WorkerRequest) -> Bool {
        switch request {
        case .loadModule(let ref, let module): load(ref, module)
        case .deleteModule(let ref, let module):
            core.drivers.remove(module)
            untold.removeAll { $0.module == module }
            if !core.modules.delete(module) { endForPurge(module) }
            core.send(.ok(ref: ref))
        case .softPurge(let ref, let module): core.send(.okValue(ref: ref, value: .bool(purge(module))))
        case .purge(let ref, let module):
            if !purge(module) { endForPurge(module) }
            core.send(.ok(ref: ref))
        case .getVersions(let ref): core.send(.okValue(ref: ref, value: .list(core.versions.map(\.term))))
        case .noModule(let module, let reason): told(of: module, .failure(WorkerError(reason)))
        default: return false
        }
        return true
    }

    private func load(_ ref: Int, _ module: ModuleIdentity) {
        do {
            switch try takeLibrary(ref, module) {
            case .loaded(let vsn):
                core.send(.okValue(ref: ref, value: vsn))
                told(of: module.module, .success(vsn))
            // The third version: who runs the first one ends, as in OTP.
            case .inUse: endForPurge(module.module)
            case .failed(let sentence): throw loadFailed(module.module, sentence)
            }
        } catch {
            core.send(.error(ref: ref, reason: reason(of: error)))
        }
    }

    private func purge(_ module: Atom) -> Bool { core.modules.purge(module) && core.drivers.purge(module) }

    /// No thread can be ended by another, nor a version be taken from who holds it: the process is what ends.
    private func endForPurge(_ module: Atom) -> Never {
        core.end(abnormally: .tuple([.atom("purged"), .list([.atom(module)])]))
    }

    /// A server that does not run is told once it does: what it has then may have been exported, and is not to change. Where another process
    /// goes on, that has begun with what is current.
    private func told(of module: Atom, _ result: Result<Term, WorkerError>) {
        switch phase {
        case .running(let context): tell(module, result, context)
        case .awaitingInit, .standby: return
        case .suspended, .imported, .preloaded:
            untold.removeAll { $0.module == module }
            untold.append((module, result))
        }
    }

    private func tell(_ module: Atom, _ result: Result<Term, WorkerError>, _ context: WorkerContext) {
        guarded(context) { (server: inout Server) in
            try server.codeLoaded(module, result, context: context)
            return .noReply
        }
    }

    /// It goes on.
    func tellUntold(_ context: WorkerContext) {
        let events = untold
        untold = []
        for (module, result) in events { tell(module, result, context) }
    }

    /// `code_change` of a functional module, in a suspended worker.
    func changeModule(_ ref: Int, _ module: Atom, _ change: CodeChange, _ context: WorkerContext) {
        mayHaveChanged = true
        do {
            try withServer { server in
                switch change {
                case .none: try server.codeChange(of: module, from: .same, extra: .nil, context: context)
                case .up(let vsn, let extra):
                    try server.codeChange(of: module, from: .up(vsn), extra: extra, context: context)
                case .down(let vsn, let extra):
                    try server.codeChange(of: module, from: .down(to: vsn), extra: extra, context: context)
                }
            }
            core.send(.ok(ref: ref))
        } catch {
            core.send(.error(ref: ref, reason: reason(of: error)))
        }
    }
}

extension ModuleVersion {
    var term: Term {
        .map([
            .atom("module"): .atom(module), .atom("vsn"): .string(vsn), .atom("identity"): .text(identity),
            .atom("state"): .atom(Atom(state.rawValue)), .atom("calls"): .integer(calls),
            .atom("holds"): .integer(holds),
        ])
    }
}
