public import Terms

/// `{'$env', Key, Default}` in the values of `sys.config`.
///
/// It stands for the value of another parameter of the same application: what `sys.config` says of it, else the
/// application's own `env`, else Default. A parameter that names itself gets its own value from the `env` of the `.app`.
extension SysConfig {
    /// Each application's parameters in one item, with all of it put in.
    ///
    /// `own`: the `env` of each `.app`. `file`: whose error it is when parameters need each other in a circle.
    public func resolved(own: [Atom: [EnvironmentParameter]], file: String) throws(FileError) -> SysConfig {
        var seen: Set<Atom> = []
        let names = entries.map(\.application).filter { seen.insert($0).inserted }
        var resolved: [ApplicationConfig] = []
        for name in names {
            var resolution = Resolution(own: own[name] ?? [], config: environment(of: name))
            do throws(Circle) {
                resolved.append(ApplicationConfig(application: name, env: try resolution.all()))
            } catch {
                let circle = error.keys.map { Term.atom($0).description }.joined(separator: " -> ")
                let message = "expected parameters of \(Term.atom(name)) that can be had, found a circle: \(circle)"
                throw FileError(file: file, position: nil, message: message)
            }
        }
        return SysConfig(entries: resolved)
    }

    private struct Circle: Error { let keys: [Atom] }

    private struct Resolution {
        private let own: [Atom: Term]
        private let config: [EnvironmentParameter]
        private let values: [Atom: Term]
        private var done: [Atom: Term] = [:]

        init(own: [EnvironmentParameter], config: [EnvironmentParameter]) {
            self.own = Dictionary(own.map { ($0.key, $0.value) }, uniquingKeysWith: { _, last in last })
            self.config = config
            values = Dictionary(config.map { ($0.key, $0.value) }, uniquingKeysWith: { _, last in last })
        }

        mutating func all() throws(Circle) -> [EnvironmentParameter] {
            var all: [EnvironmentParameter] = []
            for parameter in config {
                all.append(EnvironmentParameter(key: parameter.key, value: try value(of: parameter.key, path: [])))
            }
            return all
        }

        private mutating func value(of key: Atom, path: [Atom]) throws(Circle) -> Term {
            if let value = done[key] { return value }
            if let start = path.firstIndex(of: key) { throw Circle(keys: path[start...] + [key]) }
            let value = try resolve(values[key] ?? .nil, path + [key])
            done[key] = value
            return value
        }

        private mutating func resolve(_ term: Term, _ path: [Atom]) throws(Circle) -> Term {
            switch term {
            case .tuple(let parts):
                guard parts.count == 3, parts[0] == .atom("$env"), case .atom(let key) = parts[1] else {
                    return .tuple(try resolve(parts, path))
                }
                if key != path.last, values[key] != nil { return try value(of: key, path: path) }
                if let value = own[key] { return value }
                return try resolve(parts[2], path)
            case .list(let parts):
                return .list(try resolve(parts, path))
            case .improperList(let parts, let tail):
                return Term(elements: try resolve(parts, path), tail: try resolve(tail, path))
            case .map(let map):
                var resolved: [Term: Term] = [:]
                for (key, value) in map { resolved[try resolve(key, path)] = try resolve(value, path) }
                return .map(resolved)
            case .atom, .integer, .bigInteger, .float, .binary, .bitstring, .opaque:
                return term
            }
        }

        private mutating func resolve(_ terms: [Term], _ path: [Atom]) throws(Circle) -> [Term] {
            var resolved: [Term] = []
            for term in terms { resolved.append(try resolve(term, path)) }
            return resolved
        }
    }
}

extension TermReader {
    /// A value in which each `'$env'` is one that can be put in.
    func value(_ located: LocatedTerm) throws(FileError) -> Term {
        if let parts = located.term.asTuple, parts.first == .atom("$env"), parts.count != 3 || parts[1].asAtom == nil {
            throw unexpected(located, expected: "{'$env', Key, Default}")
        }
        for part in located.children { _ = try value(part) }
        return located.term
    }
}
