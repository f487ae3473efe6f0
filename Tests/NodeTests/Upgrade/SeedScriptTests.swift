import Foundation
import Terms
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// The classical scripts of OTP's release handling, as its handbook has them, with real processes.
@Suite(.timeLimit(.minutes(15))) struct SeedScriptTests {
    private static let (c1, c2) = (TestNode.c1, "fix/fix_sup/c2")
    private static let modules = ["counter", "other", "format"]
    private static let children = """
        [#{id => c1, start => {counter, start_link, []}, modules => [counter, format]},
         #{id => c2, start => {other, start_link, []}, modules => [other, format]}]
        """

    private static func read(_ vsn: String, _ modules: [String]) -> String {
        "{load_object_code, {fix, \"\(vsn)\", [\(modules.joined(separator: ", "))]}}, point_of_no_return"
    }

    private static func loads(_ modules: [String], _ method: String = "brutal_purge") -> String {
        modules.map { "{load, {\($0), \(method), \(method)}}" }.joined(separator: ", ")
    }

    /// Two workers of modules of their own, which both call `format`; all three differ in each version.
    private func root(up: String, down: String = "", third: String? = nil) throws -> TestRoot {
        var relups = ["2.0.0": TestRoot.relup(up: up, down: down)]
        relups["3.0.0"] = third.map { "{\"3.0.0\", [{\"2.0.0\", [], [\($0)]}], []}." }
        return try root(relups, first: "1.0.0")
    }

    private func root(_ relups: [String: String], first: String) throws -> TestRoot {
        let root = try TestRoot()
        let vsns = [first] + relups.keys.sorted()
        for vsn in vsns {
            // Those that a script ends count as restarts.
            try root.release(
                vsn, children: Self.children, flags: "#{intensity => 10, period => 60}", relup: relups[vsn],
                modules: Self.modules)
            for module in ["counter", "other"] {
                try root.install(as: module, vsn: vsn)
                try root.makeDistinct(vsn, module: module)
            }
            try root.module(vsn: vsn)
        }
        try root.register(vsns)
        return root
    }

    private static func pids(_ test: TestNode) async throws -> [Int32] {
        [try await test.pid(c1), try await test.pid(c2)]
    }

    /// Both workers, and what they call, are of this version.
    private static func expect(_ vsn: String, _ test: TestNode) async throws {
        for worker in [c1, c2] {
            #expect(try await test.call("vsn", of: worker) == "\"\(vsn)\"")
            #expect(try await test.call("{module, format, version}", of: worker) == "<<\"\(vsn)\">>")
            #expect(try await test.call("module_versions", of: worker) == "[{format,current,<<\"\(vsn)\">>,0}]")
        }
    }

    // MARK: By killing and loading

    /// Two workers that talk to each other and can't do so in different versions: both are loaded, then ended together.
    @Test func twoThatDependOnEachOtherAreReplacedByKilling() async throws {
        let pair = ["counter", "other"]
        let script = { (vsn: String) in
            "\(Self.read(vsn, Self.modules)), \(Self.loads(Self.modules)), {purge, [\(pair.joined(separator: ", "))]}"
        }
        try await TestNode.with(try root(up: script("2.0.0"), down: script("1.0.0"))) { test async throws in
            for vsn in ["2.0.0", "1.0.0"] {
                let before = try await Self.pids(test)
                let result = try await test.install(vsn)
                #expect(result.outcome == .done, "\(result)")
                #expect(result.lost.map(\.worker) == [Self.c1, Self.c2], "\(result)")
                #expect(zip(before, try await Self.pids(test)).allSatisfy { $0 != $1 })
                try await Self.expect(vsn, test)
            }
        }
    }

    /// A worker and a library that depend on each other: one who is in both old versions is ended once, and told once.
    @Test func aWorkerAndItsLibraryAreReplacedByKilling() async throws {
        let purge = "{purge, [counter, other, format]}"
        let script = "\(Self.read("2.0.0", Self.modules)), \(Self.loads(Self.modules)), \(purge)"
        try await TestNode.with(try root(up: script)) { test async throws in
            _ = try await test.call("{hold_module, format}")
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done, "\(result)")
            #expect(result.lost.map(\.worker) == [Self.c1, Self.c2], "\(result)")
            #expect(result.instructions.last?.workers == [Self.c1, Self.c2], "\(result)")
            #expect(
                result.warnings == [
                    "\(Self.c1), \(Self.c2) ran old code of counter, other, format and ended by the purge"
                ])
            try await Self.expect("2.0.0", test)
        }
    }

    /// The library alone: those end who are in it, and nobody else.
    @Test func ofALibrarysUsersThoseEndThatAreInIt() async throws {
        let script = "\(Self.read("2.0.0", ["format"])), \(Self.loads(["format"])), {purge, [format]}"
        try await TestNode.with(try root(up: script)) { test async throws in
            let before = try await Self.pids(test)
            _ = try await test.call("{module_thread, format, hangs}")
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done, "\(result)")
            #expect(result.lost.map(\.worker) == [Self.c1], "\(result)")
            let after = try await Self.pids(test)
            #expect(after[0] != before[0] && after[1] == before[1])
            for worker in [Self.c1, Self.c2] {
                #expect(try await test.call("{module, format, version}", of: worker) == "<<\"2.0.0\">>")
            }
        }
    }

    // MARK: Synchronised

    /// Both are suspended before either changes, and go on when both have: nobody is ended, and the purge finds nobody.
    @Test func aSynchronisedChange() async throws {
        let script = { (vsn: String, change: String) in
            let loads = Self.loads(Self.modules)
            let change = "{code_change, \(change), [{counter, []}, {other, []}]}"
            return """
                \(Self.read(vsn, Self.modules)), {suspend, [counter, other]},
                \(vsn == "2.0.0" ? "\(loads), \(change)" : "\(change), \(loads)"),
                {resume, [other, counter]}, {purge, [counter, other, format]}
                """
        }
        let root = try root(up: script("2.0.0", "up"), down: script("1.0.0", "down"))
        try await TestNode.with(root) { test async throws in
            _ = try await test.call("{add, 5}")
            _ = try await test.call("{add, 7}", of: Self.c2)
            for vsn in ["2.0.0", "1.0.0"] {
                let before = try await Self.pids(test)
                let result = try await test.install(vsn)
                #expect(result.outcome == .done && result.warnings == [] && result.lost == [], "\(result)")
                #expect(zip(before, try await Self.pids(test)).allSatisfy { $0 != $1 })
                try await Self.expect(vsn, test)
            }
            #expect(try await test.call("get") == "5")
            #expect(try await test.call("get", of: Self.c2) == "7")
            #expect(await test.service.ps().allSatisfy { $0.restarts == 0 })
        }
    }

    // MARK: stop and start

    /// What is stopped is started in its own place of the tree, in what the script has loaded meanwhile.
    @Test func whatIsStoppedIsStartedInItsPlace() async throws {
        let script = { (vsn: String) in
            "\(Self.read(vsn, Self.modules)), {stop, [counter]}, \(Self.loads(["counter", "format"])), {start, [counter]}"
        }
        try await TestNode.with(try root(up: script("2.0.0"), down: script("1.0.0"))) { test async throws in
            let places = await test.service.ps().map(\.address)
            for vsn in ["2.0.0", "1.0.0"] {
                let before = try await Self.pids(test)
                let result = try await test.install(vsn)
                #expect(result.outcome == .done, "\(result)")
                #expect(result.instructions.suffix(1).map(\.workers) == [[Self.c1]], "\(result)")
                let after = try await Self.pids(test)
                #expect(after[0] != before[0] && after[1] == before[1])
                #expect(await test.service.ps().map(\.address) == places)
                #expect(try await test.call("vsn") == "\"\(vsn)\"")
                #expect(try await test.call("{module, format, version}") == "<<\"\(vsn)\">>")
                #expect(try await test.call("{module, format, version}", of: Self.c2) == "<<\"\(vsn)\">>")
            }
        }
    }

    // MARK: A third version

    /// Loaded without a suspend, it leaves its worker in the first; the third's suspend brings it along, with its state. Where that is to
    /// be purged softly it is refused beforehand, as in OTP, since nobody is suspended yet.
    ///
    /// The state of all three has one form: OldVsn is that of the second, as in OTP.
    @Test(arguments: ["soft_purge", "brutal_purge"])
    func aSuspendBringsAlongWhoStillRunsTheFirstVersion(method: String) async throws {
        let second = "\(Self.read("3.0.0", ["counter"])), \(Self.loads(["counter"]))"
        let third = """
            \(Self.read("4.0.0", ["counter"])), {suspend, [counter]}, \(Self.loads(["counter"], method)),
            {code_change, up, [{counter, []}]}, {resume, [counter]}
            """
        let relups = [
            "3.0.0": "{\"3.0.0\", [{\"2.0.0\", [], [\(second)]}], []}.",
            "4.0.0": "{\"4.0.0\", [{\"3.0.0\", [], [\(third)]}], []}.",
        ]
        try await TestNode.with(try root(relups, first: "2.0.0")) { test async throws in
            _ = try await test.call("{add, 5}")
            #expect(try await test.install("3.0.0").outcome == .done)
            #expect(try await test.call("vsn") == "\"2.0.0\"")
            guard method == "brutal_purge" else {
                let refusal = try await test.refusedBeforehand("4.0.0")
                #expect(refusal.contains("\(Self.c1) still runs old code of counter"), "\(refusal)")
                return
            }
            let result = try await test.install("4.0.0")
            #expect(result.outcome == .done && result.lost == [] && result.warnings == [], "\(result)")
            #expect(try await test.call("vsn") == "\"4.0.0\"")
            #expect(try await test.call("get") == "5")
            #expect(try await test.ps().restarts == 0)
        }
    }

    /// Of a library it does not: what a worker holds it holds suspended, too.
    @Test(arguments: ["soft_purge", "brutal_purge"])
    func aSuspendDoesNotBringAlongWhoHoldsTheFirstVersion(method: String) async throws {
        let second = "\(Self.read("2.0.0", ["format"])), \(Self.loads(["format"], "soft_purge"))"
        let third = """
            \(Self.read("3.0.0", ["format"])), {suspend, [format]}, \(Self.loads(["format"], method)), {resume, [format]}
            """
        try await TestNode.with(try root(up: second, third: third)) { test async throws in
            _ = try await test.call("{hold_module, format}")
            #expect(try await test.install("2.0.0").outcome == .done)
            let before = try await Self.pids(test)
            guard method == "brutal_purge" else {
                let refusal = try await test.refusedBeforehand("3.0.0")
                #expect(refusal.contains("\(Self.c1) still runs old code of format"), "\(refusal)")
                #expect(try await test.call("{held, format, version}") == "<<\"1.0.0\">>")
                return
            }
            let result = try await test.install("3.0.0")
            #expect(result.outcome == .done, "\(result)")
            #expect(result.lost.map(\.worker) == [Self.c1], "\(result)")
            let after = try await Self.pids(test)
            #expect(after[0] != before[0] && after[1] == before[1])
            for worker in [Self.c1, Self.c2] {
                #expect(try await test.call("{module, format, version}", of: worker) == "<<\"3.0.0\">>")
            }
        }
    }

    /// One in the first version of its own program, and one that holds the first of the library: both end, once each.
    @Test func aThirdVersionOfBothEndsWhoIsInTheFirst() async throws {
        let modules = ["counter", "format"]
        let second = "\(Self.read("2.0.0", modules)), \(Self.loads(modules, "soft_purge"))"
        let third = "\(Self.read("3.0.0", modules)), \(Self.loads(modules))"
        try await TestNode.with(try root(up: second, third: third)) { test async throws in
            _ = try await test.call("{hold_module, format}")
            _ = try await test.call("{hold_module, format}", of: Self.c2)
            #expect(try await test.install("2.0.0").outcome == .done)
            let result = try await test.install("3.0.0")
            #expect(result.outcome == .done, "\(result)")
            #expect(result.lost.map(\.worker) == [Self.c1, Self.c2], "\(result)")
            #expect(try await test.call("vsn") == "\"3.0.0\"")
            #expect(try await test.modules("format") == ["3.0.0 current \([Self.c1, Self.c2])"])
        }
    }
}
