import Foundation
import Terms
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// A golden trace of OTP's supervisor, and the root of a node that plays it with real processes.
struct RealTrace {
    let flags: Term
    let children: [[Term: Term]]
    /// `{ok, Events, Children}` or `{error, Reason, Events}`
    let start: [Term]
    /// `{Operation, Reply, Events, Children}`
    let steps: [[Term]]

    var isSimple: Bool { flags.asMap?[.atom("strategy")] == .atom("simple_one_for_one") }

    private static let directory =
        ProcessInfo.processInfo.environment["GOLDEN_SUPERVISOR_DIR"].map { URL(filePath: $0) }
        ?? Project.root.appending(path: "Tests/SupervisionTests/golden")

    /// Thirty of them, evenly spread.
    static let sample: [String] = {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
        let all = files.filter { $0.hasSuffix(".trace") }.sorted()
        let step = max(1, all.count / 30)
        return stride(from: step / 2, to: all.count, by: step).prefix(30).map { all[$0] }
    }()

    init(_ name: String) throws {
        let terms = try TermText.parseTerms(Array(try Data(contentsOf: Self.directory.appending(path: name))))
            .compactMap(\.term.asTuple)
        func all(_ tag: Atom) -> [Term] { terms.filter { $0[0].asAtom == tag }.map { $0[1] } }
        flags = try #require(all("flags").first)
        children = all("child").compactMap(\.asMap)
        start = try #require(all("start").first?.asTuple)
        steps = all("step").compactMap(\.asTuple)
    }

    func root() throws -> TestRoot {
        let root = try TestRoot()
        try root.install(as: "traced", vsn: "1.0.0")
        // Temporary: that the tree ends is an event, and not the end of the node.
        try root.release("1.0.0", type: "temporary")
        let specs = children.map { Term.map(spec($0, root)) }
        try root.write("lib/fix-1.0.0/ebin/fix_sup.sup", "{ok, {\(flags), \(Term.list(specs))}}.")
        let application = """
            {application, fix, [{vsn, "1.0.0"}, {description, ""}, {modules, [fix_sup, traced]}, {registered, []},
                                {applications, []}, {mod, {fix_sup, []}}]}.
            """
        try root.write("lib/fix-1.0.0/ebin/fix.app", application)
        try root.register(["1.0.0"])
        return root
    }

    /// A trace's spec, with the start of a worker that follows its plan.
    func spec(_ child: [Term: Term], _ root: TestRoot) -> [Term: Term] {
        var spec = child
        let plan = spec.removeValue(forKey: .atom("plan")) ?? .nil
        let trace = Term.tuple([
            .atom("trace"), .string(root.directory), spec[.atom("id")] ?? .undefined, plan,
        ])
        spec[.atom("start")] = .tuple([.atom("traced"), .atom("start_link"), .list([trace])])
        return spec
    }
}

/// A node that plays a trace: what its supervisor answers and what its workers wrote, in the words of the trace.
struct TracedNode {
    let trace: RealTrace
    let test: TestNode
    /// The places of the children, by the names that the trace has for them.
    private var places: [Term: String] = [:]
    /// Events of the workers that were looked at already.
    private var seen = 0

    static let supervisor = "fix/fix_sup"

    init(_ trace: RealTrace, _ test: TestNode) {
        self.trace = trace
        self.test = test
        for child in trace.children { name(child[.atom("id")] ?? .undefined) }
    }

    private mutating func name(_ id: Term) { places[id] = "\(Self.supervisor)/\(id)" }

    // MARK: What the workers wrote

    private func log() throws -> [Term] {
        let path = "\(test.root.directory)/log"
        guard let data = FileManager.default.contents(atPath: path) else { return [] }
        return try TermText.parseTerms(Array(data)).map(\.term)
    }

    /// The events since the last time.
    mutating func events() throws -> [Term] {
        let all = try log()
        defer { seen = all.count }
        return Array(all[seen...])
    }

