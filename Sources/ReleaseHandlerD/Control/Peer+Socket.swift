import Glibc
import Host
import NIOCore
import NIOPosix

extension Peer {
    /// The kernel's own record, laid out as `struct ucred`.
    private struct Credentials {
        var pid: Int32 = 0
        var uid: UInt32 = 0
        var gid: UInt32 = 0
    }

    /// From `asm-generic/socket.h`; Swift's Glibc module lacks it.
    private static let peerGroups: Int32 = 59

    /// The process that connected, as it was at connect(2).
    static func connected(to channel: any Channel) async throws -> (Peer, ControlConnection) {
        try await channel.eventLoop.submit {
            let peer = try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
                of: NIOBSDSocket.Handle.self
            ) { try Peer(socket: $0) }
            guard var peer else { throw ChannelError.operationUnsupported }
            let bytes = try channel.pipeline.syncOperations.handler(type: ControlBytesHandler.self)
            peer.standing = bytes.connection.standing
            return (peer, bytes.connection)
        }.get()
    }

    /// From `asm-generic/socket.h`.
    private static let peerDescriptor: Int32 = 77

    /// As it is now: to be asked when the connection is let in, while the process can hardly have become another's.
    ///
    /// Since Linux 6.5 a descriptor of the process that connected says whether it was that one that was looked at.
    static func standing(of peer: Peer, socket: Int32) -> Standing {
        // One of another PID namespace has none here. It is none of ours, since what the daemon starts has a PID wherever it goes.
        guard peer.pid > 0, let own = ProcessBounds.own else { return .free }
        var descriptor: Int32 = -1
        var length = socklen_t(MemoryLayout<Int32>.size)
        let process: OwnedDescriptor?
        if getsockopt(socket, SOL_SOCKET, peerDescriptor, &descriptor, &length) == 0 {
            process = OwnedDescriptor(descriptor)
        } else {
            process = nil
            // Of one that was waited for there is none. Source: Linux, net/core/sock.c.
            if errno == ESRCH { return .gone }
        }
        let bounds: Result<ProcessBounds, SystemError> = Result { () throws(SystemError) in
            try ProcessBounds(pid: peer.pid)
        }
        let isThere = process.map(\.isProcessThere) ?? (kill(peer.pid, 0) == 0 || errno != ESRCH)
        guard isThere else { return .gone }
        switch bounds {
        case .success(let bounds): return bounds.isConfined(beside: own) ? .confined : .free
        case .failure(let error) where [ENOENT, EACCES, EPERM].contains(error.number):
            // /proc may hide others from the daemon's user; of its own it hides what does not want to be looked at.
            return peer.uid == geteuid() ? .confined : .free
        case .failure: return .unknown
        }
    }

    /// - Throws: `IOError`.
    init(socket: Int32) throws {
        var credentials = Credentials()
        var length = socklen_t(MemoryLayout<Credentials>.size)
        guard getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0 else {
            throw IOError(errnoCode: errno, reason: "SO_PEERCRED")
        }
        self.init(
            pid: credentials.pid, uid: credentials.uid, gid: credentials.gid, groups: try Self.groups(socket: socket))
    }

    /// Source: Linux `net/core/sock.c`, `SO_PEERGROUPS`, since 4.13: `ERANGE` tells how many bytes they take.
    private static func groups(socket: Int32) throws -> [UInt32] {
        var groups = [UInt32](repeating: 0, count: 32)
        while true {
            var length = socklen_t(groups.count * MemoryLayout<UInt32>.stride)
            let offered = length
            if getsockopt(socket, SOL_SOCKET, peerGroups, &groups, &length) == 0 {
                return Array(groups.prefix(Int(length) / MemoryLayout<UInt32>.stride))
            }
            // They stay what they were at connect(2), so a second try fits.
            guard errno == ERANGE, length > offered else { throw IOError(errnoCode: errno, reason: "SO_PEERGROUPS") }
            groups = [UInt32](repeating: 0, count: Int(length) / MemoryLayout<UInt32>.stride)
        }
    }
}

extension ControlConnection {
    static func of(_ channel: any Channel) async throws -> ControlConnection {
        try await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.handler(type: ControlBytesHandler.self).connection
        }.get()
    }
}
