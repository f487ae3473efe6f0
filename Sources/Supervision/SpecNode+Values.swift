import Instructions
import Terms

/// The values of a child spec's keys.
extension SpecNode {
    func mfa() throws(SpecError) -> MFA {
        guard case .tuple(let elements) = term, elements.count == 3, case .atom(let module) = elements[0],
            case .atom(let function) = elements[1], case .list(let arguments) = elements[2]
        else {
            throw SpecError("invalid_mfa", self, expected: "{Module, Function, Arguments}")
        }
        guard NameRule.name.allows(module.name) else {
            throw SpecError("invalid_mfa", children[0], expected: "a module's name that can be a file's name")
        }
        return MFA(module: module, function: function, arguments: arguments)
    }

    func shutdown() throws(SpecError) -> Shutdown {
        if term == .infinity { return .infinity }
        if term == .atom("brutal_kill") { return .brutalKill }
        guard let time = term.asInt, time >= 0 else {
            throw SpecError("invalid_shutdown", self, expected: "brutal_kill, infinity or milliseconds from 0")
        }
        return .milliseconds(time)
    }

    func restartDelay() throws(SpecError) -> RestartDelay {
        let limit = RestartDelay.limitMilliseconds
        if let time = term.asInt, (0...limit).contains(time) { return RestartDelay(milliseconds: time) }
        if let parts = term.asTuple, parts.count == 3, let initial = parts[0].asInt, let maximum = parts[1].asInt,
            let factor = parts[2].asDouble, initial >= 1, maximum >= initial,
            maximum <= limit, factor >= 1
        {
            return RestartDelay(initial: initial, maximum: maximum, factor: factor)
        }
        throw SpecError(
            "invalid_restart_delay", self,
            expected:
                "milliseconds from 0 to \(limit), or {Initial, Max, Factor} with Max from Initial and Factor from 1 on")
    }

    func atoms(_ error: String, _ expected: String) throws(SpecError) -> [Atom] {
        guard case .list = term else { throw SpecError(error, self, expected: expected) }
        var atoms: [Atom] = []
        for child in children {
            guard case .atom(let atom) = child.term else { throw SpecError(error, child, expected: expected) }
            atoms.append(atom)
        }
        return atoms
    }

    func modules() throws(SpecError) -> ChildModules {
        if term == .atom("dynamic") { return .dynamic }
        guard case .list = term else {
            throw SpecError("invalid_modules", self, expected: "a list of modules or dynamic")
        }
        var modules: [Atom] = []
        for child in children {
            guard case .atom(let module) = child.term else {
                throw SpecError("invalid_module", child, expected: "a module's name (an atom)")
            }
            modules.append(module)
        }
        return .list(modules)
    }

    func bool(_ error: String) throws(SpecError) -> Bool {
        guard let value = term.asBool else { throw SpecError(error, self, expected: "true or false") }
        return value
    }

    /// A text of at least one character and without zero bytes, as an atom, a string or a binary.
    func text(_ error: String, _ expected: String) throws(SpecError) -> String {
        let text = try anyText(error, expected)
        if text.isEmpty { throw SpecError(error, self, expected: expected) }
        return text
    }

    private func anyText(_ error: String, _ expected: String) throws(SpecError) -> String {
        guard let text = term.asAtom?.name ?? term.asText, !text.utf8.contains(0) else {
            throw SpecError(error, self, expected: expected)
        }
        return text
    }

    /// A map's values by key, of those keys only.
    func fields(_ error: String, _ place: String, _ known: [String]) throws(SpecError) -> [String: SpecNode] {
        guard case .map = term else {
            throw SpecError(error, self, expected: "a map with the keys \(known.joined(separator: ", "))")
        }
        return try mapFields(place, known)
    }

