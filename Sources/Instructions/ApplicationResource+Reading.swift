public import Terms

extension ApplicationResource {
    public static func parse(_ utf8: [UInt8], file: String) throws(FileError) -> ApplicationResource {
        let reader = TermReader(file: file)
        return try ApplicationResource(reader.onlyTerm(of: utf8, expected: shape), file: file)
    }

    public init(_ located: LocatedTerm, file: String) throws(FileError) {
        let reader = TermReader(file: file)
        let parts = try reader.tuple(located, 3, Self.shape)
        guard parts[0].term.asAtom == "application" else {
            throw reader.unexpected(located, expected: Self.shape)
        }
        self.init(name: try reader.application(parts[1]), vsn: "")
        var seen: Set<Atom> = []
        for entry in try reader.list(parts[2], "a list of {Key, Value}") {
            let pair = try reader.tuple(entry, 2, "{Key, Value}")
            let key = try reader.atom(pair[0], "a key (an atom)")
            guard seen.insert(key).inserted else { throw reader.unexpected(pair[0], expected: "each key once") }
            try read(key, pair[1], reader)
        }
        guard seen.contains("vsn") else {
            throw reader.refusal(parts[2], "expected the key vsn, found an application without it")
        }
    }

    private static let shape = "{application, Name, [{Key, Value}]}"

    private mutating func read(_ key: Atom, _ value: LocatedTerm, _ reader: TermReader) throws(FileError) {
        switch key.name {
        case "vsn": vsn = try reader.vsn(value)
        case "description": description = try reader.string(value, "a description (a string)")
        case "id": id = try reader.string(value, "an id (a string)")
        case "modules": modules = try reader.list(value, "a list of modules", each: reader.module)
        case "registered":
            registered = try reader.list(value, "a list of registered names") { (name) throws(FileError) in
                try reader.atom(name, "a registered name (an atom)")
            }
        case "applications": applications = try reader.applications(value)
        case "optional_applications": optionalApplications = try reader.applications(value)
        case "included_applications": includedApplications = try reader.applications(value)
        case "env": env = try reader.parameters(value)
        case "mod": mod = try reader.applicationModule(value)
        case "start_phases": startPhases = try reader.startPhases(value)
        case "maxT": maxT = try reader.limit(value)
        case "maxP": maxP = try reader.limit(value)
        case _: otherKeys.append(EnvironmentParameter(key: key, value: value.term))
        }
    }
}

extension TermReader {
    fileprivate func applications(_ located: LocatedTerm) throws(FileError) -> [Atom] {
        try list(located, "a list of applications", each: application)
    }

    /// `{mod, []}` is what OTP writes where there is none.
    fileprivate func applicationModule(_ located: LocatedTerm) throws(FileError) -> ApplicationModule? {
        if located.term.asList?.isEmpty == true { return nil }
        let parts = try tuple(located, 2, "{Module, Args}")
        return ApplicationModule(module: try module(parts[0]), arguments: parts[1].term)
    }

    fileprivate func startPhases(_ located: LocatedTerm) throws(FileError) -> [StartPhase]? {
        if located.term.asAtom == "undefined" { return nil }
        return try list(located, "a list of {Phase, Args} or undefined") { (entry) throws(FileError) in
            let parts = try tuple(entry, 2, "{Phase, Args}")
            return StartPhase(phase: try atom(parts[0], "a phase (an atom)"), arguments: parts[1].term)
        }
    }

    fileprivate func limit(_ located: LocatedTerm) throws(FileError) -> Int? {
        if located.term.asAtom == "infinity" { return nil }
        guard let limit = located.term.asInt, limit > 0 else {
            throw unexpected(located, expected: "an integer above 0 or infinity")
        }
        return limit
    }
}
