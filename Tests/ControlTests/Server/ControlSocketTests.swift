import Foundation
import Glibc
import Host
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

@Suite(.timeLimit(.minutes(5))) struct ControlSocketTests {
    @Test func isMadeForEverybodyAndRemovedAtTheEnd() async throws {
        try await ControlFixture.run { fixture in
            let socket = try? FileStatus(ofLink: fixture.socketPath)
            #expect(socket?.permissions == 0o666)
            let parent = try? FileStatus(ofLink: "\(fixture.directory)/run")
            #expect(parent?.permissions == 0o755)
        }
    }

    @Test func aSecondDaemonIsToldOfTheFirst() async throws {
        try await ControlFixture.run { fixture in
            let message = "\(fixture.socketPath): another release-handlerd is listening: stop it or name another path"
            let error = await #expect(throws: ControlSocketError.self) { try await fixture.server().run() }
            #expect(error.map { "\($0)" } == message)
            let answer = try await fixture.request("GET", "/v1/status")
            #expect(answer.status == 200, "the first one goes on")
        }
    }

    @Test func aStaleSocketIsReplaced() throws {
        try withDirectory { directory in
            let path = "\(directory)/a/b/control.sock"
            try ControlSocket(path: path).prepare()
            try bind(path)
            #expect(access(path, F_OK) == 0)
            try ControlSocket(path: path).prepare()
            #expect(access(path, F_OK) != 0)
        }
    }

    @Test func anotherFileIsLeftAlone() throws {
        try withDirectory { directory in
            let path = "\(directory)/control.sock"
            try Data("precious".utf8).write(to: URL(fileURLWithPath: path))
            expectError("\(path): is in the way and is no socket: remove it or name another path") {
                () throws(ControlSocketError) in try ControlSocket(path: path).prepare()
            }
            #expect(FileManager.default.contents(atPath: path) == Data("precious".utf8))
        }
    }

    @Test func aLongPathIsRefused() {
        let path = "/tmp/" + String(repeating: "x", count: 200)
        expectError("\(path): a socket's path has at most 107 bytes, this one 205: use a shorter one") {
            () throws(ControlSocketError) in try ControlSocket(path: path).prepare()
        }
    }

    @Test func aDirectoryThatCannotBeMadeIsNamed() throws {
        try withDirectory { directory in
            try Data().write(to: URL(fileURLWithPath: "\(directory)/file"))
            let path = "\(directory)/file/run/control.sock"
            expectError("\(path): its directory \(directory)/file/run can't be made: Not a directory") {
                () throws(ControlSocketError) in try ControlSocket(path: path).prepare()
            }
        }
    }

    @Test func aSuccessorsSocketIsNotRemoved() throws {
        try withDirectory { directory in
            let socket = ControlSocket(path: "\(directory)/control.sock")
            try bind(socket.path)
            let inode = try socket.open()
            rename(socket.path, socket.path + ".old")
            try bind(socket.path)
            socket.remove(ifInode: inode)
            #expect(access(socket.path, F_OK) == 0)
        }
    }

    private func expectError(_ message: String, _ body: () throws(ControlSocketError) -> Void) {
        do throws(ControlSocketError) {
            try body()
            Issue.record("no error; expected: \(message)")
        } catch {
            #expect("\(error)" == message)
        }
    }

    private func withDirectory(_ body: (String) throws -> Void) throws {
        let directory = TemporaryDirectory()
        try body(directory.path)
    }

    /// A socket file that nobody listens on any more.
    private func bind(_ path: String) throws {
        let socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(result == 0)
    }
}

@Suite(.timeLimit(.minutes(5))) struct ControlAuthorizationTests {
    private func allows(
        _ route: ControlRoute, uid: UInt32, gid: UInt32 = 100, groups: [UInt32] = [],
        readers: ControlConfiguration.Readers, groupID: UInt32? = 50
    ) -> Bool {
        let authorization = ControlAuthorization(
            readers: readers, group: "release-handler", groupID: groupID, ownUserID: 7)
        return authorization.refusal(of: route, to: Peer(pid: 1, uid: uid, gid: gid, groups: groups)) == nil
    }

    @Test(arguments: ControlRoute.allCases)
    func decidesByCredentials(route: ControlRoute) {
        for readers in ControlConfiguration.Readers.allCases {
            #expect(allows(route, uid: 0, readers: readers), "root")
            #expect(allows(route, uid: 7, readers: readers), "the daemon's own user")
            #expect(allows(route, uid: 1_000, gid: 50, readers: readers), "the primary group")
            #expect(allows(route, uid: 1_000, groups: [3, 50], readers: readers), "a supplementary group")
            let mayLook = readers == .everyone && !route.changes
            #expect(allows(route, uid: 1_000, groups: [3], readers: readers) == mayLook)
            #expect(allows(route, uid: 1_000, gid: 50, readers: readers, groupID: nil) == mayLook, "no such group")
        }
    }

    @Test func groupsAreLookedUpOnlyWhereTheyDecide() {
        func needs(_ route: ControlRoute, uid: UInt32, readers: ControlConfiguration.Readers) -> Bool {
            ControlAuthorization(readers: readers, group: "g", groupID: 50, ownUserID: 7)
                .needsGroups(of: Peer(pid: 1, uid: uid, gid: 100), for: route)
        }
        #expect(!needs(.call, uid: 0, readers: .group))
        #expect(needs(.call, uid: 1_000, readers: .everyone))
        #expect(!needs(.status, uid: 1_000, readers: .everyone))
        #expect(needs(.status, uid: 1_000, readers: .group))
    }

    @Test func groupsComeFromTheGroupDatabase() async {
        let root = await Peer(pid: 1, uid: 0, gid: 4_242).resolvingGroups()
        #expect(root.groups.contains(0))
        #expect(root.groups.contains(4_242))
        let unknown = await Peer(pid: 1, uid: 4_294_000_000, gid: 4_242).resolvingGroups()
        #expect(unknown.groups == [4_242])
    }

    @Test func refusalSaysWhoMay() {
        let authorization = ControlAuthorization(
            readers: .everyone, group: "release-handler", groupID: nil, ownUserID: 0)
        #expect(
            authorization.refusal(of: .makePermanent, to: Peer(pid: 1, uid: 1_000, gid: 1_000))
                == ControlError(
                    .forbidden,
                    "user 1000 may not change things here: make-permanent is for root and members of the group "
                        + "release-handler",
                    details: ["uid": "1000", "group": "release-handler"]))
    }
}
