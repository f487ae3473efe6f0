public import Terms

extension WorkerRequest {
    /// Reads a request. A name that the protocol does not know throws `.unknownRequest`, a known one with the
    /// wrong fields `.malformed`, each with the ref where one is there, so that it can be answered.
    public init(_ term: Term) throws(WireError) {
        guard case .tuple(let fields) = term, case .atom(let name)? = fields.first else {
            throw WireError(.malformed(ref: nil), "expected {Name, Ref, ...}, found \(shortened(term))")
        }
        if name == "cast" {
            guard fields.count == 2 else {
                throw WireError(.malformed(ref: nil), "expected {cast, Request}, found \(shortened(term))")
            }
            self = .cast(request: fields[1])
            return
        }
        if name == "no_module" {
            guard fields.count == 3, case .atom(let module) = fields[1] else {
                throw WireError(.malformed(ref: nil), "expected {no_module, Module, Reason}, found \(shortened(term))")
            }
            self = .noModule(module: module, reason: fields[2])
            return
        }
        var reader = MessageReader(term: term, name: name, fields: fields, ref: nil)
        switch name.name {
        case "init":
            try reader.readRef(fieldCount: 3)
            self = .initialize(ref: reader.number, try WorkerInit(reading: fields[2], reader))
        case "call":
            try reader.readRef(fieldCount: 3)
            self = .call(ref: reader.number, request: fields[2])
        case "export_state", "export_snapshot", "export_changes", "import_state", "import_snapshot", "import_changes":
            self = try Self.transfer(name: name, reader: &reader)
        case "replace_state":
            try reader.readRef(fieldCount: 3)
            self = .replaceState(ref: reader.number, state: fields[2])
        case "config_change":
            try reader.readRef(fieldCount: 5)
            self = .configChange(
                ref: reader.number,
                ConfigChange(
                    changed: try reader.environment(fields[2]), new: try reader.environment(fields[3]),
                    removed: try reader.list(fields[4], "Removed").mapTyped { (key) throws(WireError) in
                        try reader.atom(key, "a key of Removed")
                    }))
        case "load_module", "delete_module", "soft_purge", "purge", "code_change":
            self = try Self.aboutModule(name: name, reader: &reader)
        case "terminate":
            try reader.readRef(fieldCount: 3)
            self = .terminate(ref: reader.number, reason: fields[2])
        default:
            self = try Self.plain(name: name, reader: &reader)
        }
    }

    /// The requests that ask for a state or bring one.
    private static func transfer(name: Atom, reader: inout MessageReader) throws(WireError) -> WorkerRequest {
        try reader.readRef(fieldCount: name == "import_changes" ? 4 : 3)
        let (ref, field) = (reader.number, reader.fields[2])
        switch name.name {
        case "export_state": return .exportState(ref: ref, change: try exported(field, reader))
        case "export_snapshot": return .exportSnapshot(ref: ref, change: try exported(field, reader))
        case "export_changes": return .exportChanges(ref: ref, change: try exported(field, reader))
        case "import_snapshot": return .importSnapshot(ref: ref, try StateImport(reading: field, reader))
        case "import_changes":
            let isLast = try reader.boolean(reader.fields[3], "Last")
            return .importChanges(ref: ref, try StateImport(reading: field, reader), isLast: isLast)
        default: return .importState(ref: ref, try StateImport(reading: field, reader))
        }
    }

    private static func exported(_ term: Term, _ reader: MessageReader) throws(WireError) -> CodeChange {
        let change = try CodeChange(reading: term, reader)
        if case .up = change { throw reader.malformed("change none or {code_change, {down, Vsn}, Extra}", term) }
        return change
    }

    /// The requests whose first field behind the ref is a functional module.
    private static func aboutModule(name: Atom, reader: inout MessageReader) throws(WireError) -> WorkerRequest {
        let hasContent = name == "load_module" || name == "code_change"
        try reader.readRef(fieldCount: hasContent ? 4 : 3)
        let (ref, fields) = (reader.number, reader.fields)
        let module = try reader.atom(fields[2], "Module")
        switch name.name {
        case "load_module":
            let identity = try reader.identity(fields[3])
            return .loadModule(ref: ref, ModuleIdentity(module: module, identity: identity))
        case "code_change":
            return .changeModule(ref: ref, module: module, try CodeChange(reading: fields[3], reader))
        case "delete_module": return .deleteModule(ref: ref, module: module)
        case "soft_purge": return .softPurge(ref: ref, module: module)
        default: return .purge(ref: ref, module: module)
        }
    }

