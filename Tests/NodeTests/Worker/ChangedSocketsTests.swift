import Foundation
import Glibc
import Host
import Supervision
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport
import ReleaseHandling

/// What a place has when its spec's sockets have changed, or their files have gone.
@Suite(.timeLimit(.minutes(15))) struct ChangedSocketsTests {
    private static func place(_ text: String = "fix/fix_sup/c1") throws -> ChildAddress {
        try #require(ChildAddress(parsing: text))
    }

    /// An address that nobody listens at, and its port.
    private static func free() throws -> (address: String, port: String) {
        let port = try ReservedPort.take()
        return ("127.0.0.1:\(port)", "\(port)")
    }

    @Test func aNameThatIsGoneIsClosed() async throws {
        let (address, place) = (try Self.free().address, try Self.place())
        try await { @HostActor in
            let sockets = ListeningSockets()
            _ = try sockets.sockets(
                of: place, [SocketSpec(name: "a", listen: address), SocketSpec(name: "b", listen: "127.0.0.1:0")])
            let left = try sockets.sockets(of: place, [SocketSpec(name: "b", listen: "127.0.0.1:0")])
            #expect(sockets.all.count == 1 && sockets.list(of: place).map(\.address) == left.map(\.address))
            _ = try ListeningSocket.bind(address)
        }()
    }

    @Test func anotherNameHasTheSameSocketAndAWiderAddressANewOne() async throws {
        let ((address, port), place) = (try Self.free(), try Self.place())
        try await { @HostActor in
            let sockets = ListeningSockets()
            // Numbers alone: who holds the socket itself keeps it open.
            let bound = try sockets.sockets(of: place, [SocketSpec(name: "web", listen: address)]).map(\.fd)
            let renamed = try sockets.sockets(of: place, [SocketSpec(name: "http", listen: address)]).map(\.fd)
            #expect(renamed == bound)
            let wider = try sockets.sockets(of: place, [SocketSpec(name: "http", listen: port)])
            #expect(wider.map(\.address) == ["[::]:\(port)"])
            #expect(sockets.list(of: place).map(\.name) == ["http"] && sockets.all.count == 1)
        }()
    }

    /// The process that serves may have to go on: nothing of its own is taken from it until the standby is the worker.
    @Test func aStandbyTakesNothingFromTheProcessThatServes() async throws {
        let ((address, port), place) = (try Self.free(), try Self.place())
        let (old, new) = (SocketSpec(name: "web", listen: address), SocketSpec(name: "http", listen: address))
        let more = SocketSpec(name: "more", listen: "127.0.0.1:0")
        try await { @HostActor in
            let sockets = ListeningSockets()
            let bound = try sockets.sockets(of: place, [old])
            let standby = try sockets.sockets(of: place, [new, more], for: .standby)
            #expect(standby.first?.fd == bound.first?.fd)
            #expect(sockets.list(of: place).map(\.name) == ["web"] && sockets.all.count == 2)
            // Called off: what starts next has the old spec.
            sockets.withdraw(place)
            _ = try sockets.sockets(of: place, [old])
            #expect(sockets.list(of: place).map(\.name) == ["web"] && sockets.all.count == 1)
            // Done: the standby is the worker.
            _ = try sockets.sockets(of: place, [new, more], for: .standby)
            sockets.handOver(place, [new, more])
            #expect(sockets.list(of: place).map(\.name) == ["http", "more"])
            // What both can't have it borrows; the next start of the place binds what the spec says.
            let wider = SocketSpec(name: "http", listen: port)
            #expect(try sockets.sockets(of: place, [wider], for: .standby).map(\.fd) == bound.map(\.fd))
            sockets.handOver(place, [wider])
            #expect(sockets.list(of: place).map(\.address) == [address])
        }()
    }

    @Test func aFileThatIsGoneOrAnothersIsBoundAnew() async throws {
        let (directory, place) = (try TestRoot(), try Self.place())
        defer { directory.remove() }
        let path = "\(directory.directory)/a.sock"
        try await { @HostActor in
            let (sockets, spec) = (ListeningSockets(), SocketSpec(name: "a", listen: path))
            let first = try sockets.sockets(of: place, [spec])
            #expect(try sockets.sockets(of: place, [spec]).map(\.fd) == first.map(\.fd))
            unlink(path)
            _ = try sockets.sockets(of: place, [spec])
            #expect(try FileStatus(of: path).kind == .socket && sockets.all.count == 1)
            // Somebody who is gone again had bound it meanwhile.
            unlink(path)
            try StaleSocket.put(at: path)
            _ = try sockets.sockets(of: place, [spec])
            let file = try FileStatus(of: path).identity
            #expect(try sockets.sockets(of: place, [spec]).first?.file?.inode == file.inode)
            // What the run before left without a file is of no use either.
            let next = ListeningSockets()
            next.inherit(sockets.all)
            unlink(path)
            _ = try next.sockets(of: place, [spec])
            #expect(try FileStatus(of: path).kind == .socket)
        }()
    }
}
