import Foundation
import Glibc
import Host
import Testing

@testable import ReleaseHandlerD
@testable import TestSupport

/// The control socket is the service manager's: it listens there before the daemon and after it.
@Suite(.timeLimit(.minutes(15))) struct GivenControlSocketTests {
    /// As `release-handlerd.socket` has it made.
    private static func listen(at path: String) throws -> OwnedDescriptor {
        let directory = URL(filePath: path).deletingLastPathComponent().path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        return try ListeningSocket.bind(path).descriptor
    }

    @Test func whoConnectsBetweenTwoDaemonsIsAnsweredByTheSecond() async throws {
        let fixture = try ControlFixture()
        defer { fixture.remove() }
        let given = try Self.listen(at: fixture.socketPath)
        let file = try FileStatus(ofLink: fixture.socketPath).identity.inode
        let status = try await fixture.serve(given: given) { try await $0.request("GET", "/v1/status").status }
        #expect(status == 200)
        #expect(try FileStatus(ofLink: fixture.socketPath).identity.inode == file, "the file is not the daemon's")
        let path = fixture.socketPath
        let waiting = try await offPool {
            let connection = try RawHTTP(path: path)
            try connection.send("GET", "/v1/status")
            return connection
        }
        let answer = try await fixture.serve(given: given) { _ in try await offPool { try waiting.answer().status } }
        #expect(answer == 200)
        #expect(try FileStatus(ofLink: fixture.socketPath).identity.inode == file)
    }

    @Test func itIsKnownByItsNameAmongWhatTheManagerKeepsOfWorkers() throws {
        let directory = TemporaryDirectory()
        let control = try Self.listen(at: "\(directory.path)/control.sock")
        let web = try ListeningSocket.bind("127.0.0.1:0").descriptor
        let worker = InheritedDescriptor(name: "listen-1f", descriptor: web)
        let given = GivenControlSocket(among: [worker, InheritedDescriptor(name: "control", descriptor: control)])
        #expect(given.inherited?.descriptor === control)
        #expect(given.all.map(\.name) == ["control"])
        #expect(GivenControlSocket(among: [worker]).inherited == nil)
        // Whoever connects is known by a unix socket only, and one that does not listen is none.
        let internet = InheritedDescriptor(name: "control", descriptor: web)
        #expect(GivenControlSocket(among: [internet]).inherited == nil)
        let nothing = InheritedDescriptor(name: "control", descriptor: OwnedDescriptor(open("/dev/null", O_RDONLY)))
        #expect(GivenControlSocket(among: [nothing]).all.isEmpty)
    }

    @Test func whoGoesOnKnowsThatItIsTheManagers() throws {
        let directory = TemporaryDirectory()
        let control = try Self.listen(at: "\(directory.path)/control.sock")
        let managers = ControlConnections.State(
            listener: control.raw, inode: ControlConnections.State.notOurs, connections: [])
        let given = try #require(try GivenControlSocket(of: managers).inherited)
        #expect(given.name == "control" && given.descriptor.raw != control.raw)
        let own = ControlConnections.State(listener: control.raw, inode: 4711, connections: [])
        #expect(try GivenControlSocket(of: own).inherited == nil)
    }

    @Test func anotherPathThanTheManagersIsWarnedOf() throws {
        let directory = TemporaryDirectory()
        let path = "\(directory.path)/control.sock"
        let one = InheritedDescriptor(name: "control", descriptor: try Self.listen(at: path))
        let given = GivenControlSocket(among: [one])
        #expect(given.warning(unlessAt: path) == nil)
        #expect(
            given.warning(unlessAt: "/run/other.sock")
                == "the control interface listens at \(path), where the service manager does, and not at /run/other.sock: for another "
                + "path change ListenStream= of the socket unit")
    }
}
