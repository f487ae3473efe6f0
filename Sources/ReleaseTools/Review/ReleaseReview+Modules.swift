import Host
import Instructions
import Supervision
import Terms

/// The object code of a release, and the supervisors that name it.
extension ReleaseReview {
    /// A module of the release, as far as its file can be used.
    struct Module {
        let name: Atom
        let application: Application
        let code: ObjectCode
    }

    mutating func reviewModules() {
        var owners: [Atom: Application] = [:]
        let called = calledPrograms
        for application in applications {
            for module in application.resource.modules {
                if let other = owners.updateValue(application, forKey: module) {
                    add(
                        Diagnostic(
                            .error, code: "duplicate_modules",
                            "module \(Term.atom(module)) is both \(other.resource.name.name)'s and "
                                + "\(application.resource.name.name)'s",
                            place: SourcePlace(file: files.shown(application.file), position: nil),
                            advice: "A module belongs to one application: rename one of them."))
                }
                if let code = readModule(module, of: application) {
                    modules[module] = Module(name: module, application: application, code: code)
                }
            }
            reviewUnlisted(application, called)
        }
        reviewRegistered()
    }

    private mutating func readModule(_ module: Atom, of application: Application) -> ObjectCode? {
        do {
            return try files.objectCode(module.name, in: application.ebin)
        } catch {
            let file = "\(application.ebin)/\(module.name)"
            guard error.kind != .missing else {
                add(
                    Diagnostic(
                        .error, code: "no_object_code", "there is no \(file), \(file).so or \(file).sup",
                        place: SourcePlace(file: files.shown(application.file), position: nil),
                        advice: "Its modules list \(module.name): build it, or take it out of the list."))
                return nil
            }
            add(Diagnostic(error, shownAs: shown(error.path, of: module, in: application)))
            return nil
        }
    }

    /// What people call the file at `path`, which is one of a module.
    private func shown(_ path: String, of module: Atom, in application: Application) -> String {
        for suffix in ["", ".so", ".sup"] {
            let name = "\(application.ebin)/\(module.name)\(suffix)"
            if files.locate(name) == path { return files.shown(name) }
        }
        return path
    }

    /// What the scripts of the relup call; one that can't be read is told where it is reviewed.
    private var calledPrograms: Set<Atom> {
        guard let relup = try? files.parse(relupFile, Relup.parse) else { return [] }
        let scripts = (relup.up + relup.down).map(\.script)
        return Set(
            scripts.joined().compactMap { instruction in
                if case .apply(let function) = instruction { function.module } else { nil }
            })
    }

    /// What nothing will ever load, or loads instead of what was meant.
    ///
    /// - Parameter called: what the scripts of the relup call.
    private mutating func reviewUnlisted(_ application: Application, _ called: Set<Atom>) {
        let name = application.resource.name.name
        let listed = Set(application.resource.modules.map(\.name))
        let known: Set<String> = ["\(name).app", "\(name).appup"]
        for file in files.names(application.ebin) where !known.contains(file) && !file.hasPrefix(".") {
            let module = [".so", ".sup"].first(where: file.hasSuffix).map { String(file.dropLast($0.count)) } ?? file
            if called.contains(Atom(module)) { continue }
            if !listed.contains(module) {
                add(
                    Diagnostic(
                        .warning, code: "unlisted_module", "\(application.ebin)/\(file) is no module of \(name)",
                        place: SourcePlace(file: files.shown(application.file), position: nil),
                        advice: "No upgrade replaces it: add \(Term.atom(Atom(module))) to its modules, or put it into "
                            + "priv."))
            } else if file != module, files.has("\(application.ebin)/\(module)") {
                add(
                    Diagnostic(
                        .warning, code: "hidden_module",
                        "\(application.ebin)/\(file) is never used: \(module), beside it, is the module",
                        place: SourcePlace(file: files.shown("\(application.ebin)/\(file)"), position: nil),
                        advice: "Remove one of them."))
            }
        }
    }

    private mutating func reviewRegistered() {
        var owners: [Atom: Application] = [:]
        for application in applications {
            for name in application.resource.registered {
                guard let other = owners.updateValue(application, forKey: name) else { continue }
                add(
                    Diagnostic(
                        .warning, code: "duplicate_register",
                        "\(Term.atom(name)) is registered by both \(other.resource.name.name) and "
                            + "\(application.resource.name.name)",
                        place: SourcePlace(file: files.shown(application.file), position: nil),
                        advice: "make-relup and make-tar refuse such a release: rename one of them."))
            }
        }
    }

    // MARK: Supervisors

    mutating func reviewSupervisors() {
        for application in applications {
            guard let module = application.resource.topSupervisor?.module else { continue }
            let place = SourcePlace(file: files.shown(application.file), position: nil)
            reviewUse(of: module, asSupervisor: true, at: place, by: "mod of \(application.resource.name.name)")
        }
        for module in modules.values.sorted(by: { $0.name.name < $1.name.name }) {
            if case .supervisor = module.code.kind { reviewSupervisor(module) }
        }
    }

