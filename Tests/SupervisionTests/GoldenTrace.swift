import Foundation
import Instructions
import Supervision
import Terms

/// One of the golden traces: what OTP's own supervisor did with these children and steps.
struct GoldenTrace {
    struct Step {
        let operation: Term
        let reply: Term
        let events: [Term]
        /// A list of children, `{down, Reason}` or `down`.
        let after: Term
    }

    let flags: SupervisorFlags
    let children: [ChildSpec]
    /// `{ok, Events, Children}` or `{error, Reason, Events}`.
    let start: [Term]
    let steps: [Step]

    private static let override = ProcessInfo.processInfo.environment["GOLDEN_SUPERVISOR_DIR"]
    static var isOverridden: Bool { override != nil }

    static let directory: URL = {
        if let override { return URL(fileURLWithPath: override) }
        return Bundle.module.resourceURL?.appendingPathComponent("golden") ?? URL(fileURLWithPath: "golden")
    }()

    static let names: [String] = {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
        return files.filter { $0.hasSuffix(".trace") }.sorted()
    }()

    init(named name: String) throws {
        let bytes = try Data(contentsOf: Self.directory.appendingPathComponent(name))
        var flags = SupervisorFlags()
        var children: [ChildSpec] = []
        var start: [Term] = []
        var steps: [Step] = []
        for located in try TermText.parseTerms(Array(bytes), limits: .default) {
            let parts = try located.term.asTuple.orThrow("no tuple")
            switch parts[0].asAtom?.name {
            case "flags": flags = try Self.flags(parts[1])
            case "child": children.append(try Self.spec(parts[1]))
            case "start": start = try parts[1].asTuple.orThrow("start")
            case "step":
                let step = try parts[1].asTuple.orThrow("step")
                steps.append(
                    Step(
                        operation: step[0], reply: step[1], events: try step[2].asList.orThrow("events"),
                        after: step[3]))
            case let other: throw Unreadable("unknown part \(other ?? "?")")
            }
        }
        self.flags = flags
        self.children = children
        self.start = start
        self.steps = steps
    }

    private static func flags(_ term: Term) throws -> SupervisorFlags {
        let map = try term.asMap.orThrow("flags")
        return SupervisorFlags(
            strategy: try Strategy(rawValue: map.atom("strategy")).orThrow("strategy"),
            intensity: try map[.atom("intensity")]?.asInt.orThrow("intensity") ?? 1,
            periodSeconds: try map[.atom("period")]?.asInt.orThrow("period") ?? 5,
            autoShutdown: try AutoShutdown(rawValue: map.atom("auto_shutdown")).orThrow("auto_shutdown"))
    }

    /// A child spec with its `plan` for its start's only argument.
    static func spec(_ term: Term) throws -> ChildSpec {
        let map = try term.asMap.orThrow("spec")
        let shutdown: Shutdown
        switch map[.atom("shutdown")] {
        case .atom("brutal_kill"): shutdown = .brutalKill
        case .integer(let time): shutdown = .milliseconds(time)
        case .infinity: shutdown = .infinity
        case let other: throw Unreadable("shutdown \(String(describing: other))")
        }
        return ChildSpec(
            id: try map[.atom("id")].orThrow("id"),
            start: .init(module: "child", function: "start_link", arguments: [map[.atom("plan")] ?? .nil]),
            restart: try RestartType(rawValue: map.atom("restart")).orThrow("restart"), shutdown: shutdown,
            significant: map[.atom("significant")] == .true)
    }
}

struct Unreadable: Error {
    let what: String
    init(_ what: String) { self.what = what }
}

extension Optional {
    func orThrow(_ what: String) throws -> Wrapped {
        guard let self else { throw Unreadable(what) }
        return self
    }
}

extension [Term: Term] {
    func atom(_ key: String) throws -> String {
        try self[.atom(key)]?.asAtom.orThrow(key).name ?? ""
    }
}
