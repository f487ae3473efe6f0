import Instructions
import Terms
import Wire

/// Reads the terms of one line of a trace; an error is told with the line's position.
struct TraceReader {
    let file: String
    let position: SourcePosition?

    func unexpected(_ found: Term, _ expected: String) -> FileError {
        FileError(
            file: file, position: position, message: "expected \(expected), found \(String("\(found)".prefix(200)))")
    }

    func tuple(_ term: Term, _ count: Int, _ expected: String) throws(FileError) -> [Term] {
        guard let elements = term.asTuple, elements.count == count else { throw unexpected(term, expected) }
        return elements
    }

    func list<Element>(
        _ term: Term, each read: (Term) throws(FileError) -> Element
    ) throws(FileError) -> [Element] {
        guard let elements = term.asList else { throw unexpected(term, "a list") }
        var elementsRead: [Element] = []
        for element in elements { elementsRead.append(try read(element)) }
        return elementsRead
    }

    func map(_ term: Term) throws(FileError) -> [Term: Term] {
        guard let map = term.asMap else { throw unexpected(term, "a map") }
        return map
    }

    func value(_ key: Atom, _ map: [Term: Term]) throws(FileError) -> Term {
        guard let value = map[.atom(key)] else { throw unexpected(.map(map), "a map with \(key.name)") }
        return value
    }

    func atom(_ term: Term) throws(FileError) -> Atom {
        guard let atom = term.asAtom else { throw unexpected(term, "an atom") }
        return atom
    }

    func integer(_ term: Term) throws(FileError) -> Int {
        guard let integer = term.asInt else { throw unexpected(term, "an integer") }
        return integer
    }

    func boolean(_ term: Term) throws(FileError) -> Bool {
        guard let boolean = term.asBool else { throw unexpected(term, "true or false") }
        return boolean
    }

    func string(_ term: Term) throws(FileError) -> String {
        guard let string = term.asString else { throw unexpected(term, "a string") }
        return string
    }

    /// Text of any characters, written as a binary.
    func text(_ term: Term) throws(FileError) -> String {
        guard let text = term.asText else { throw unexpected(term, "a text") }
        return text
    }

    // MARK: What the machine speaks of; each beside what writes it

    func place(_ term: Term) throws(FileError) -> ChildAddress {
        let parts = try tuple(term, 2, "{Application, [Child]}")
        return ChildAddress(application: try atom(parts[0]), path: try list(parts[1]) { $0 })
    }

    func places(_ term: Term) throws(FileError) -> [ChildAddress] { try list(term, each: place) }

    func worker(_ term: Term) throws(FileError) -> WorkerInfo {
        let fields = try map(term)
        return WorkerInfo(
            id: try place(value("worker", fields)), resident: try fields[.atom("resident")].mapTyped(atom),
            modules: try list(value("modules", fields), each: atom), vsn: fields[.atom("vsn")],
            sha256: try string(value("sha256", fields)), isSupervisor: try boolean(value("supervisor", fields)),
            isIncremental: try fields[.atom("incremental")].mapTyped(boolean) ?? false,
            functional: try fields[.atom("functional")].mapTyped(functional) ?? [:])
    }

    /// `[{Module, [Current], [Used], IsAssumed}]`, where there is one or no current version.
    private func functional(_ term: Term) throws(FileError) -> [Atom: FunctionalCode] {
        var modules: [Atom: FunctionalCode] = [:]
        for entry in try list(term, each: { $0 }) {
            let parts = try tuple(entry, 4, "{Module, [Current], [Used], IsAssumed}")
            modules[try atom(parts[0])] = FunctionalCode(
                current: try list(parts[1], each: text).first, used: Set(try list(parts[2], each: text)),
                isAssumed: try boolean(parts[3]))
        }
        return modules
    }

    func moduleOfWorker(_ term: Term) throws(FileError) -> RelupMachine.ModuleOfWorker {
        let parts = try tuple(term, 2, "{Worker, Module}")
        return RelupMachine.ModuleOfWorker(worker: try place(parts[0]), module: try atom(parts[1]))
    }

    func moduleFailure(_ term: Term) throws(FileError) -> RelupMachine.ModuleFailure {
        let parts = try tuple(term, 2, "{{Worker, Module}, Reason}")
        return RelupMachine.ModuleFailure(target: try moduleOfWorker(parts[0]), reason: parts[1])
    }