    /// The requests that are `{Name, Ref}`.
    private static func plain(name: Atom, reader: inout MessageReader) throws(WireError) -> WorkerRequest {
        let make: (Int) -> WorkerRequest
        switch name.name {
        case "suspend": make = { .suspend(ref: $0) }
        case "resume": make = { .resume(ref: $0) }
        case "end_snapshot": make = { .endSnapshot(ref: $0) }
        case "get_state": make = { .getState(ref: $0) }
        case "get_status": make = { .getStatus(ref: $0) }
        case "get_modules": make = { .getModules(ref: $0) }
        case "get_versions": make = { .getVersions(ref: $0) }
        default:
            let ref = reader.refIfThere
            throw WireError(.unknownRequest(name: name, ref: ref), "unknown request \(name.name)")
        }
        try reader.readRef(fieldCount: 2)
        return make(reader.number)
    }
}

extension WorkerAnswer {
    /// Reads what a worker sent. Anything but the messages of the protocol throws.
    public init(_ term: Term) throws(WireError) {
        guard case .tuple(let fields) = term, case .atom(let name)? = fields.first else {
            throw WireError(.malformed(ref: nil), "expected a message, found \(shortened(term))")
        }
        var reader = MessageReader(term: term, name: name, fields: fields, ref: nil)
        switch name.name {
        case "ack":
            try reader.readRef(fieldCount: 3)
            let map = try reader.map(fields[2])
            let version = try reader.count(try reader.value("protocol", in: map), "protocol", limit: .max)
            guard (1...WireLimits.protocolVersion).contains(version) else {
                throw reader.malformed("protocol 1 to \(WireLimits.protocolVersion)", .integer(version))
            }
            let incremental = try reader.boolean("incremental", in: map) ?? false
            self = .ack(
                ref: reader.number, vsn: try reader.value("vsn", in: map),
                codeChange: try reader.boolean("code_change", in: map), protocolVersion: version,
                incremental: incremental && version >= 2, modules: try Self.modules(in: map, reader))
        case "ignore":
            try reader.readRef(fieldCount: 2)
            self = .ignore(ref: reader.number)
        case "error":
            try reader.readRef(fieldCount: 3)
            self = .error(ref: reader.number, reason: fields[2])
        case "ok":
            try reader.readRef(fieldCount: fields.count == 3 ? 3 : 2)
            self = fields.count == 3 ? .okValue(ref: reader.number, value: fields[2]) : .ok(ref: reader.number)
        case "reply":
            try reader.readRef(fieldCount: 3)
            self = .reply(ref: reader.number, answer: fields[2])
        case "exported":
            try reader.readRef(fieldCount: 3)
            let map = try reader.map(fields[2])
            self = .exported(
                ref: reader.number,
                size: try reader.count(try reader.value("size", in: map), "size", limit: WireLimits.maxStateBytes),
                descriptors: try reader.count(
                    try reader.value("descriptors", in: map), "descriptors", limit: WireLimits.maxDescriptors),
                left: try map[.atom("left")].map { (left) throws(WireError) in
                    try reader.count(left, "left", limit: WireLimits.maxStateBytes)
                } ?? 0)
        case "log":
            self = try Self.log(reader)
        case "exit":
            guard fields.count == 2 else { throw reader.malformed("{exit, Reason}", term) }
            self = .exit(reason: fields[1])
        case "want_module":
            guard fields.count == 2 else { throw reader.malformed("{want_module, Module}", term) }
            self = .wantModule(try reader.atom(fields[1], "Module"))
        default:
            throw reader.malformed(
                "one of ack, ignore, error, ok, reply, exported, log, exit, want_module", .atom(name))
        }
    }

