import Terms
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// What becomes of old code, by the purge methods of the load, by the kind of the module, and by whether somebody is in it.
@Suite(.timeLimit(.minutes(15))) struct PurgeCombinationTests {
    enum Kind: String, CaseIterable {
        case resident, functional

        var module: String { self == .resident ? "counter" : "format" }
    }

    struct Case: CustomTestStringConvertible {
        let kind: Kind
        let pre, post: String
        /// Whether the first worker is in code of 1.0.0 when that of 3.0.0 is loaded.
        let isUsed: Bool

        var testDescription: String { "\(kind), \(pre), \(post), \(isUsed ? "somebody" : "nobody") in old code" }

        var module: String { kind.module }

        /// Who is in code of 2.0.0 once that of 3.0.0 is loaded: the first worker was ended where it ran that of 1.0.0.
        var left: [String] { (isUsed ? [] : [PurgeCombinationTests.c1]) + [PurgeCombinationTests.c2] }
    }

    static let (soft, brutal) = ("soft_purge", "brutal_purge")
    static let (c1, c2) = (TestNode.c1, "fix/fix_sup/c2")

    static let cases = Kind.allCases.flatMap { kind in
        [soft, brutal].flatMap { pre in
            [soft, brutal].flatMap { post in
                [true, false].map { Case(kind: kind, pre: pre, post: post, isUsed: $0) }
            }
        }
    }

    /// Three versions of the worker and of the functional module. The scripts load one of them and suspend nobody.
    private func root(_ module: String, pre: String = soft, post: String = soft) throws -> TestRoot {
        let spec = { (id: String) in
            "#{id => \(id), start => {counter, start_link, []}, modules => [counter, format]}"
        }
        let children = "[\(spec("c1")), \(spec("c2"))]"
        let root = try TestRoot()
        let relup = { (vsn: String, from: String, purges: String) in
            let read = "{load_object_code, {fix, \"\(vsn)\", [\(module)]}}"
            return """
                {"\(vsn)", [{"\(from)", [], [\(read), point_of_no_return, {load, {\(module), \(purges)}}]}], []}.
                """
        }
        let relups = [
            "2.0.0": relup("2.0.0", "1.0.0", "\(Self.soft), \(Self.soft)"),
            "3.0.0": relup("3.0.0", "2.0.0", "\(pre), \(post)"),
        ]
        let vsns = ["1.0.0", "2.0.0", "3.0.0"]
        for vsn in vsns {
            try root.release(vsn, children: children, relup: relups[vsn], modules: ["counter", "format"])
            try root.install(vsn: vsn)
            try root.makeDistinct(vsn)
            try root.module(vsn: vsn)
        }
        try root.register(vsns)
        return root
    }

    /// Has a worker use the version that is current now, so that it stays in it.
    private static func use(_ kind: Kind, _ worker: String, _ test: TestNode) async throws {
        guard kind == .resident else {
            _ = try await test.call("{hold_module, format}", of: worker)
            return
        }
        let id = String(worker.suffix(2))
        _ = try await test.service.terminateChild(supervisor: "fix/fix_sup", id: id, peer: TestNode.peer)
        _ = try await test.service.restartChild(supervisor: "fix/fix_sup", id: id, peer: TestNode.peer)
    }

    private static func pids(_ test: TestNode) async throws -> [String: Int32] {
        [c1: try await test.pid(c1), c2: try await test.pid(c2)]
    }

    @Test(arguments: cases) func itIsAsTheMethodsSay(_ its: Case) async throws {
        try await TestNode.with(try root(its.module, pre: its.pre, post: its.post)) { test async throws in
            if its.isUsed, its.kind == .functional { try await Self.use(its.kind, Self.c1, test) }
            let second = try await test.install("2.0.0")
            #expect(second.outcome == .done && second.lost == [], "\(second)")
            if !its.isUsed { try await Self.use(its.kind, Self.c1, test) }
            try await Self.use(its.kind, Self.c2, test)
            let before = try await Self.pids(test)

            guard !its.isUsed || its.pre == Self.brutal else {
                #expect(
                    try await test.refusedBeforehand("3.0.0")
                        == "instruction 3, {load,{\(its.module),\(its.pre),\(its.post)}}: \(Self.c1) still runs old code of "
                        + "\(its.module), which the script purges softly; restart it or use brutal_purge")
                // What made it old was to be purged softly.
                _ = try await test.service.makePermanent(vsn: "2.0.0", peer: TestNode.peer)
                _ = try await test.modules(its.module)
                #expect(try await Self.pids(test) == before)
                return
            }

            let third = try await test.install("3.0.0")
            #expect(third.outcome == .done, "\(third)")
            #expect(third.lost.map(\.worker) == (its.isUsed ? [Self.c1] : []), "\(third)")
            let between = try await Self.pids(test)
            #expect((between[Self.c1] != before[Self.c1]) == its.isUsed)
            #expect(between[Self.c2] == before[Self.c2])
            try await Self.expectUnpurged(its, test)

            let sequence = await test.events.last
            _ = try await test.service.makePermanent(vsn: "3.0.0", peer: TestNode.peer)
            guard its.post == Self.brutal else {
                // Whoever was to be ended would have been found before these are.
                try await Self.expectUnpurged(its, test)
                #expect(try await Self.pids(test) == between)
                return
            }
            for worker in its.left {
                _ = try await test.events.first("purged", worker: worker, after: sequence)
                _ = try await test.events.first("worker_started", worker: worker, after: sequence)
            }
            #expect(try await test.modules(its.module) == ["3.0.0 current \([Self.c1, Self.c2])"])
            let after = try await Self.pids(test)
            for worker in [Self.c1, Self.c2] {
                #expect((after[worker] != between[worker]) == its.left.contains(worker))
            }
        }
    }

    /// Who is in 2.0.0 goes on there; with a functional module it has what is current besides.
    private static func expectUnpurged(_ its: Case, _ test: TestNode) async throws {
        let all = [c1, c2]
        let current = its.kind == .functional ? all : all.filter { !its.left.contains($0) }
        #expect(try await test.modules(its.module) == ["3.0.0 current \(current)", "2.0.0 old \(its.left)"])
    }

    // MARK: Collected later

    /// Every ten seconds it is looked whether an old version is still used.
    @Test(arguments: Kind.allCases) func whatIsLetGoIsPurgedByTheTimer(_ kind: Kind) async throws {
        let module = kind.module
        try await TestNode.with(try root(module)) { test async throws in
            if kind == .functional { try await Self.use(kind, Self.c1, test) }
            let second = try await test.install("2.0.0")
            #expect(second.outcome == .done && second.lost == [], "\(second)")
            let old = kind == .functional ? [Self.c1] : [Self.c1, Self.c2]
            #expect(try await test.modules(module).last == "1.0.0 old \(old)")
            switch kind {
            case .functional: _ = try await test.call("let_go")
            case .resident: for worker in old { try await Self.use(kind, worker, test) }
            }
            let purged = try await test.events.first("purged")
            #expect(purged.message == "old code of \(module) is purged: nobody runs it any more")
            #expect(try await test.modules(module) == ["2.0.0 current \([Self.c1, Self.c2])"])
            if kind == .functional {
                #expect(try await test.call("module_versions") == "[{format,current,<<\"2.0.0\">>,0}]")
            }
        }
    }
}
