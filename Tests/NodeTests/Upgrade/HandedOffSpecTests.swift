import Foundation
import Glibc
import Host
import ReleaseHandling
import Supervision
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// A worker that is handed over while its supervisor gets new specs has those of its own: sockets and environment too,
/// whichever of the two the script comes to first.
@Suite(.timeLimit(.minutes(15))) struct HandedOffSpecTests {
    enum Order: String, CaseIterable, Sendable { case supervisorFirst, workerFirst, oneGroup }

    private static let objectCode = "{load_object_code, {fix, \"VSN\", [fix_sup, counter]}}, point_of_no_return"

    private static func group(_ module: String, _ mode: String, _ extra: String = "[]") -> String {
        """
        {suspend, [\(module)]}, {load, {\(module), brutal_purge, brutal_purge}},
        {code_change, \(mode), [{\(module), \(extra)}]}, {resume, [\(module)]}
        """
    }

    private static func script(_ order: Order, _ mode: String, vsn: String, extra: String = "[]") -> String {
        let (supervisor, worker) = (group("fix_sup", mode), group("counter", mode, extra))
        let groups =
            switch order {
            case .supervisorFirst: [supervisor, worker]
            case .workerFirst: [worker, supervisor]
            case .oneGroup:
                [
                    """
                    {suspend, [fix_sup, counter]}, {load, {fix_sup, brutal_purge, brutal_purge}},
                    {load, {counter, brutal_purge, brutal_purge}},
                    {code_change, \(mode), [{fix_sup, []}, {counter, \(extra)}]}, {resume, [counter, fix_sup]}
                    """
                ]
            }
        return ([objectCode.replacing("VSN", with: vsn)] + groups).joined(separator: ",\n")
    }

    private static func child(_ sockets: String, _ variable: String, _ more: String = "") -> String {
        """
        [#{id => c1, start => {counter, start_link, []}, env => [{"COLOUR", "\(variable)"}], sockets => [\(sockets)]\(more)}]
        """
    }

    private static func root(
        _ old: String, _ new: String, up: String, down: String = "", flags: String = TestRoot.usualFlags,
        config: String = "[]."
    ) throws -> TestRoot {
        let root = try TestRoot()
        for vsn in ["1.0.0", "2.0.0"] { try root.installPython(vsn: vsn) }
        try root.release("1.0.0", children: old, flags: flags)
        try root.release(
            "2.0.0", children: new, flags: flags, config: config, relup: TestRoot.relup(up: up, down: down))
        try root.register(["1.0.0", "2.0.0"])
        return root
    }

    private static let web = "#{name => web, listen => \"127.0.0.1:0\"}"
    private static let both = "#{name => web, listen => \"127.0.0.1:0\"}, #{name => admin, listen => \"127.0.0.1:0\"}"

    private func addresses(_ test: TestNode) async throws -> [String: String] {
        Dictionary(uniqueKeysWithValues: try await test.ps().sockets.map { ($0.name, $0.address) })
    }

    private func connects(_ address: String) -> Bool {
        let parts = address.split(separator: ":").map(String.init)
        guard parts.count == 2, let port = UInt16(parts[1]) else { return false }
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr.s_addr = inet_addr(parts[0])
        return withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    @Test(arguments: Order.allCases)
    func theProcessThatTakesOverHasItsNewSpec(order: Order) async throws {
        let root = try Self.root(
            Self.child(Self.web, "red"), Self.child(Self.both, "blue"), up: Self.script(order, "up", vsn: "2.0.0"),
            down: Self.script(order, "down", vsn: "1.0.0"))
        try await Self.with(root) { test async throws in
            _ = try await test.call("{add, 5}")
            let before = try await addresses(test)
            #expect(try await test.call("{variable, 'COLOUR'}") == "\"red\"")
            #expect(try await test.service.checkInstallRelease(vsn: "2.0.0").warnings == [])
            let up = try await test.install("2.0.0")
            #expect(up.outcome == .done && up.warnings == [], "\(up)")
            #expect(try await test.call("get") == "5")
            #expect(try await test.call("{variable, 'COLOUR'}") == "\"blue\"")
            #expect(try await test.call("sockets") == "\"web:admin\"")
            let after = try await addresses(test)
            #expect(after.keys.sorted() == ["admin", "web"] && after["web"] == before["web"])
            #expect(connects(try #require(after["admin"])))

            let down = try await test.install("1.0.0")
            #expect(down.outcome == .done && down.warnings == [], "\(down)")
            #expect(try await test.call("get") == "5")
            #expect(try await test.call("{variable, 'COLOUR'}") == "\"red\"")
            #expect(try await addresses(test) == before)
        }
    }

    /// The same name at another address, which both can listen at.
    @Test func aSocketMovesToItsNewAddress() async throws {
        let (first, second) = (try Self.free(), try Self.free())
        func socket(_ address: String) -> String { "#{name => web, listen => \"\(address)\"}" }
        let root = try Self.root(
            Self.child(socket(first), ""), Self.child(socket(second), ""),
            up: Self.script(.workerFirst, "up", vsn: "2.0.0"))
        try await Self.with(root) { test async throws in
            let result = try await test.install("2.0.0")
            #expect(result.outcome == .done, "\(result)")
            #expect(try await addresses(test) == ["web": second])
            #expect(connects(second))
            try await test.untilOneProcessIsLeft()
            #expect(!connects(first))
        }
    }

    /// Of an address that no other test listens at: what the system chooses for them can't be it.
    private static func free() throws -> String { "127.0.0.1:\(try ReservedPort.take())" }

    /// Beside hundreds of others a Python worker takes its time.
    private static func with(_ root: TestRoot, _ body: @Sendable (TestNode) async throws -> Void) async throws {
        try await TestNode.with(root) { test async throws in
            await test.limitCodeChange(to: 240_000)
            try await body(test)
        }
    }

    @Test(arguments: [Order.supervisorFirst, .workerFirst])
    func whatIsAbortedLeavesTheSpecAndTheSocketsAsTheyWere(order: Order) async throws {
        let address = try Self.free()
        let old = "#{name => web, listen => \"\(address)\"}"
        let moved = try Self.free()
        let new = "#{name => web, listen => \"\(moved)\"}, #{name => admin, listen => \"127.0.0.1:0\"}"
        // Both modules suspended first, so that nothing was resumed where the conversion fails.
        let up = """
            \(Self.objectCode.replacing("VSN", with: "2.0.0")),
            {suspend, [fix_sup, counter]}, {load, {fix_sup, brutal_purge, brutal_purge}},
            {load, {counter, brutal_purge, brutal_purge}},
            \(order == .workerFirst
                ? "{code_change, up, [{counter, fail}]}, {code_change, up, [{fix_sup, []}]}"
                : "{code_change, up, [{fix_sup, []}]}, {code_change, up, [{counter, fail}]}"),
            {resume, [counter, fix_sup]}
            """
        let root = try Self.root(Self.child(old, "red"), Self.child(new, "blue"), up: up)
        try await Self.with(root) { test async throws in
            _ = try await test.call("{add, 5}")
            let pid = try await test.pid()
            let result = try await test.install("2.0.0")
            try #require(result.outcome == .aborted, "\(result)")
            try await test.untilOneProcessIsLeft()
            #expect(try await test.pid() == pid)
            #expect(try await addresses(test) == ["web": address])
            #expect(connects(address) && !connects(moved))
            #expect(await { @HostActor in test.node.tree.sockets.all.count }() == 1)
            // And so does its next start.
            let last = await test.events.last
            kill(pid, SIGKILL)
            _ = try await test.events.first("worker_started", worker: TestNode.c1, after: last)
            #expect(try await test.call("{variable, 'COLOUR'}") == "\"red\"")
            #expect(try await addresses(test) == ["web": address])
        }
    }

    // MARK: What can't be

    /// Nobody listens at a port of one address and of all at once.
    @Test func aSocketThatCantBeBesideTheOldOneIsTold() async throws {
        let address = try Self.free()
        let port = try #require(address.split(separator: ":").last.map(String.init))
        let root = try Self.root(
            Self.child("#{name => web, listen => \"\(address)\"}", ""),
            Self.child("#{name => web, listen => \"\(port)\"}", ""),
            up: Self.script(.supervisorFirst, "up", vsn: "2.0.0"),
            // What other tests of this process are about to execute has a copy of the old socket until it is executed: the start is tried
            // again.
            flags: "#{intensity => 100000, period => 1}",
            config: "[{release_handler, [{probation_restarts, 100000}]}].")
        try await Self.with(root) { test async throws in
            let sentence = """
                fix/fix_sup/c1: its socket web listens where it did, since nobody can listen at \(port) beside it: it does \
                from the worker's next start on
                """
            #expect(try await test.service.checkInstallRelease(vsn: "2.0.0").warnings == [sentence])
            #expect(try await test.install("2.0.0").warnings == [sentence])
            #expect(try await addresses(test) == ["web": address])
            let last = await test.events.last
            kill(try await test.pid(), SIGKILL)
            _ = try await test.events.first("worker_started", worker: TestNode.c1, after: last)
            #expect(try await addresses(test) == ["web": "[::]:\(port)"])
        }
    }

    /// Only the supervisor is changed: nobody is handed over.
    @Test func whoRunsOnWithItsOldSpecIsTold() async throws {
        let up = """
            {load_object_code, {fix, "2.0.0", [fix_sup]}}, point_of_no_return, \(Self.group("fix_sup", "up"))
            """
        let root = try Self.root(Self.child(Self.web, "red"), Self.child(Self.both, "blue"), up: up)
        try await Self.with(root) { test async throws in
            let sentence = """
                fix/fix_sup/c1: runs on with the sockets and env that it was started with: its new spec counts from its \
                next start on
                """
            #expect(try await test.service.checkInstallRelease(vsn: "2.0.0").warnings == [sentence])
            #expect(try await test.install("2.0.0").warnings == [sentence])
            #expect(try await test.call("{variable, 'COLOUR'}") == "\"red\"")
        }
    }

    @Test func aChildThatIsNoLongerAmongTheSpecsKeepsItsOwn() async throws {
        let root = try Self.root(
            Self.child(Self.web, "red"), "[#{id => c2, start => {counter, start_link, []}}]",
            up: Self.script(.supervisorFirst, "up", vsn: "2.0.0"))
        try await Self.with(root) { test async throws in
            #expect(
                try await test.service.checkInstallRelease(vsn: "2.0.0").warnings == [
                    "fix/fix_sup/c1: fix/fix_sup has no such child any more: handed over with the spec that it had",
                    "child fix/fix_sup/c2 is started by no instruction of the script: its first start is the next boot's",
                ])
            #expect(try await test.install("2.0.0").outcome == .done)
            #expect(try await test.call("vsn") == "\"2.0.0\"")
            #expect(try await test.call("{variable, 'COLOUR'}") == "\"red\"")
        }
    }

    @Test func dynamicChildrenGetTheNewTemplate() async throws {
        let flags = "#{strategy => simple_one_for_one, intensity => 3, period => 60}"
        let root = try Self.root(
            Self.child("", "red"), Self.child("", "blue"), up: Self.script(.workerFirst, "up", vsn: "2.0.0"),
            flags: flags)
        try await Self.with(root) { test async throws in
            let worker = try #require(
                try await test.service.startChild(supervisor: "fix_sup", spec: "[]", peer: TestNode.peer).child)
            #expect(try await test.call("{variable, 'COLOUR'}", of: worker) == "\"red\"")
            #expect(try await test.install("2.0.0").outcome == .done)
            #expect(try await test.call("{variable, 'COLOUR'}", of: worker) == "\"blue\"")
        }
    }
}