    private static func modules(
        in map: [Term: Term], _ reader: MessageReader
    ) throws(WireError) -> [Atom: Term] {
        guard let modules = map[.atom("modules")] else { return [:] }
        var loaded: [Atom: Term] = [:]
        for (name, vsn) in try reader.map(modules) { loaded[try reader.atom(name, "a key of modules")] = vsn }
        return loaded
    }

    private static func log(_ reader: MessageReader) throws(WireError) -> WorkerAnswer {
        guard reader.fields.count == 4 else { throw reader.malformed("{log, Level, Text, Map}", reader.term) }
        guard case .atom(let level) = reader.fields[1], let level = LogLevel(rawValue: level.name) else {
            throw reader.malformed("a level of syslog as an atom", reader.fields[1])
        }
        let text = try reader.text(reader.fields[2], "Text")
        guard text.utf8.count <= WireLimits.maxLogTextBytes else {
            throw WireError(
                .overLimit,
                "log: Text of \(text.utf8.count) bytes is over the limit of \(WireLimits.maxLogTextBytes) bytes")
        }
        return .log(level: level, text: text, metadata: try reader.map(reader.fields[3]))
    }
}

extension WorkerInit {
    init(reading term: Term, _ reader: MessageReader) throws(WireError) {
        let map = try reader.map(term)
        let mode: WorkerStartMode
        switch try reader.atom(try reader.value("mode", in: map), "mode").name {
        case "start": mode = .start
        case "standby": mode = .standby
        case let other: throw reader.malformed("mode start or standby", .atom(Atom(other)))
        }
        let sockets = try reader.list(try reader.value("sockets", in: map), "sockets")
        guard sockets.count <= WireLimits.maxSockets else {
            throw WireError(
                .overLimit, "init: \(sockets.count) sockets are over the limit of \(WireLimits.maxSockets)")
        }
        self.init(
            mode: mode,
            module: try reader.atom(try reader.value("module", in: map), "module"),
            function: try reader.atom(try reader.value("function", in: map), "function"),
            arguments: try reader.list(try reader.value("arguments", in: map), "arguments"),
            path: try reader.text(try reader.value("path", in: map), "path"),
            application: try reader.atom(try reader.value("application", in: map), "application"),
            release: try reader.text(try reader.value("release", in: map), "release"),
            environment: try reader.environment(try reader.value("env", in: map)),
            generation: try reader.count(try reader.value("generation", in: map), "generation", limit: .max),
            sockets: try sockets.mapTyped { (name) throws(WireError) in try reader.text(name, "a name of sockets") },
            protocolVersion: try map[.atom("protocol")].map { (version) throws(WireError) in
                try reader.count(version, "protocol", limit: .max)
            } ?? 1,
            modules: try map[.atom("modules")].map { (modules) throws(WireError) in
                try reader.list(modules, "modules").mapTyped { (entry) throws(WireError) in
                    guard case .tuple(let pair) = entry, pair.count == 2 else {
                        throw reader.malformed("{Module, Identity} in modules", entry)
                    }
                    return ModuleIdentity(
                        module: try reader.atom(pair[0], "a name of modules"), identity: try reader.identity(pair[1]))
                }
            } ?? [])
    }
}

extension StateImport {
    init(reading term: Term, _ reader: MessageReader) throws(WireError) {
        let map = try reader.map(term)
        self.init(
            size: try reader.count(try reader.value("size", in: map), "size", limit: WireLimits.maxStateBytes),
            descriptors: try reader.count(
                try reader.value("descriptors", in: map), "descriptors", limit: WireLimits.maxDescriptors),
            fromVsn: try reader.value("from_vsn", in: map),
            change: try CodeChange(reading: try reader.value("change", in: map), reader))
    }
}

extension CodeChange {
    init(reading term: Term, _ reader: MessageReader) throws(WireError) {
        switch term {
        case .atom("none"):
            self = .none
        case .tuple(let fields) where fields.count == 3:
            guard case .atom("code_change") = fields[0] else { fallthrough }
            if case .tuple(let down) = fields[1], down.count == 2, case .atom("down") = down[0] {
                self = .down(to: down[1], extra: fields[2])
            } else {
                self = .up(from: fields[1], extra: fields[2])
            }
        default:
            throw reader.malformed("change none or {code_change, Vsn, Extra}", term)
        }
    }
}
