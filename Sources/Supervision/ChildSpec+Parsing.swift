import Instructions
public import Terms

/// A term that is no child spec. `reason` is what OTP's `check_childspecs` answers, `message` a sentence.
public struct ChildSpecError: Error, Hashable, Sendable, CustomStringConvertible {
    public let reason: Term
    public let message: String

    public init(reason: Term, message: String) {
        self.reason = reason
        self.message = message
    }

    public var description: String { message }
}

extension ChildSpec {
    /// Reads a child spec, a map or a tuple of six, as `start_child` gets it.
    ///
    /// - Parameter autoShutdown: that of the supervisor, with which `significant` must go; nil where it is not known:
    ///   `start_child` looks at it again.
    /// Source: OTP, supervisor(3), `child_spec()`, `check_childspecs/2`.
    public static func parse(_ term: Term, autoShutdown: AutoShutdown? = nil) throws(ChildSpecError) -> ChildSpec {
        do {
            return try ChildSpec(SpecNode(term), autoShutdown: autoShutdown)
        } catch {
            throw ChildSpecError(reason: error.reason, message: error.message)
        }
    }

    init(_ node: SpecNode, autoShutdown: AutoShutdown?) throws(SpecError) {
        let fields = try node.fields(
            "invalid_child_spec", "a child spec", Self.keys,
            positions: ["id", "start", "restart", "shutdown", "type", "modules"],
            expected: "a map or {Id, StartFunc, Restart, Shutdown, Type, Modules}")
        guard let id = fields["id"]?.term else { throw SpecError.missing("id", node) }
        guard let start = fields["start"] else { throw SpecError.missing("start", node) }
        self.init(id: id, start: try start.mfa())
        // In OTP's order, so that of several errors it is the same one that is told.
        restart = try fields["restart"]?.choice("invalid_restart_type") ?? restart
        if let node = fields["significant"] {
            significant = try node.bool("invalid_significant")
            if let reason = badCombination(autoShutdown) { throw SpecError.badCombination(reason, node) }
        }
        type = try fields["type"]?.choice("invalid_child_type") ?? type
        shutdown = try fields["shutdown"]?.shutdown() ?? .standard(for: type)
        modules = try fields["modules"]?.modules() ?? modules
        try readOwnKeys(fields)
    }

    private static let keys =
        ([
            "cgroup", "cwd", "env", "id", "kill_signal", "modules", "notify", "restart", "restart_delay", "rlimits",
            "shutdown", "significant", "sockets", "start", "start_phases", "start_timeout", "type", "user", "watchdog",
        ] + Confinement.keys).sorted()

    /// What can't stand together, in OTP's terms.
    func check(autoShutdown: AutoShutdown?) -> Term? {
        if case .milliseconds(let time) = shutdown, time < 0 {
            return .tuple([.atom("invalid_shutdown"), .integer(time)])
        }
        return badCombination(autoShutdown)
    }

    private func badCombination(_ autoShutdown: AutoShutdown?) -> Term? {
        guard significant else { return nil }
        let isSignificant = Term.tuple([.atom("significant"), .true])
        if autoShutdown == .never {
            return .tuple([
                .atom("bad_combination"), .list([.tuple([.atom("auto_shutdown"), .atom("never")]), isSignificant]),
            ])
        }
        if restart == .permanent {
            return .tuple([
                .atom("bad_combination"), .list([.tuple([.atom("restart"), .atom("permanent")]), isSignificant]),
            ])
        }
        return nil
    }

    /// The keys that OTP does not have.
    private mutating func readOwnKeys(_ fields: [String: SpecNode]) throws(SpecError) {
        sockets = try fields["sockets"]?.sockets() ?? []
        user = try fields["user"]?.text("invalid_user", "a user's name")
        env = try fields["env"]?.environment() ?? []
        cwd = try fields["cwd"]?.text("invalid_cwd", "a directory")
        rlimits = try fields["rlimits"]?.limits() ?? []
        let bounds = try fields["cgroup"]?.cgroupBounds() ?? []
        cgroup = bounds.isEmpty ? nil : bounds
        confinement = try Confinement.read(fields, type: type)
        notify = try fields["notify"]?.bool("invalid_notify") ?? false
        if let node = fields["notify"], notify, !isUnmodifiedProgram {
            throw SpecError(
                "invalid_notify", node,
                expected: "false: a worker acknowledges its start itself; true is for start M os")
        }
        killSignal = try fields["kill_signal"]?.choice("invalid_kill_signal") ?? .sigterm
        if let node = fields["kill_signal"], !isUnmodifiedProgram {
            throw SpecError(
                "invalid_kill_signal", node, expected: "none: a worker is told by terminate; it is for start M os")
        }
        if let phases = fields["start_phases"] {
            startPhases = try phases.atoms("invalid_start_phases", "a list of phases (atoms)")
            guard startPhases.isEmpty || !isUnmodifiedProgram && type == .worker else {
                throw SpecError("invalid_start_phases", phases, expected: "none: only a worker can be called")
            }
        }
        restartDelay = try fields["restart_delay"]?.restartDelay()
        if let node = fields["restart_delay"], restart == .temporary {
            throw SpecError("invalid_restart_delay", node, expected: "none: a temporary child is never restarted")
        }
        if let node = fields["watchdog"] {
            let range = Self.watchdogRange
            guard let time = node.term.asInt, range.contains(time) else {
                throw SpecError(
                    "invalid_watchdog", node,
                    expected: "a number of milliseconds from \(range.lowerBound) to \(range.upperBound)")
            }
            guard type == .worker else {
                throw SpecError("invalid_watchdog", node, expected: "none: a supervisor is the daemon's own")
            }
            watchdogMilliseconds = time
        }
        if let timeout = fields["start_timeout"] {
            guard let time = timeout.term.asInt, time > 0 else {
                throw SpecError("invalid_start_timeout", timeout, expected: "a number of milliseconds from 1")
            }
            startTimeoutMilliseconds = time
        }
    }
}

extension SpecError {
    fileprivate static func missing(_ key: String, _ node: SpecNode) -> SpecError {
        SpecError(
            position: node.position, reason: .atom("missing_\(key)"),
            message: "missing_\(key): a child spec needs the key \(key)")
    }

    fileprivate static func badCombination(_ reason: Term, _ node: SpecNode) -> SpecError {
        let given = reason.asTuple?.last?.asList?.first?.asTuple
        let isNever = given?.first == .atom("auto_shutdown")
        let need =
            isNever
            ? "flags with auto_shutdown any_significant or all_significant" : "restart => transient or temporary"
        return SpecError(
            position: node.position, reason: reason, message: "bad_combination: significant => true needs \(need)")
    }
}