    /// The same of what is a map, or a tuple of as many elements as `positions` names.
    func fields(
        _ error: String, _ place: String, _ known: [String], positions: [String], expected: String
    ) throws(SpecError) -> [String: SpecNode] {
        if case .map = term { return try mapFields(place, known) }
        guard case .tuple(let elements) = term, elements.count == positions.count else {
            throw SpecError(error, self, expected: expected)
        }
        return Dictionary(uniqueKeysWithValues: zip(positions, children))
    }

    private func mapFields(_ place: String, _ known: [String]) throws(SpecError) -> [String: SpecNode] {
        var fields: [String: SpecNode] = [:]
        for index in stride(from: 0, to: children.count - 1, by: 2) {
            guard case .atom(let atom) = children[index].term, known.contains(atom.name) else {
                throw SpecError.unknownKey(children[index], in: place, known: known)
            }
            fields[atom.name] = children[index + 1]
        }
        return fields
    }

    func environment() throws(SpecError) -> [ChildSpec.EnvironmentVariable] {
        let shape = "a list of {Name, Value} or a map of texts"
        var pairs: [(SpecNode, SpecNode)] = []
        switch term {
        case .map:
            for index in stride(from: 0, to: children.count - 1, by: 2) {
                pairs.append((children[index], children[index + 1]))
            }
        case .list:
            for child in children {
                guard case .tuple(let elements) = child.term, elements.count == 2 else {
                    throw SpecError("invalid_env", child, expected: "{Name, Value}")
                }
                pairs.append((child.children[0], child.children[1]))
            }
        case .atom, .integer, .bigInteger, .float, .binary, .bitstring, .improperList, .tuple, .opaque:
            throw SpecError("invalid_env", self, expected: shape)
        }
        var variables: [ChildSpec.EnvironmentVariable] = []
        for (key, value) in pairs {
            let name = try key.text("invalid_env", "a variable's name")
            guard !name.utf8.contains(UInt8(ascii: "=")) else {
                throw SpecError("invalid_env", key, expected: "a variable's name without \"=\"")
            }
            let text: String
            if let number = value.term.asInt {
                text = String(number)
            } else {
                text = try value.anyText("invalid_env", "a variable's value")
            }
            variables.append(ChildSpec.EnvironmentVariable(name: name, value: text))
        }
        return variables
    }

    func limits() throws(SpecError) -> [ResourceLimit] {
        guard case .map = term else {
            throw SpecError("invalid_rlimits", self, expected: "a map as #{nofile => 1024}")
        }
        var limits: [ResourceLimit] = []
        for index in stride(from: 0, to: children.count - 1, by: 2) {
            let key = children[index]
            let value = children[index + 1]
            guard case .atom(let atom) = key.term, let resource = ResourceLimit.Resource(rawValue: atom.name) else {
                let known = ResourceLimit.Resource.allCases.map(\.rawValue)
                throw SpecError.unknownKey(key, in: "rlimits", known: known)
            }
            if case .tuple(let elements) = value.term, elements.count == 2 {
                let soft = try value.children[0].limit()
                let hard = try value.children[1].limit()
                if let hard, (soft ?? Int.max) > hard {
                    throw SpecError("invalid_rlimits", value, expected: "a soft limit that is not above the hard one")
                }
                limits.append(ResourceLimit(resource: resource, soft: soft, hard: hard))
            } else {
                let both = try value.limit()
                limits.append(ResourceLimit(resource: resource, soft: both, hard: both))
            }
        }
        return limits.sorted { $0.resource.rawValue < $1.resource.rawValue }
    }

    private func limit() throws(SpecError) -> Int? {
        if term == .infinity { return nil }
        guard let number = term.asInt, number >= 0 else {
            throw SpecError("invalid_rlimits", self, expected: "a number from 0, infinity or {Soft, Hard}")
        }
        return number
    }
}

extension Term {
    fileprivate var asDouble: Double? {
        switch self {
        case .integer(let number): Double(number)
        case .float(let number): number
        case .atom, .bigInteger, .binary, .bitstring, .list, .improperList, .tuple, .map, .opaque: nil
        }
    }
}
