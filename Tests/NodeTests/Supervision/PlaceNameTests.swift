import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// Places by their last parts, in a tree of real workers.
@Suite(.timeLimit(.minutes(15))) struct PlaceNameTests {
    /// `c1` and `store` stand below the top; `a` and `b` are supervisors, each with a `c2`, `a` with a `{pool,1}` too.
    private static func root() throws -> TestRoot {
        let root = try TestRoot.twoVersions(
            children: """
                [#{id => c1, start => {counter, start_link, []}},
                 #{id => store, start => {counter, start_link, []}},
                 #{id => a, start => {a_sup, start_link, []}, type => supervisor},
                 #{id => b, start => {b_sup, start_link, []}, type => supervisor}]
                """)
        let c2 = "#{id => c2, start => {counter, start_link, []}}"
        let pool = "#{id => {pool, 1}, start => {counter, start_link, []}}"
        for (module, children) in [("a_sup", "[\(c2), \(pool)]"), ("b_sup", "[\(c2)]")] {
            try root.write("lib/fix-1.0.0/ebin/\(module).sup", "{ok, {#{intensity => 0, period => 1}, \(children)}}.")
        }
        return root
    }

    private static func asked(_ test: TestNode, _ name: String) async throws -> String {
        try await test.service.statistics(worker: name).worker
    }

    @Test func aWorkerByItsLastParts() async throws {
        try await TestNode.with(try Self.root()) { test async throws in
            for (name, place) in [
                ("c1", "fix/fix_sup/c1"), ("fix_sup/c1", "fix/fix_sup/c1"), ("fix/fix_sup/c1", "fix/fix_sup/c1"),
                ("{pool, 1}", "fix/fix_sup/a/{pool,1}"), ("a/c2", "fix/fix_sup/a/c2"), ("'b'/c2", "fix/fix_sup/b/c2"),
            ] {
                #expect(try await Self.asked(test, name) == place, "\(name)")
            }
            #expect(try await test.call("{add, 3}", of: "a/c2") == "3")
            #expect(try await test.call("get", of: "fix/fix_sup/a/c2") == "3")
            #expect(try await test.call("get", of: "b/c2") == "0")
        }
    }

    @Test func whatNamesSeveralOrNoneIsToldWithWhatThereIs() async throws {
        try await TestNode.with(try Self.root()) { test async throws in
            for (name, refusal) in [
                (
                    "c2",
                    "ambiguous_place: 2 workers are called c2: fix/fix_sup/a/c2, fix/fix_sup/b/c2; name one by more of its place"
                ),
                (
                    "stroe",
                    "no_such_worker: no worker stroe in the tree; near it: fix/fix_sup/store; see releasectl tree"
                ),
                (
                    "c/c2",
                    "no_such_worker: no worker c/c2 in the tree; near it: fix/fix_sup/a/c2, fix/fix_sup/b/c2, fix/fix_sup/c1; see releasectl tree"
                ),
                ("other", "no_such_worker: no worker other in the tree; see releasectl tree"),
                ("{pool", "no_such_worker: no worker {pool in the tree; see releasectl tree"),
                (
                    "a",
                    "no_such_worker: fix/fix_sup/a is a supervisor and no worker; see releasectl which-children fix/fix_sup/a"
                ),
            ] {
                #expect(await test.refusal { try await Self.asked(test, name) } == refusal)
            }
        }
    }

    @Test func aSupervisorAndItsChildren() async throws {
        try await TestNode.with(try Self.root()) { test async throws in
            let (service, peer) = (test.service, TestNode.peer)
            for name in ["a", "a_sup", "fix_sup/a", "fix/fix_sup/a"] {
                #expect(try await service.whichChildren(supervisor: name).children.count == 2, "\(name)")
            }
            // A child by the last parts of its place; those of another supervisor's are none of this one's.
            for id in ["c2", "a/c2", "fix_sup/a/c2", "fix/fix_sup/a/c2"] {
                _ = try await service.terminateChild(supervisor: "a", id: id, peer: peer)
                _ = try await service.restartChild(supervisor: "fix_sup/a", id: id, peer: peer)
            }
            #expect(
                await test.refusal { try await service.terminateChild(supervisor: "a", id: "b/c2", peer: peer) }
                    .hasPrefix("no_such_child: "))
            #expect(
                await test.refusal { try await service.whichChildren(supervisor: "fix_supp") }
                    == "no_such_supervisor: no supervisor fix_supp in the tree; near it: fix/fix_sup; see releasectl tree"
            )
            // One that does not run is found as well, and says how to start it.
            _ = try await service.terminateChild(supervisor: "fix_sup", id: "a", peer: peer)
            for name in ["a", "fix_sup/a", "a_sup"] {
                #expect(
                    await test.refusal { try await service.whichChildren(supervisor: name) }
                        == "no_such_supervisor: fix/fix_sup/a does not run: start it with `releasectl restart-child fix/fix_sup a`",
                    "\(name)")
            }
            // And a worker that does not run is the only one of its name again.
            #expect(try await Self.asked(test, "c2") == "fix/fix_sup/b/c2")
        }
    }
}