    /// How often the worker at a place was started, as its own log has it, by its name.
    private func counts() throws -> [Term: Int] {
        var counts: [Term: Int] = [:]
        for event in try log() {
            guard let parts = event.asTuple, parts[0].asAtom == "started" else { continue }
            counts[parts[1]] = parts[2].asInt
        }
        return counts
    }

    // MARK: What the supervisor says

    /// As `which_children` lists them, with the start's count for a pid.
    func children() async throws -> [Term] {
        let reply = try await test.service.whichChildren(supervisor: Self.supervisor).reply
        let counts = try counts()
        return try #require(try TermText.parseTerm(reply).asList).compactMap(\.asTuple).map { child in
            guard let name = name(ofPlace: child[1]) else { return .tuple([child[0], child[1]]) }
            let count = Term.integer(counts[name] ?? 0)
            return trace.isSimple ? .tuple([.undefined, .tuple([name, count])]) : .tuple([child[0], count])
        }
    }

    private func name(ofPlace term: Term) -> Term? {
        guard let place = term.asText else { return nil }
        return places.first { $0.value == place }?.key
    }

    /// Does a step; answers what the trace calls the reply.
    mutating func perform(_ operation: Term) async throws -> Term {
        if operation == .shutdown {
            await test.node.stop(.stopped)
            _ = await test.node.ended()
            return .nil
        }
        let service = test.service
        if operation == .atom("count_children") {
            let counts = try TermText.parseTerm(try await service.countChildren(supervisor: Self.supervisor).reply)
            return .list((counts.asList ?? []).sorted())
        }
        let parts = try #require(operation.asTuple)
        let peer = TestNode.peer
        switch parts[0].asAtom?.name {
        case "exit":
            let place = try #require(places[parts[1]])
            _ = try await test.call("{exit, \(parts[2])}", of: place)
            return .ok
        case "start_child":
            var spec = parts[1]
            if let child = spec.asMap {
                name(child[.atom("id")] ?? .undefined)
                spec = .map(trace.spec(child, test.root))
            }
            let (reply, child) = try await answer {
                try await service.startChild(supervisor: Self.supervisor, spec: "\(spec)", peer: peer)
            }
            if let name = spec.asList?.first, let child { places[name] = child }
            return try counted(reply)
        case "terminate_child":
            let id = key(parts[1])
            return try await answer {
                try await service.terminateChild(supervisor: Self.supervisor, id: id, peer: peer)
            }.reply
        case "restart_child":
            let id = key(parts[1])
            let (reply, _) = try await answer {
                try await service.restartChild(supervisor: Self.supervisor, id: id, peer: peer)
            }
            return try counted(reply)
        case "delete_child":
            let id = key(parts[1])
            return try await answer {
                try await service.deleteChild(supervisor: Self.supervisor, id: id, peer: peer)
            }.reply
        case let other:
            throw Unexpected("operation \(other ?? "?")")
        }
    }

    private func key(_ name: Term) -> String { trace.isSimple ? places[name] ?? "\(name)" : "\(name)" }

    private func answer(_ ask: () async throws -> ChildAnswer) async throws -> (reply: Term, child: String?) {
        do {
            let answer = try await ask()
            return (try TermText.parseTerm(answer.reply), answer.child)
        } catch let error as ControlError {
            return (try TermText.parseTerm(try #require(error.details["reply"], "\(error)")), nil)
        }
    }

    /// A reply with the start's count in the place of a pid, and `child` in that of a child.
    private func counted(_ reply: Term) throws -> Term {
        guard var parts = reply.asTuple else { return reply }
        if let name = name(ofPlace: parts[1]) { parts[1] = .integer(try counts()[name] ?? 0) }
        if var error = parts[1].asTuple, error.count == 2 {
            if let name = name(ofPlace: error[1]) { error[1] = .integer(try counts()[name] ?? 0) }
            if error[1].asTuple?.first == .atom("child") { error[1] = .atom("child") }
            parts[1] = .tuple(error)
        }
        return .tuple(parts)
    }
}
