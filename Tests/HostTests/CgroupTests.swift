import Glibc
import Testing

@testable import Host
@testable import TestSupport

/// Control groups as far as files show them; EndToEndTests/Life/CgroupTests has real ones.
@Suite(.timeLimit(.minutes(15)))
@HostActor
struct CgroupTests {
    private nonisolated static let unified =
        "35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate"
    private nonisolated static let hybrid = """
        32 24 0:27 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755
        33 32 0:28 / /sys/fs/cgroup/unified rw shared:10 master:2 - cgroup2 cgroup2 rw
        34 32 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd
        """

    private nonisolated static let locations: [(String, String, String?)] = [
        ("0::/system.slice/a.service\n", unified, "/sys/fs/cgroup/system.slice/a.service"),
        ("0::/\n", unified, "/sys/fs/cgroup"),
        ("9:name=systemd:/x\n0::/y\n", hybrid, "/sys/fs/cgroup/unified/y"),
        // An older machine, and one where nothing is mounted.
        ("9:name=systemd:/x\n", hybrid, nil),
        ("0::/y\n", "34 32 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd", nil),
        ("", "", nil),
        // A part of it is mounted, as in a container, and a blank in the name of where.
        ("0::/lxc/c1/a\n", "35 24 0:30 /lxc/c1 /mnt/my\\040groups rw - cgroup2 none rw", "/mnt/my groups/a"),
        ("0::/lxc/c1\n", "35 24 0:30 /lxc/c1 /c rw - cgroup2 none rw", "/c"),
        ("0::/lxc/c10/a\n", "35 24 0:30 /lxc/c1 /c rw - cgroup2 none rw", nil),
        // From within a namespace that it stands outside of.
        ("0::/../other\n", "35 24 0:30 /../other /c rw - cgroup2 none rw", "/c"),
    ]

    @Test(arguments: locations)
    func whereAProcessStands(_ cgroup: String, _ mountinfo: String, _ path: String?) {
        #expect(CgroupLocation(cgroup: cgroup, mountinfo: mountinfo)?.path == path)
    }

    @Test func whatAGroupUses() throws {
        let directory = TemporaryDirectory()
        #expect(CgroupUsage(path: directory.path) == nil)
        _ = try directory.write("cpu.stat", "usage_usec 2000500\nuser_usec 1\nsystem_usec 1\n")
        _ = try directory.write("cgroup.threads", "7\n8\n9\n")
        var usage = try #require(CgroupUsage(path: directory.path))
        #expect(usage.cpuMilliseconds == 2_000 && usage.memoryBytes == nil && usage.tasks == 3)
        _ = try directory.write("memory.current", "4096\n")
        _ = try directory.write("pids.current", "5\n")
        usage = try #require(CgroupUsage(path: directory.path))
        #expect(usage.memoryBytes == 4_096 && usage.tasks == 5)
    }

    @Test func whoWasShortOfMemory() throws {
        let directory = TemporaryDirectory()
        let group = Cgroup(path: directory.path)
        #expect(group.outOfMemory == nil)
        _ = try directory.write("memory.max", "1048576\n")
        _ = try directory.write("memory.events", "low 0\nhigh 0\nmax 12\noom 0\noom_kill 0\noom_group_kill 0\n")
        #expect(group.outOfMemory == nil)
        _ = try directory.write("memory.events", "low 0\nhigh 0\nmax 12\noom 1\noom_kill 2\noom_group_kill 1\n")
        #expect(group.outOfMemory == OutOfMemory(limitBytes: 1_048_576))
        // The machine's memory, or that of a group above it.
        _ = try directory.write("memory.events", "low 0\nhigh 0\nmax 12\noom 0\noom_kill 1\noom_group_kill 0\n")
        #expect(group.outOfMemory == OutOfMemory(limitBytes: nil))
    }

    /// Everywhere else nothing is moved and nothing made.
    @Test func aGroupThatIsNobodysIsLeftAlone() throws {
        let directory = TemporaryDirectory()
        let groups = Cgroups()
        groups.begin(at: directory.path)
        #expect(groups.path == nil)
        if geteuid() == 0 {
            #expect(groups.obstacle == "the daemon's is not delegated to it (Delegate=yes in its unit)")
        }
        #expect(Directory.names(directory.path) == [])
        #expect(try groups.make("1.2.3", []) == nil)
    }
}
