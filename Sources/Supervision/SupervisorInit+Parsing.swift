public import Instructions
public import Terms

extension SupervisorInit {
    /// Reads a `.sup` file: `{ok, {Flags, Children}}.` or `{Flags, Children}.`, Flags a map or
    /// `{Strategy, Intensity, Period}`, Children child specs as maps or tuples of six.
    ///
    /// - Parameters:
    ///   - file: the name that errors show.
    ///   - environment: the application's environment, for `{'$env', Key, Default}`.
    /// - Returns: nil for `ignore.`: the supervisor is not to run.
    /// Source: OTP, supervisor(3), `Module:init/1`.
    public static func parse(
        _ utf8: [UInt8], file: String, environment: (Atom) -> Term?
    ) throws(FileError) -> SupervisorInit? {
        let terms: [LocatedTerm]
        do {
            terms = try TermText.parseTerms(utf8, limits: .default)
        } catch {
            throw FileError(file: file, position: error.position, message: error.message)
        }
        guard let first = terms.first else {
            throw FileError(
                file: file, position: SourcePosition(line: 1, column: 1), message: "expected \(shape), found no term")
        }
        guard terms.count == 1 else {
            throw FileError(
                file: file, position: terms[1].position,
                message: "expected one term, found another: \(SpecError.shortened(terms[1].term))")
        }
        if first.term == .atom("ignore") { return nil }
        do {
            return try SupervisorInit(SpecNode(first, environment))
        } catch {
            throw FileError(file: file, position: error.position, message: error.message)
        }
    }

    static let shape = "{ok, {Flags, Children}}"

    init(_ node: SpecNode) throws(SpecError) {
        var inner = node
        if case .tuple(let elements) = node.term, elements.count == 2, elements[0] == .ok { inner = node.children[1] }
        guard case .tuple(let elements) = inner.term, elements.count == 2 else {
            throw SpecError("bad_return", node, expected: Self.shape)
        }
        let flags = try SupervisorFlags(inner.children[0])
        if flags.strategy == .simpleOneForOne, elements[1].asList?.count != 1 {
            let found = elements[1].asList.map { String($0.count) } ?? SpecError.shortened(elements[1])
            throw SpecError(
                position: inner.children[1].position, reason: .tuple([.atom("bad_start_spec"), elements[1]]),
                message: "bad_start_spec: simple_one_for_one takes exactly one child spec, found \(found)")
        }
        guard case .list = elements[1] else {
            throw SpecError("invalid_child_spec", inner.children[1], expected: "a list of child specs")
        }
        var ids: Set<Term> = []
        var children: [ChildSpec] = []
        for child in inner.children[1].children {
            let spec = try ChildSpec(child, autoShutdown: flags.autoShutdown)
            guard ids.insert(spec.id).inserted else {
                throw SpecError(
                    position: child.position, reason: .tuple([.atom("duplicate_child_name"), spec.id]),
                    message: "duplicate_child_name: expected each child id once, found \(spec.id) again")
            }
            children.append(spec)
        }
        self.init(flags: flags, children: children)
    }

    /// What is wrong with it, in OTP's terms; for what was made in the program and not read.
    func check() -> Term? { flags.check() ?? checkChildren() }

    /// As above, as the reason that the supervisor's start fails with.
    func startError() -> Term? {
        if let reason = flags.check() { return .tuple([.atom("supervisor_data"), reason]) }
        guard let reason = checkChildren() else { return nil }
        return hasTooManySpecs ? reason : .tuple([.atom("start_spec"), reason])
    }

    private var hasTooManySpecs: Bool { flags.strategy == .simpleOneForOne && children.count != 1 }

    private func checkChildren() -> Term? {
        if hasTooManySpecs { return .tuple([.atom("bad_start_spec"), .list(children.map(\.term))]) }
        var ids: Set<Term> = []
        for child in children {
            if let reason = child.check(autoShutdown: flags.autoShutdown) { return reason }
            if !ids.insert(child.id).inserted { return .tuple([.atom("duplicate_child_name"), child.id]) }
        }
        return nil
    }
}

extension SupervisorFlags {
    init(_ node: SpecNode) throws(SpecError) {
        self.init()
        let fields = try node.fields(
            "invalid_type", "the supervisor's flags", Self.keys, positions: ["strategy", "intensity", "period"],
            expected: "a map of flags or {Strategy, Intensity, Period}")
        // In OTP's order, so that of several errors it is the same one that is told.
        for key in ["strategy", "intensity", "period", "auto_shutdown", "start", "restart_delay"] {
            if let value = fields[key] { try set(key, value) }
        }
    }

    fileprivate func check() -> Term? {
        if intensity < 0 { return .tuple([.atom("invalid_intensity"), .integer(intensity)]) }
        if periodSeconds <= 0 { return .tuple([.atom("invalid_period"), .integer(periodSeconds)]) }
        return nil
    }

    private static let keys = ["auto_shutdown", "intensity", "period", "restart_delay", "start", "strategy"]

    private mutating func set(_ key: String, _ value: SpecNode) throws(SpecError) {
        if key == "strategy" {
            strategy = try value.choice("invalid_strategy")
        } else if key == "intensity" {
            guard let number = value.term.asInt, number >= 0 else {
                throw SpecError("invalid_intensity", value, expected: "a number of restarts from 0")
            }
            intensity = number
        } else if key == "period" {
            guard let number = value.term.asInt, number > 0 else {
                throw SpecError("invalid_period", value, expected: "a number of seconds from 1")
            }
            periodSeconds = number
        } else if key == "start" {
            start = try value.choice("invalid_start")
        } else if key == "restart_delay" {
            restartDelay = try value.restartDelay()
        } else {
            autoShutdown = try value.choice("invalid_auto_shutdown")
        }
    }
}

extension SpecError {
    static func unknownKey(_ key: SpecNode, in place: String, known: [String]) -> SpecError {
        SpecError(
            position: key.position, reason: .tuple([.atom("unknown_key"), key.term]),
            message: "unknown key \(shortened(key.term)) in \(place); the keys are \(known.joined(separator: ", "))")
    }
}

extension SpecNode {
    /// One of the atoms that an enum's cases are named by.
    func choice<Choice: RawRepresentable & CaseIterable>(_ error: String) throws(SpecError) -> Choice
    where Choice.RawValue == String {
        if case .atom(let atom) = term, let choice = Choice(rawValue: atom.name) { return choice }
        let names = Choice.allCases.map(\.rawValue)
        let last = names.last ?? ""
        throw SpecError(error, self, expected: names.dropLast().joined(separator: ", ") + " or " + last)
    }
}
