import Foundation
import Glibc
import ReleaseHandling
import Terms
import Testing

@testable import Host
@testable import TestSupport

/// How the nodes of one machine know each other: who is registered, who is not any more, and where nobody may be.
@Suite struct NodeDirectoryTests {
    private static let (one, two) = (NodeName("one@host")!, NodeName("two@host")!)

    private static func with(_ body: @HostActor @Sendable (NodeDirectory) async throws -> Void) async throws {
        let path = TemporaryDirectory.make()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await body(NodeDirectory("\(path)/nodes"))
    }

    @Test func aNodeIsThereForAsLongAsItsRegistrationIs() async throws {
        try await Self.with { directory in
            #expect(directory.record(of: Self.one) == nil)
            var registration: NodeRegistration? = try NodeRegistration(Self.one, in: directory)
            #expect(directory.record(of: Self.one)?.pid == getpid())
            #expect(directory.record(of: Self.one)?.state == .idle)
            try registration?.update(.failed(to: "2", milliseconds: 5))
            #expect(directory.record(of: Self.one)?.state == .failed(to: "2", milliseconds: 5))
            #expect(directory.record(of: Self.two) == nil)
            // As where it is killed: what it told is there still, and counts for nothing.
            registration = nil
            #expect(FileNames.exists(directory.state(of: Self.one)))
            #expect(directory.record(of: Self.one) == nil)
        }
    }

    @Test func oneThatRestartsIsThereAllTheSame() async throws {
        try await Self.with { directory in
            var registration: NodeRegistration? = try NodeRegistration(Self.one, in: directory)
            try registration?.update(.restarting(to: "2", milliseconds: 5))
            registration = nil
            #expect(directory.record(of: Self.one)?.isRestarting == true)
        }
    }

    @Test func oneThatLeavesTellsNothingAnyMore() async throws {
        try await Self.with { directory in
            let registration = try NodeRegistration(Self.one, in: directory)
            registration.withdraw()
            #expect(directory.record(of: Self.one) == nil)
            try registration.update(.idle)
            #expect(!FileNames.exists(directory.state(of: Self.one)))
        }
    }

    @Test func twoOfANameAreNotRegistered() async throws {
        try await Self.with { directory in
            let first = try NodeRegistration(Self.one, in: directory)
            try first.update(.installed(to: "2", milliseconds: 5))
            #expect(throws: NodeDirectoryError.inUse(Self.one)) { try NodeRegistration(Self.one, in: directory) }
            #expect(directory.record(of: Self.one)?.state == .installed(to: "2", milliseconds: 5))
            _ = try NodeRegistration(Self.two, in: directory)
        }
    }

    @Test(arguments: ["", "/locks", "/states", "/meetings"])
    func whereOthersMayWriteNobodyIsRegistered(part: String) async throws {
        try await Self.with { directory in
            try directory.make()
            let path = directory.path + part
            chmod(path, 0o777)
            #expect(throws: NodeDirectoryError.unsafe(path)) { try NodeRegistration(Self.one, in: directory) }
        }
    }

    @Test func aFileInTheWayIsTold() async throws {
        try await Self.with { directory in
            try Data().write(to: URL(filePath: directory.path))
            #expect(throws: NodeDirectoryError.system(SystemError("mkdir", EEXIST, directory.path))) {
                try NodeRegistration(Self.one, in: directory)
            }
        }
    }

    @Test(arguments: ["", "{node,", "idle.", "{node,two@host,1,1,idle}."])
    func whatIsNoRecordCountsForNothing(text: String) async throws {
        try await Self.with { directory in
            let registration = try NodeRegistration(Self.one, in: directory)
            try AtomicFile.write(directory.state(of: Self.one), Array(text.utf8))
            #expect(directory.record(of: Self.one) == nil)
            _ = registration
        }
    }

    /// Of barrier programs that were killed with the daemon before; others' stay.
    @Test func whatIsLeftOfItsBarriersGoes() async throws {
        try await Self.with { directory in
            try directory.make()
            let names = [Self.one, Self.two].map { NodeDirectory.meeting(.atom("step"), of: $0) }
            for name in names { try Data().write(to: URL(filePath: "\(directory.meetings)/\(name)")) }
            let registration = try NodeRegistration(Self.one, in: directory)
            #expect(Directory.names(directory.meetings) == [names[1]])
            _ = registration
        }
    }

    @Test func whoIsDownIsTold() async throws {
        try await Self.with { directory in
            let one = try NodeRegistration(Self.one, in: directory)
            let (told, continuation) = AsyncStream.makeStream(of: NodeName.self)
            var down = told.makeAsyncIterator()
            let watch = NodesWatch(in: directory, began: Reactor.nowMilliseconds() + 1) { continuation.yield($0) }
            try watch.start([Self.one, Self.two])
            #expect(await down.next() == Self.two)
            // What it told before counts for nothing, what it tells from now on does.
            try one.update(.upgrading(from: "1", to: "2", milliseconds: 5))
            try one.update(.failed(to: "2", milliseconds: Reactor.nowMilliseconds() + 1_000))
            #expect(await down.next() == Self.one)
            watch.cancel()
        }
    }

    // MARK: Meetings

    @Test func linesGoBothWaysHoweverLongThePath() async throws {
        try await Self.with { directory in
            let long = NodeDirectory(directory.path + "/" + String(repeating: "long", count: 40))
            try long.make()
            let (accepted, continuation) = AsyncStream.makeStream(of: LineConnection.self)
            let name = NodeDirectory.meeting(.atom("step"), of: Self.one)
            let meeting = try Meeting(name, in: long.meetings) { continuation.yield($0) }
            #expect(meeting.connect(to: "nobody") == nil)
            let client = try #require(meeting.connect(to: name))
            var connections = accepted.makeAsyncIterator()
            let server = try #require(await connections.next())
            let (lines, heard) = AsyncStream.makeStream(of: String?.self)
            server.follow { heard.yield($0) }
            client.say("{hello,one@host}.")
            client.say("here.")
            var next = lines.makeAsyncIterator()
            #expect(await next.next() == "{hello,one@host}.")
            #expect(await next.next() == "here.")
            // Too long for a line.
            for _ in 0..<5 { client.say(String(repeating: "x", count: 4_000)) }
            client.say(String(repeating: "y", count: 40_000))
            var last: String?? = await next.next()
            while case .some(.some(let line)) = last, line.utf8.count <= 4_000 { last = await next.next() }
            #expect(last == .some(nil))
            meeting.end()
            #expect(meeting.connect(to: name) == nil)
        }
    }
}
