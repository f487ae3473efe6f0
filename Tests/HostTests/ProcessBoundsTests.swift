import Glibc
import Testing

@testable import Host
@testable import TestSupport

/// Whether a process is confined, by what the kernel says of it and of the daemon.
@Suite(.timeLimit(.minutes(15))) struct ProcessBoundsTests {
    private static let all: UInt64 = 0x1ff_ffff_ffff

    private static func bounds(
        noNewPrivileges: Bool = false, filters: Int = 0, capabilities: UInt64 = all, mounts: String? = "mnt:[1]",
        group: String = "/system.slice/release-handlerd.service"
    ) throws -> ProcessBounds {
        let status = """
            Name:\tsh
            CapBnd:\t\(String(capabilities, radix: 16))
            NoNewPrivs:\t\(noNewPrivileges ? 1 : 0)
            Seccomp:\t\(filters > 0 ? 2 : 0)
            Seccomp_filters:\t\(filters)
            """
        let cgroup = "4:memory:/elsewhere\n1:name=systemd:/\n0::\(group)\n"
        return try #require(ProcessBounds(status: status, cgroup: cgroup, mounts: mounts))
    }

    @Test func `what is bound more closely than the daemon is confined`() throws {
        let daemon = try Self.bounds()
        #expect(!daemon.isConfined(beside: daemon))
        #expect(try Self.bounds(noNewPrivileges: true).isConfined(beside: daemon))
        #expect(try Self.bounds(filters: 1).isConfined(beside: daemon))
        #expect(try Self.bounds(capabilities: 0x400).isConfined(beside: daemon))
    }

    /// The unit's own bounds are everybody's.
    @Test func `what the daemon is bound by as well says nothing`() throws {
        let daemon = try Self.bounds(noNewPrivileges: true, filters: 3, capabilities: 0xffff)
        #expect(!daemon.isConfined(beside: daemon))
        #expect(try !Self.bounds(capabilities: Self.all).isConfined(beside: daemon))
        #expect(try Self.bounds(noNewPrivileges: true, filters: 4, capabilities: 0xffff).isConfined(beside: daemon))
    }

    @Test func `who is of another service is none of ours`() throws {
        let daemon = try Self.bounds(group: "/system.slice/release-handlerd.service/daemon")
        let worker = "/system.slice/release-handlerd.service/worker-1234.5678.1"
        #expect(try Self.bounds(noNewPrivileges: true, group: worker).isConfined(beside: daemon))
        for other in ["/system.slice/other.service", "/system.slice/release-handlerd.service2", "/user.slice", "/"] {
            #expect(try !Self.bounds(noNewPrivileges: true, group: other).isConfined(beside: daemon), "\(other)")
        }
    }

    /// The service manager gives each command of a unit a mount namespace of its own.
    @Test func `what it sees of files counts of a worker in its control group`() throws {
        let service = "/system.slice/release-handlerd.service"
        let daemon = try Self.bounds(group: "\(service)/daemon")
        #expect(try Self.bounds(mounts: "mnt:[2]", group: "\(service)/worker-1234.5678.1").isConfined(beside: daemon))
        #expect(try !Self.bounds(mounts: nil, group: "\(service)/worker-1234.5678.1").isConfined(beside: daemon))
        for other in ["\(service)/.control", service] {
            #expect(try !Self.bounds(mounts: "mnt:[2]", group: other).isConfined(beside: daemon), "\(other)")
        }
        let undivided = try Self.bounds(group: service)
        #expect(try !Self.bounds(mounts: "mnt:[2]", group: service).isConfined(beside: undivided))
    }

    /// Beside a daemon that somebody has started by hand there may be anybody, in whatever part of the files.
    @Test func `where the daemon has no group of its own what it sees of files does not count`() throws {
        let daemon = try Self.bounds(group: "/")
        #expect(try !Self.bounds(mounts: "mnt:[2]", group: "/").isConfined(beside: daemon))
        #expect(try Self.bounds(noNewPrivileges: true, group: "/").isConfined(beside: daemon))
        // Of another container, or of the machine around this one.
        #expect(try !Self.bounds(noNewPrivileges: true, group: "/../pod/sidecar").isConfined(beside: daemon))
    }

    @Test func `a process that is there is read, and one that is gone is not`() async throws {
        let own = try ProcessBounds(pid: getpid())
        #expect(own == ProcessBounds.own)
        #expect(!own.isConfined(beside: own))
        let ended = try Spawned("/bin/true", [], environment: [:])
        #expect(ended.waitForExit() == 0)
        let error = #expect(throws: SystemError.self) { _ = try ProcessBounds(pid: ended.pid) }
        #expect(error?.number == ENOENT)
    }
}
