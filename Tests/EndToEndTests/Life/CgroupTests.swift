import Foundation
import Glibc
import Testing
import Wire

@testable import TestSupport

/// The daemon with control groups of the kernel's own: whatever a process does to hide, it ends with its worker.
@Suite(.enabled(if: DelegatedGroup.obstacle == nil, DelegatedGroup.obstacle), .timeLimit(.minutes(15)))
struct CgroupTests {
    /// Who leave the session, the process group and the parent, and have nothing in their environment.
    private static let hidden = 192
    private static let script = """
        i=0
        while [ $i -lt \(hidden) ]; do setsid --fork env -i sleep 1000; i=$((i + 1)); done
        echo hidden
        exec sleep 999
        """

    private static func start(_ daemon: EndToEndDaemon, _ spec: String = "") async throws {
        try daemon.root.write("scripts/hiding", script)
        try await daemon.ask("start-child", "fix_sup", child(daemon.root, spec))
    }

    private static func child(_ root: TestRoot, _ spec: String = "") -> String {
        """
        #{id => p1, modules => [], shutdown => 500, \(spec)
          start => {os, start, ["/bin/sh", "\(root.root)/scripts/hiding"]}}
        """
    }

    private static func p1(_ daemon: EndToEndDaemon) async throws -> WorkerSummary {
        try #require(try await daemon.workers().first { $0.address == "fix/fix_sup/p1" })
    }

