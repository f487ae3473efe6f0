import Foundation
import Glibc
import Host
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

@Suite(.timeLimit(.minutes(15))) struct ControlSocketTests {
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
            try StaleSocket.put(at: path)
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
            try StaleSocket.put(at: socket.path)
            let inode = try socket.open()
            rename(socket.path, socket.path + ".old")
            try StaleSocket.put(at: socket.path)
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
}
