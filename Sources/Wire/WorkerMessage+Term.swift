public import Terms

extension WorkerRequest {
    /// The message as the term that goes into a frame.
    public var term: Term {
        switch self {
        case .initialize(let ref, let start): return message("init", ref, start.term)
        case .call(let ref, let request): return message("call", ref, request)
        case .cast(let request): return .tuple([.atom("cast"), request])
        case .suspend(let ref): return message("suspend", ref)
        case .resume(let ref): return message("resume", ref)
        case .exportState(let ref, let change): return message("export_state", ref, change.term)
        case .importState(let ref, let state): return message("import_state", ref, state.term)
        case .exportSnapshot(let ref, let change): return message("export_snapshot", ref, change.term)
        case .exportChanges(let ref, let change): return message("export_changes", ref, change.term)
        case .endSnapshot(let ref): return message("end_snapshot", ref)
        case .importSnapshot(let ref, let state): return message("import_snapshot", ref, state.term)
        case .importChanges(let ref, let state, let isLast):
            return message("import_changes", ref, state.term, .bool(isLast))
        case .getState(let ref): return message("get_state", ref)
        case .replaceState(let ref, let state): return message("replace_state", ref, state)
        case .getStatus(let ref): return message("get_status", ref)
        case .getModules(let ref): return message("get_modules", ref)
        case .configChange(let ref, let change):
            return message(
                "config_change", ref, .list(change.changed.map(\.term)), .list(change.new.map(\.term)),
                .list(change.removed.map { .atom($0) }))
        case .loadModule(let ref, let library):
            return message("load_module", ref, .atom(library.module), library.identityTerm)
        case .deleteModule(let ref, let module): return message("delete_module", ref, .atom(module))
        case .softPurge(let ref, let module): return message("soft_purge", ref, .atom(module))
        case .purge(let ref, let module): return message("purge", ref, .atom(module))
        case .getVersions(let ref): return message("get_versions", ref)
        case .changeModule(let ref, let module, let change):
            return message("code_change", ref, .atom(module), change.term)
        case .noModule(let module, let reason): return .tuple([.atom("no_module"), .atom(module), reason])
        case .terminate(let ref, let reason): return message("terminate", ref, reason)
        }
    }
}

extension WorkerAnswer {
    /// The message as the term that goes into a frame.
    public var term: Term {
        switch self {
        case .ack(let ref, let vsn, let codeChange, let version, let incremental, let modules):
            var map: [Term: Term] = [.atom("vsn"): vsn, .atom("protocol"): .integer(version)]
            if let codeChange { map[.atom("code_change")] = .bool(codeChange) }
            if incremental { map[.atom("incremental")] = .bool(true) }
            if !modules.isEmpty {
                map[.atom("modules")] = .map(Dictionary(uniqueKeysWithValues: modules.map { (.atom($0), $1) }))
            }
            return message("ack", ref, .map(map))
        case .ignore(let ref): return message("ignore", ref)
        case .error(let ref, let reason): return message("error", ref, reason)
        case .ok(let ref): return message("ok", ref)
        case .okValue(let ref, let value): return message("ok", ref, value)
        case .reply(let ref, let answer): return message("reply", ref, answer)
        case .exported(let ref, let size, let descriptors, let left):
            var map: [Term: Term] = [.atom("size"): .integer(size), .atom("descriptors"): .integer(descriptors)]
            if left > 0 { map[.atom("left")] = .integer(left) }
            return message("exported", ref, .map(map))
        case .log(let level, let text, let metadata):
            return .tuple([
                .atom("log"), .atom(Atom(level.rawValue)), .binary(Array(text.utf8)), .map(metadata),
            ])
        case .exit(let reason): return .tuple([.atom("exit"), reason])
        case .wantModule(let module): return .tuple([.atom("want_module"), .atom(module)])
        }
    }
}

extension WorkerInit {
    var term: Term {
        let mode: Atom
        switch self.mode {
        case .start: mode = "start"
        case .standby: mode = "standby"
        }
        var map: [Term: Term] = [
            .atom("mode"): .atom(mode),
            .atom("module"): .atom(module),
            .atom("function"): .atom(function),
            .atom("arguments"): .list(arguments),
            .atom("path"): .binary(Array(path.utf8)),
            .atom("application"): .atom(application),
            .atom("release"): .binary(Array(release.utf8)),
            .atom("env"): .list(environment.map(\.term)),
            .atom("generation"): .integer(generation),
            .atom("sockets"): .list(sockets.map { .binary(Array($0.utf8)) }),
            .atom("protocol"): .integer(protocolVersion),
        ]
        if !modules.isEmpty {
            map[.atom("modules")] = .list(modules.map { .tuple([.atom($0.module), $0.identityTerm]) })
        }
        return .map(map)
    }
}

extension ModuleIdentity {
    var identityTerm: Term { .binary(Array(identity.utf8)) }
}

extension StateImport {
    var term: Term {
        .map([
            .atom("size"): .integer(size),
            .atom("descriptors"): .integer(descriptors),
            .atom("from_vsn"): fromVsn,
            .atom("change"): change.term,
        ])
    }
}

extension CodeChange {
    var term: Term {
        switch self {
        case .none: return .atom("none")
        case .up(let from, let extra): return .tuple([.atom("code_change"), from, extra])
        case .down(let to, let extra):
            return .tuple([.atom("code_change"), .tuple([.atom("down"), to]), extra])
        }
    }
}

extension EnvironmentEntry {
    var term: Term { .tuple([.atom(key), value]) }
}

private func message(_ name: Atom, _ ref: Int, _ fields: Term...) -> Term {
    .tuple([.atom(name), .integer(ref)] + fields)
}
