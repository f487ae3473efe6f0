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
        case .terminate(let ref, let reason): return message("terminate", ref, reason)
        }
    }
}

extension WorkerAnswer {
    /// The message as the term that goes into a frame.
    public var term: Term {
        switch self {
        case .ack(let ref, let vsn, let codeChange, let version, let incremental):
            var map: [Term: Term] = [.atom("vsn"): vsn, .atom("protocol"): .integer(version)]
            if let codeChange { map[.atom("code_change")] = .bool(codeChange) }
            if incremental { map[.atom("incremental")] = .bool(true) }
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
        return .map([
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
        ])
    }
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