    private mutating func reviewSupervisor(_ module: Module) {
        guard let bytes = module.code.contents else { return }
        let application = module.application
        let file = files.shown("\(application.ebin)/\(module.name.name).sup")
        let parameters = application.resource.environment(
            overriddenBy: config.environment(of: application.resource.name))
        let parsed = trying("bad_supervisor") { () throws(FileError) in
            try SupervisorInit.parse(bytes, file: file) { key in parameters.last { $0.key == key }?.value }
        }
        let place = SourcePlace(file: file, position: nil)
        for child in (parsed ?? nil)?.children ?? [] {
            reviewAddresses(child, at: place)
            if child.isUnmodifiedProgram {
                reviewProgram(child, application, at: place)
                continue
            }
            reviewUse(
                of: child.start.module, asSupervisor: child.type == .supervisor, at: place, by: "child \(child.id)")
            reviewStartPhases(child, application, at: place)
            guard case .list(let names) = child.modules else { continue }
            for name in names where name != child.start.module && !isListed(name) {
                add(
                    Diagnostic(
                        .warning, code: "no_such_module",
                        "child \(child.id) names \(Term.atom(name)) among its modules, which no application has",
                        place: place, advice: "No upgrade finds the worker by it: correct the name."))
            }
        }
    }

    private mutating func reviewAddresses(_ child: ChildSpec, at place: SourcePlace) {
        guard let sentence = child.addressProblem else { return }
        add(
            Diagnostic(
                .error, code: "bad_address", "child \(child.id): \(sentence)", place: place,
                advice:
                    "It would fail to start: correct the address there, or in the environment that it is taken from."))
    }

    /// An included application is called for the phases of the including one that are its own too.
    private mutating func reviewStartPhases(_ child: ChildSpec, _ application: Application, at place: SourcePlace) {
        let name = application.resource.name
        let known = Set((application.resource.startPhases ?? []).map(\.phase))
        for phase in child.startPhases where !known.contains(phase) {
            add(
                Diagnostic(
                    .warning, code: "no_such_start_phase",
                    "child \(child.id) asks for the start phase \(Term.atom(phase)), which \(name.name).app has not",
                    place: place, advice: "It would not be called: correct the name, or add it to start_phases."))
        }
    }

    func isListed(_ module: Atom) -> Bool {
        applications.contains { $0.resource.modules.contains(module) }
    }

    private mutating func reviewUse(
        of module: Atom, asSupervisor: Bool, at place: SourcePlace, by user: String
    ) {
        let what = asSupervisor ? "supervisor" : "worker"
        guard let found = modules[module] else {
            // What could not be read was told already.
            guard !isListed(module) else { return }
            add(
                Diagnostic(
                    .error, code: "no_such_module",
                    "\(user) is started by \(Term.atom(module)), which no application of the release lists",
                    place: place, advice: "It would fail to start: add the module to the modules of its .app."))
            return
        }
        let isRight: Bool
        switch found.code.kind {
        case .elf, .script: isRight = !asSupervisor
        case .supervisor: isRight = asSupervisor
        case .library: isRight = false
        }
        guard !isRight else { return }
        add(
            Diagnostic(
                .error, code: "wrong_module_kind",
                "\(user) is a \(what), but its module \(Term.atom(module)) is \(found.code.kind.words)", place: place,
                advice: asSupervisor ? "A supervisor's module is a .sup file." : "A worker's module is an executable."))
    }

    private mutating func reviewProgram(_ child: ChildSpec, _ application: Application, at place: SourcePlace) {
        guard let program = child.start.arguments.first?.asText else {
            add(
                Diagnostic(
                    .error, code: "bad_program",
                    "child \(child.id): a start of an os program takes [Program | Arguments]",
                    place: place, advice: "Name the program as a string."))
            return
        }
        let directory = application.ebin.hasSuffix("/ebin") ? application.ebin.dropLast(5) : application.ebin[...]
        let path = Paths.join(String(directory), program)
        guard !files.has(path) else { return }
        let isAbsolute = program.hasPrefix("/")
        add(
            Diagnostic(
                isAbsolute ? .warning : .error, code: "no_program",
                "child \(child.id) runs \(path), which is not there",
                place: place,
                advice: isAbsolute ? "It must be on the machine that runs the release." : "Put it there, or correct it."
            ))
    }
}

extension ObjectCode.Kind {
    var words: String {
        switch self {
        case .elf: "an executable"
        case .script: "a script"
        case .library: "a library"
        case .supervisor: "a supervisor's file"
        }
    }
}

extension Diagnostic {
    /// The code of an object file that another machine may be able to run.
    static let otherMachine = "other_machine"

    /// A file that can't be used as object code.
    init(_ error: ObjectCodeError, _ severity: Severity = .error, shownAs file: String) {
        let sentence = error.description.hasPrefix(error.path) ? error.description.dropFirst(error.path.count) : ""
        self.init(
            severity, code: error.isOfThisMachine ? Self.otherMachine : "bad_object_code", "\(file)\(sentence)",
            advice: error.isOfThisMachine ? "Check it on the machine that is to run it." : nil)
    }
}

extension ObjectCodeError {
    /// Whether another machine may be able to run the file.
    var isOfThisMachine: Bool {
        switch kind {
        case .otherMachine, .otherWordSize, .otherByteOrder, .missingLoader, .missingInterpreter,
            .interpreterNotExecutable:
            true
        case .missing, .notFile, .unreadable, .empty, .notExecutable, .unknownFormat, .notLibrary, .wrongType,
            .noInterface, .noSections, .notKept, .cutShort, .noInterpreter, .relativeInterpreter, .tooLarge, .badTerm,
            .notOneTerm:
            false
        }
    }
}
