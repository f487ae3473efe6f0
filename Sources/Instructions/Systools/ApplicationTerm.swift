import Terms

/// An `.app` as `systools` reads it: what must be there and what each key may hold, in its order.
///
/// Source: OTP's `systools_make`, `parse_application`. `ApplicationResource` is what the daemon reads, and asks for less.
struct ApplicationTerm {
    private let term: Term
    private let name: Atom
    private let keys: [Atom: Term]

    init(_ term: Term) throws(ApplicationProblem.Thrown) {
        guard let parts = term.asTuple, parts.count == 3, parts[0].asAtom == "application", let name = parts[1].asAtom,
            let entries = parts[2].asList
        else { throw ApplicationProblem.Thrown(kind: .badlyFormatted(term)) }
        self.term = term
        self.name = name
        var keys: [Atom: Term] = [:]
        for entry in entries {
            guard let pair = entry.asTuple, let key = pair.first?.asAtom, keys[key] == nil else { continue }
            // A pair of another length is there, but wrong.
            keys[key] = pair.count == 2 ? pair[1] : entry
            if pair.count != 2 { malformed.insert(key) }
        }
        self.keys = keys
    }

    private var malformed: Set<Atom> = []

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
            guard unknown.isEmpty else { throw ApplicationProblem.Thrown(kind: .overrideInclude(unknown)) }
            includes = taken
        }
        return CollectedApplication(
            name: name, vsn: vsn, type: member.type, modules: modules, registered: registered, uses: uses,
            optional: optional, includes: includes, directory: directory)
    }

    // MARK: Keys

    private func bad(_ key: Atom) -> ApplicationProblem.Thrown {
        ApplicationProblem.Thrown(kind: .badParameter(key, application: term))
    }

    private func missing(_ key: Atom) -> ApplicationProblem.Thrown {
        ApplicationProblem.Thrown(kind: .missingParameter(key, application: term))
    }

    private func value(_ key: Atom) throws(ApplicationProblem.Thrown) -> Term? {
        if malformed.contains(key) { throw missing(key) }
        return keys[key]
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
        guard let limit = value.asBigInt, limit > 0 else { throw bad(key) }
    }
}