    @Test func eachProcessHasAGroupOfItsOwnAsLongAsItLives() async throws {
        try await DelegatedGroup.with { group in
            try await EndToEndDaemon.with(try .twoVersions(), shell: group.shell) { daemon async throws in
                #expect(try await daemon.status().cgroup == group.path)
                #expect(try group.name(of: daemon.program.pid) == "daemon")
                let first = try #require(try await daemon.workers().first)
                let name = try group.name(of: try #require(first.pid))
                #expect(name.hasPrefix("worker-") && group.names == ["daemon", name])
                #expect(first.usage?.tasks ?? 0 >= 1 && first.usage?.cpuMilliseconds != nil, "\(first)")
                // An upgrade's standby has its own; that of the process before goes with it.
                try await daemon.ask("install-release", "2.0.0")
                let second = try #require(try await daemon.workers().first?.pid)
                let next = try group.name(of: second)
                #expect(next != name)
                while group.names != ["daemon", next] { await Task.yield() }
                try await daemon.ask("terminate-child", "fix_sup", "c1")
                #expect(group.names == ["daemon"])
            }
            #expect(group.names == ["daemon"])
        }
    }

    @Test func whoeverHidesIsEndedByTerminateChild() async throws {
        try await DelegatedGroup.with { group in
            try await EndToEndDaemon.with(try .twoVersions(), shell: group.shell) { daemon async throws in
                try await daemon.following { follower async throws in
                    try await Self.start(daemon)
                    #expect(try await follower.next("output").message == "hidden")
                    let worker = try await Self.p1(daemon)
                    #expect(worker.usage?.tasks == Self.hidden + 1)
                    let name = try group.name(of: try #require(worker.pid))
                    let members = try group.members(name)
                    #expect(members.count == Self.hidden + 1)
                    try await daemon.ask("terminate-child", "fix_sup", "p1")
                    // Not one of them is there any more when it is answered, and none as a zombie.
                    #expect(members.filter { kill($0, 0) == 0 } == [])
                    #expect(try group.names == ["daemon", group.name(of: #require(await daemon.workers().first?.pid))])
                    let told = try await follower.next("processes_left")
                    #expect(told.worker == worker.address && told.fields["count"] == "\(Self.hidden)", "\(told)")
                }
            }
        }
    }

    @Test func whoeverHidesIsEndedByForceAndAfterAReexecution() async throws {
        try await DelegatedGroup.with { group in
            try await EndToEndDaemon.with(try .twoVersions(), shell: group.shell) { daemon async throws in
                try await daemon.following { follower async throws in
                    try await Self.start(daemon, "restart => temporary,")
                    #expect(try await follower.next("output").message == "hidden")
                    let worker = try await Self.p1(daemon)
                    try await daemon.ask("reexec")
                    #expect(try group.name(of: daemon.program.pid) == "daemon")
                    #expect(try await Self.p1(daemon).usage?.tasks == Self.hidden + 1)
                    let name = try group.name(of: try #require(worker.pid))
                    let members = try group.members(name)
                    kill(try #require(worker.pid), SIGKILL)
                    let exits = members.map(ProcessExit.init)
                    for exit in exits { try await exit.passed(seconds: 20, "a process that hid") }
                    while group.names.contains(name) { await Task.yield() }
                }
            }
        }
    }

    @Test func whoOutlivedTheDaemonEndsBeforeTheNextRunStartsAnything() async throws {
        try await DelegatedGroup.with { group in
            let root = try TestRoot.twoVersions()
            defer { root.remove() }
            let members = try await EndToEndDaemon.again(on: root, shell: group.shell) { daemon async throws in
                try await daemon.following { follower async throws in
                    try await Self.start(daemon)
                    #expect(try await follower.next("output").message == "hidden")
                }
                let name = try group.name(of: try #require(try await Self.p1(daemon).pid))
                let members = try group.members(name)
                let worker = ProcessExit(of: try #require(try await Self.p1(daemon).pid))
                daemon.program.signal(SIGKILL)
                try await worker.passed(seconds: 20, "the program, which is told of the daemon's end")
                return members
            }
            #expect(members.filter { kill($0, 0) == 0 && !Self.isZombie($0) }.count == Self.hidden)
            try await EndToEndDaemon.again(on: root, shell: group.shell) { daemon async throws in
                #expect(daemon.program.complained.contains("EVENT=earlier_run_ended"), "\(daemon.program.complained)")
                #expect(members.filter { kill($0, 0) == 0 && !Self.isZombie($0) } == [])
                #expect(group.names.count == 2, "\(group.names)")
            }
        }
    }

    /// Of the first process, whose they are by then.
    private static func isZombie(_ pid: pid_t) -> Bool {
        (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8))?.contains(") Z ") == true
    }

    @Test func aBoundThatCanNotBeHadRefusesTheStart() async throws {
        try await DelegatedGroup.with { group in
            try await EndToEndDaemon.with(try .twoVersions(), shell: group.shell) { daemon async throws in
                // Not enabled for this group's own children here.
                try "-io".write(toFile: "\(group.path)/cgroup.subtree_control", atomically: false, encoding: .utf8)
                let child = Self.child(daemon.root, "cgroup => #{io_weight => 50},")
                let run = try await daemon.releasectl("start-child", "fix_sup", child)
                let controllers = try String(contentsOfFile: "\(group.path)/cgroup.controllers", encoding: .utf8)
                guard !controllers.split(whereSeparator: \.isWhitespace).contains("io") else { return }
                #expect(run.exit == 1)
                #expect(
                    run.error.contains("the bound io.weight can't be had: \(group.path) has no controller io"), "\(run)"
                )
                // Nothing is left of it.
                #expect(group.names.count == 2, "\(group.names)")
            }
        }
    }

    @Test(.enabled(if: DelegatedGroup.memoryObstacle == nil, DelegatedGroup.memoryObstacle))
    func whoTakesMoreThanItsBoundIsEndedWithThatReason() async throws {
        try await DelegatedGroup.with { group in
            try await EndToEndDaemon.with(try .twoVersions(), shell: group.shell) { daemon async throws in
                try daemon.root.write("scripts/eating", "sleep 1000 &\n/usr/bin/python3 -c 'b\"x\" * (1 << 28)'\n")
                try await daemon.following { follower async throws in
                    try await daemon.ask(
                        "start-child", "fix_sup",
                        """
                        #{id => p1, modules => [], restart => temporary, cgroup => #{memory_max => \(32 << 20)},
                          start => {os, start, ["/bin/sh", "\(daemon.root.root)/scripts/eating"]}}
                        """)
                    #expect(try await follower.next("worker_exited").fields["reason"] == "{oom_killed,\(32 << 20)}")
                }
            }
        }
    }

    @Test func withoutAGroupOfItsOwnTheDaemonSaysSo() async throws {
        try await EndToEndDaemon.with(try .twoVersions()) { daemon async throws in
            let status = try await daemon.status()
            #expect(status.cgroup == nil && status.noCgroup != nil, "\(status)")
            try await daemon.following { follower async throws in
                try await Self.start(daemon, "cgroup => #{memory_max => 67108864},")
                let told = try await follower.next("bounds_ignored")
                #expect(told.fields["reason"] == status.noCgroup)
                #expect(try await Self.p1(daemon).usage == nil)
            }
        }
    }
}
