import Foundation
import Testing

@testable import ReleaseHandlerD
@testable import TestSupport

/// What one container needs: the machine's files that differ, a release root, and a place for what it found.
struct ServiceManagerRoot: Sendable {
    private let releases: TestRoot
    var directory: String { releases.directory }
    private var machine: ContainerMachine { ContainerMachine(directory: directory) }

    private static let repository = Project.root.path

    init() throws {
        releases = try TestRoot()
        do {
            try layOutEmulator()
            try layOutReleases()
            try layOutOtherEmulator()
            try layOutNodesInStep()
            try layOutMachine()
        } catch {
            releases.remove()
            throw error
        }
    }

    func remove() { releases.remove() }

    /// `bin/start` and `erts-VSN/bin`, as an installation has them.
    private func layOutEmulator() throws {
        try machine.copy("\(Self.repository)/scripts/start", to: "root/bin/start")
        let bin = "\(releases.root)/erts-\(Emulator.vsn)/bin"
        try FileManager.default.createDirectory(atPath: bin, withIntermediateDirectories: true)
        for program in ["release-handlerd", "releasectl"] {
            try ProgramFile.put(Project.product(program), at: "\(bin)/\(program)")
        }
    }

    /// See Tests/Fixtures/systemd/checks/cases.py, which also says which of them is permanent.
    private func layOutReleases() throws {
        for vsn in ["1.0.0", "2.0.0", "3.0.0", "8.8.8", "9.9.9"] { try releases.install(vsn: vsn) }
        try installAtGate(vsn: "0.9.0")
        for vsn in ["0.9.0", "1.0.0"] { try release(vsn) }
        try release("2.0.0", relup: TestRoot.relup(up: TestRoot.up(), down: TestRoot.down()))
        try release("3.0.0", relup: Self.failingLate)
        try release("8.8.8", c3: "{init_throw, told_to_fail}")
        try release("9.9.9")
        try releases.write(
            "releases/9.9.9/fix.rel",
            "{release, {\"fix\", \"9.9.9\"}, {erts, \"\(Emulator.vsn)\"}, [{fix, \"9.9.9\"}, {nothing, \"1\"}]}.")
    }

    /// Asks a supervisor that there is not, once the workers were resumed in their new code.
    private static let failingLate = """
        {"3.0.0", [{"0.9.0", "up", [
          {load_object_code, {fix, "3.0.0", [counter]}}, point_of_no_return, {suspend, [counter]},
          {load, {counter, brutal_purge, brutal_purge}}, {code_change, up, [{counter, []}]}, {resume, [counter]},
          {apply, {supervisor, which_children, [nothing]}}]}], []}.
        """

    /// 4.0.0 is 2.0.0 for another version of the daemon, which the checks put together of `whole`.
    private func layOutOtherEmulator() throws {
        let relup = TestRoot.relup(
            up: "restart_new_emulator, \(TestRoot.up())", down: "\(TestRoot.down()), restart_emulator")
        try releases.write(
            "releases/4.0.0/relup", relup.replacing("{\"2.0.0\"", with: "{\"4.0.0\"", maxReplacements: 1))
        try releases.write("releases/4.0.0/sys.config", "[{release_handler, [{make_permanent, manual}]}].")
        try releases.write(
            "releases/4.0.0/fix.rel", "{release, {\"fix\", \"4.0.0\"}, {erts, \"0.2.0\"}, [{fix, \"2.0.0\"}]}.")
        let bin = "\(releases.root)/erts-0.2.0/bin"
        try FileManager.default.createDirectory(atPath: bin, withIntermediateDirectories: true)
        try ProgramFile.put(Project.product("release-handlerd"), at: "\(bin)/whole")
    }

    /// 5.0.0 is 2.0.0 for three nodes that upgrade in step, which the checks lay out of this root.
    private func layOutNodesInStep() throws {
        let sync = "{sync_nodes, step, ['n1@here', 'n2@here', 'n3@here']}, {suspend, [counter]}"
        let up = TestRoot.up().replacing("{suspend, [counter]}", with: sync)
        let relup = TestRoot.relup(up: up, down: TestRoot.down())
        try releases.write(
            "releases/5.0.0/relup", relup.replacing("{\"2.0.0\"", with: "{\"5.0.0\"", maxReplacements: 1))
        try releases.write("releases/5.0.0/sys.config", "[{release_handler, [{make_permanent, manual}]}].")
        try releases.write(
            "releases/5.0.0/fix.rel",
            "{release, {\"fix\", \"5.0.0\"}, {erts, \"\(Emulator.vsn)\"}, [{fix, \"2.0.0\"}]}.")
    }

    private func release(_ vsn: String, c3: String = "", relup: String? = nil) throws {
        let children = """
            [#{id => c1, start => {counter, start_link, [fork_child]},
               sockets => [#{name => lines, listen => "127.0.0.1:7001"}]},
             #{id => c2, start => {counter, start_link, []}},
             #{id => c3, start => {counter, start_link, [\(c3)]}}]
            """
        // Nothing becomes permanent by itself: what boots after a restart is each check's to say.
        try releases.release(
            vsn, children: children, flags: "#{intensity => 1, period => 60}",
            config: "[{release_handler, [{make_permanent, manual}]}].", relup: relup)
    }

    /// The worker of 1.0.0 behind a pipe: it starts once a line was written to that.
    private func installAtGate(vsn: String) throws {
        let counter = "lib/fix-\(vsn)/ebin/counter"
        try releases.write(
            counter,
            """
            #!/bin/sh
            read -r _ < /run/gate
            FIXTURE_VSN=\(vsn) exec /var/lib/release-handler/lib/fix-1.0.0/ebin/counter

            """)
        chmod("\(releases.root)/\(counter)", 0o755)
    }

    private func layOutMachine() throws {
        try machine.layOut()
        let unit = "\(ContainerMachine.units)/release-handlerd.service"
        try machine.copy("\(Self.repository)/systemd/release-handlerd.service", to: unit)
        for name in ["unprivileged.conf", "private-workers.conf"] {
            try machine.copy("\(Self.repository)/systemd/\(name)", to: "files/opt/\(name)")
        }
    }
}
