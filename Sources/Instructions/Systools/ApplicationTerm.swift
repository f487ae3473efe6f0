import Terms

/// An `.app` as `systools` reads it: what must be there and what each key may hold, in its order.
///
/// Source: OTP's `systools_make`, `parse_application`. `ApplicationResource` is what the daemon reads, and asks for less.
struct ApplicationTerm {
    private let located: LocatedTerm
    private let file: String
    private let name: Atom
    /// Each key with its value, or with what stands there where that is no pair.
    private let keys: [Atom: (isPair: Bool, value: LocatedTerm)]

    init(_ located: LocatedTerm, file: String) throws(ApplicationProblem.Thrown) {
        let parts = located.children
        guard located.term.asTuple?.count == 3, parts[0].term.asAtom == "application", let name = parts[1].term.asAtom,
            parts[2].term.asList != nil
        else {
            let place = SourcePlace(file: file, position: located.position)
            throw ApplicationProblem.Thrown(kind: .badlyFormatted(located.term), place: place)
        }
        self.located = located
        self.file = file
        self.name = name
        var keys: [Atom: (isPair: Bool, value: LocatedTerm)] = [:]
        for entry in parts[2].children {
            guard let elements = entry.term.asTuple, let key = elements.first?.asAtom, keys[key] == nil else {
                continue
            }
            keys[key] = elements.count == 2 ? (true, entry.children[1]) : (false, entry)
        }
        self.keys = keys
    }

    func application(
        _ member: ReleaseCollection.Member, _ included: [Atom: [Atom]], directory: String
    ) throws(ApplicationProblem.Thrown) -> CollectedApplication {
        let vsn = try string("vsn", orMissing: nil)
        _ = try string("id", orMissing: "")
        _ = try string("description", orMissing: nil)
        let modules = try atoms("modules", orMissing: nil)
        let registered = try atoms("registered", orMissing: nil)
        let uses = try atoms("applications", orMissing: nil)
        let optional = try atoms("optional_applications", orMissing: [])
        var includes = try atoms("included_applications", orMissing: [])
        try checkMod()
        try checkPairs("start_phases", mayBeUndefined: true)
        try checkPairs("env", mayBeUndefined: false)
        try checkLimit("maxT")
        try checkLimit("maxP")
        if let taken = included[name], vsn == member.vsn {
            let unknown = taken.filter { !includes.contains($0) }
            guard unknown.isEmpty else { throw failure(.overrideInclude(unknown), at: "included_applications") }
            includes = taken
        }
        return CollectedApplication(
            name: name, vsn: vsn, type: member.type, modules: modules, registered: registered, uses: uses,
            optional: optional, includes: includes, directory: directory)
    }

    // MARK: Keys

    /// A failure at a key's value, or at the term where the key is missing.
    private func failure(_ kind: ApplicationProblem.Kind, at key: Atom) -> ApplicationProblem.Thrown {
        let position = (keys[key]?.value ?? located).position
        return ApplicationProblem.Thrown(kind: kind, place: SourcePlace(file: file, position: position))
    }

    private func bad(_ key: Atom) -> ApplicationProblem.Thrown {
        failure(.badParameter(key, application: located.term), at: key)
    }

    private func missing(_ key: Atom) -> ApplicationProblem.Thrown {
        failure(.missingParameter(key, application: located.term), at: key)
    }

    private func value(_ key: Atom) throws(ApplicationProblem.Thrown) -> Term? {
        guard let (isPair, value) = keys[key] else { return nil }
        guard isPair else { throw missing(key) }
        return value.term
    }

    private func string(
        _ key: Atom, orMissing standard: String?
    ) throws(ApplicationProblem.Thrown) -> String {
        guard let value = try value(key) else {
            guard let standard else { throw missing(key) }
            return standard
        }
        guard let string = value.asString else { throw bad(key) }
        return string
    }

    private func atoms(_ key: Atom, orMissing standard: [Atom]?) throws(ApplicationProblem.Thrown) -> [Atom] {
        guard let value = try value(key) else {
            guard let standard else { throw missing(key) }
            return standard
        }
        guard let atoms = value.asAtoms else { throw bad(key) }
        return atoms
    }

    private func checkMod() throws(ApplicationProblem.Thrown) {
        guard let value = try value("mod") else { return }
        if value.asList?.isEmpty == true { return }
        guard let pair = value.asTuple, pair.count == 2, pair[0].asAtom != nil else { throw missing("mod") }
    }

    private func checkPairs(_ key: Atom, mayBeUndefined: Bool) throws(ApplicationProblem.Thrown) {
        guard let value = try value(key) else { return }
        if mayBeUndefined, value == .undefined { return }
        guard let entries = value.asList else { throw bad(key) }
        for entry in entries {
            guard let pair = entry.asTuple, pair.count == 2, pair[0].asAtom != nil else { throw bad(key) }
        }
    }

    private func checkLimit(_ key: Atom) throws(ApplicationProblem.Thrown) {
        guard let value = try value(key) else { return }
        if value == .infinity { return }
        guard let limit = value.asBigInteger, limit > 0 else { throw bad(key) }
    }
}