    func library(_ term: Term) throws(FileError) -> LibraryRecord {
        let parts = try tuple(term, 3, "{Library, Vsn, Directory}")
        return LibraryRecord(name: try atom(parts[0]), vsn: try string(parts[1]), directory: try string(parts[2]))
    }

    func version(_ term: Term) throws(FileError) -> CodeVersion {
        let fields = try map(term)
        let name = try atom(value("kind", fields))
        guard let kind = CodeVersion.Kind.allCases.first(where: { $0.atom == name }) else {
            throw unexpected(.atom(name), "resident, supervisor or functional")
        }
        return CodeVersion(
            module: try atom(value("module", fields)), kind: kind, library: try atom(value("library", fields)),
            libraryVsn: try string(value("library_vsn", fields)), path: try string(value("path", fields)),
            sha256: try string(value("sha256", fields)), vsn: fields[.atom("vsn")])
    }

    func failure(_ term: Term) throws(FileError) -> RelupMachine.WorkerFailure {
        let parts = try tuple(term, 2, "{Worker, Reason}")
        return RelupMachine.WorkerFailure(worker: try place(parts[0]), reason: parts[1])
    }

    func failures(_ term: Term) throws(FileError) -> [RelupMachine.WorkerFailure] { try list(term, each: failure) }

    func standby(_ term: Term) throws(FileError) -> RelupMachine.StandbyInfo {
        let fields = try map(term)
        return RelupMachine.StandbyInfo(
            worker: try fields[.atom("worker")].mapTyped(place), module: try atom(value("module", fields)),
            vsn: fields[.atom("vsn")], isIncremental: try boolean(value("incremental", fields)))
    }

    func stopped(_ term: Term) throws(FileError) -> RelupMachine.StoppedChild {
        let parts = try tuple(term, 3, "{Module, Worker, IsForgotten}")
        return RelupMachine.StoppedChild(
            module: try atom(parts[0]), child: try place(parts[1]), isForgotten: try boolean(parts[2]))
    }
}

extension ChildAddress {
    var term: Term { .tuple([.atom(application), .list(path)]) }
}

extension WorkerInfo {
    var term: Term {
        var fields: [Term: Term] = [
            .atom("worker"): id.term, .atom("modules"): .list(modules.map { .atom($0) }),
            .atom("sha256"): .string(sha256), .atom("supervisor"): .bool(isSupervisor),
        ]
        fields[.atom("resident")] = resident.map { .atom($0) }
        fields[.atom("vsn")] = vsn
        if isIncremental { fields[.atom("incremental")] = .true }
        if !functional.isEmpty {
            fields[.atom("functional")] = .list(
                functional.sorted { $0.key.name < $1.key.name }.map { module, code in
                    .tuple([
                        .atom(module), .list(code.current.map { [.text($0)] } ?? []),
                        .list(code.used.sorted().map { .text($0) }), .bool(code.isAssumed),
                    ])
                })
        }
        return .map(fields)
    }
}

extension LibraryRecord {
    var term: Term { .tuple([.atom(name), .string(vsn), .string(directory)]) }
}

extension CodeVersion {
    var term: Term {
        var fields: [Term: Term] = [
            .atom("module"): .atom(module), .atom("kind"): .atom(kind.atom), .atom("library"): .atom(library),
            .atom("library_vsn"): .string(libraryVsn), .atom("path"): .string(path), .atom("sha256"): .string(sha256),
        ]
        fields[.atom("vsn")] = vsn
        return .map(fields)
    }
}

extension CodeVersion.Kind {
    fileprivate var atom: Atom {
        switch self {
        case .resident: "resident"
        case .supervisor: "supervisor"
        case .functional: "functional"
        }
    }
}

extension RelupMachine.ModuleOfWorker {
    var term: Term { .tuple([worker.term, .atom(module)]) }
}

extension RelupMachine.WorkerFailure {
    var term: Term { .tuple([worker.term, reason]) }
}

extension RelupMachine.StandbyInfo {
    var term: Term {
        var fields: [Term: Term] = [.atom("module"): .atom(module), .atom("incremental"): .bool(isIncremental)]
        fields[.atom("worker")] = worker?.term
        fields[.atom("vsn")] = vsn
        return .map(fields)
    }
}

extension RelupMachine.StoppedChild {
    var term: Term { .tuple([.atom(module), child.term, .bool(isForgotten)]) }
}

extension Optional {
    fileprivate func mapTyped<Value, Failure: Error>(_ transform: (Wrapped) throws(Failure) -> Value) throws(Failure)
        -> Value?
    {
        guard let self else { return nil }
        return try transform(self)
    }
}
