import Foundation
import Glibc
import Testing
import Wire

@testable import TestSupport

/// What `releasectl reexec` does not do, and says why: nothing has changed.
@Suite(.timeLimit(.minutes(15))) struct ReexecutionRefusalTests {
    private static func root() throws -> TestRoot { try TestRoot.twoVersions() }

    private static func program(_ root: TestRoot, _ name: String, _ text: String) throws -> String {
        try root.write(name, text)
        let path = "\(root.root)/\(name)"
        chmod(path, 0o755)
        return path
    }

    /// Asked for that program it is refused with these words, and all goes on.
    private static func isRefused(_ daemon: EndToEndDaemon, _ program: String, _ words: String...) async throws {
        let pid = try await daemon.workers().first?.pid
        let refused = try await daemon.releasectl("reexec", program)
        #expect(refused.exit == 2, "\(refused)")
        for word in words { #expect(refused.error.contains(word), "\(refused.error)") }
        #expect(refused.error.contains("the daemon goes on as it is: "))
        #expect(try await daemon.workers().first?.pid == pid)
        #expect(try await daemon.call("{add, 0}") == "0")
    }

    @Test func aProgramThatIsNone() async throws {
        let root = try Self.root()
        let other = try Self.program(root, "other-machine", "")
        // A whole head of an ELF file, of a machine that this is not (s390).
        var elf: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 2, 1, 0] + [UInt8](repeating: 0, count: 8)
        elf += [0, 2, 0, 22, 0, 0, 0, 1] + [UInt8](repeating: 0, count: 40)
        try Data(elf).write(to: URL(filePath: other))
        chmod(other, 0o755)
        let text = try Self.program(root, "text", "no program")
        let plain = "\(root.root)/releases/RELEASES"
        try await EndToEndDaemon.with(root) { daemon in
            try await Self.isRefused(daemon, "/no/such/program", "/no/such/program", "No such file or directory")
            try await Self.isRefused(daemon, other, "neither an ELF executable for this machine nor a script")
            try await Self.isRefused(daemon, text, "neither an ELF executable for this machine nor a script")
            try await Self.isRefused(daemon, plain, "the file must be executable (chmod +x)")
            let relative = try await daemon.releasectl("reexec", "release-handlerd")
            #expect(relative.error.contains("must be an absolute path"), "\(relative)")
        }
    }

    /// Its libraries are missing: a copy of the daemon that wants one of another name.
    @Test func aProgramWithoutItsLibraries() async throws {
        let root = try Self.root()
        let copy = "\(root.directory)/without"
        var bytes = try Data(contentsOf: URL(filePath: EndToEndDaemon.path))
        let name = Data("libsystemd.so.0".utf8)
        let place = try #require(bytes.range(of: name))
        bytes.replaceSubrange(place, with: Data("libnothere.so.0".utf8))
        try bytes.write(to: URL(filePath: "\(copy).new"))
        try Spawned.run("/bin/sh", ["-ec", "cp \"$1.new\" \"$1\"; chmod 755 \"$1\"", "sh", copy])
        try await EndToEndDaemon.with(root) { daemon in
            try await Self.isRefused(daemon, copy, "--check-state exited with status 127", "libnothere.so.0")
        }
    }

    @Test func aProgramThatSaysNoOrNothing() async throws {
        let root = try Self.root()
        let no = try Self.program(root, "no", "#!/bin/sh\necho not this one\nexit 1\n")
        let dies = try Self.program(root, "dies", "#!/bin/sh\nkill -SEGV $$\n")
        let nothing = try Self.program(root, "nothing", "#!/bin/sh\nexit 0\n")
        try await EndToEndDaemon.with(root) { daemon in
            try await Self.isRefused(daemon, no, "--check-state exited with status 1: not this one")
            try await Self.isRefused(daemon, dies, "--check-state was ended by SIGSEGV")
            try await Self.isRefused(daemon, nothing, "nothing is not release-handlerd")
        }
    }

    @Test func twiceAtOnce() async throws {
        let root = try Self.root()
        let fifo = "\(root.directory)/go"
        #expect(mkfifo(fifo, 0o600) == 0)
        let waits = try Self.program(root, "waits", "#!/bin/sh\nread x < \(fifo)\nexit 1\n")
        try await EndToEndDaemon.with(root) { daemon in
            async let first = daemon.releasectl("reexec", waits)
            // It waits once somebody can write to it.
            let writer = try await offPool { try FileHandle(forWritingTo: URL(filePath: fifo)) }
            let second = try await daemon.releasectl("reexec")
            #expect(second.exit == 2)
            #expect(second.error.contains("is being executed anew already"), "\(second.error)")
            // Nor is a release installed meanwhile.
            let install = try await daemon.releasectl("install-release", "2.0.0")
            #expect(install.error.contains("reexec is under way"), "\(install.error)")
            try writer.write(contentsOf: Data("go\n".utf8))
            #expect(try await first.exit == 2)
            #expect(try await daemon.ask("reexec").contains("goes on anew"))
        }
    }

    /// What was checked is what is executed, however long what is under way takes to come to its end in between.
    @Test func aProgramThatIsReplacedAfterItsCheck() async throws {
        let root = try Self.root()
        let (asked, starts) = ("\(root.directory)/asked", "\(root.directory)/starts")
        #expect(mkfifo(asked, 0o600) == 0 && mkfifo(starts, 0o600) == 0)
        let next = try Self.program(
            root, "next",
            "#!/bin/sh\n[ \"$1\" = --check-state ] && read x < \(asked)\nexec \"\(EndToEndDaemon.path)\" \"$@\"\n")
        let other = try Self.program(root, "other", "#!/bin/sh\nexit 1\n")
        let child = "#{id => c2, start => {counter, start_link, [{init_wait, \"\(starts)\"}]}}"
        try await EndToEndDaemon.with(root) { daemon in
            let pid = try await daemon.workers().first?.pid
            async let reexec = daemon.releasectl("reexec", next)
            // Once it is asked, a change begins that it has to wait for.
            let check = try await offPool { try FileHandle(forWritingTo: URL(filePath: asked)) }
            async let start = daemon.releasectl("start-child", "fix/fix_sup", child)
            let begun = try await offPool { try FileHandle(forWritingTo: URL(filePath: starts)) }
            try check.write(contentsOf: Data("go\n".utf8))
            while !daemon.program.complained.contains("executing \(next) in this one's place") { await Task.yield() }
            #expect(rename(other, next) == 0)
            try begun.write(contentsOf: Data([1]))
            let refused = try await reexec
            #expect(refused.exit == 2, "\(refused)")
            #expect(
                refused.error.contains("the daemon goes on as it is: \(next) was changed since it was checked"),
                "\(refused)")
            #expect(try await start.exit == 0)
            #expect(try await daemon.workers().first { $0.address == TestNode.c1 }?.pid == pid)
            #expect(try await daemon.call("{add, 0}") == "0")
            #expect(try await daemon.ask("reexec").contains("goes on anew"))
        }
    }

    @Test func duringAnInstall() async throws {
        let root = try TestRoot.twoVersions(
            relup: TestRoot.relup(up: "{apply, {timer, sleep, [3000]}}, \(TestRoot.up())", down: TestRoot.down()))
        try await EndToEndDaemon.with(root) { daemon in
            async let install = daemon.releasectl("install-release", "2.0.0")
            try await daemon.untilUpgrading()
            let refused = try await daemon.releasectl("reexec")
            #expect(refused.exit == 2)
            #expect(refused.error.contains("an upgrade to 2.0.0 is under way"), "\(refused.error)")
            #expect(try await install.exit == 0)
            #expect(try await daemon.ask("reexec").contains("goes on anew"))
            #expect(try await daemon.call("vsn") == "\"2.0.0\"")
        }
    }

    // MARK: The state

    /// A real daemon's state, as the program that it asks gets it.
    private static func state(_ daemon: EndToEndDaemon) async throws -> Data {
        let file = "\(daemon.root.directory)/state"
        let takes = try program(daemon.root, "takes", "#!/bin/sh\ncat > \(file)\nexit 1\n")
        _ = try await daemon.releasectl("reexec", takes)
        return try Data(contentsOf: URL(filePath: file))
    }

    private static func check(_ state: Data, in directory: String) async throws -> (exit: Int32, said: String) {
        let file = "\(directory)/state-\(UUID())"
        try state.write(to: URL(filePath: file))
        let run = try await Program.run(
            "/bin/sh", ["-c", "\"$1\" --check-state < \"$2\"", "sh", EndToEndDaemon.path, file])
        return (run.exit, run.output)
    }

    @Test func aStateThatIsNoneIsFoundBeforehand() async throws {
        try await EndToEndDaemon.with(try Self.root()) { daemon in
            let state = try await Self.state(daemon)
            let directory = daemon.root.directory
            let right = try await Self.check(state, in: directory)
            #expect(right.exit == 0 && right.said.contains("can go on in the place of"), "\(right)")
            #expect(right.said.contains("with 1 workers"))
            // Cut short anywhere.
            for length in [0, 1, 10, state.count / 2, state.count - 1] {
                let cut = try await Self.check(state.prefix(length), in: directory)
                // What is cut within a value that is read by itself is told by what that lacks.
                let isTold = cut.said.contains("cut short") || cut.said.contains("can't be read by")
                #expect(cut.exit == 1 && isTold, "\(length): \(cut)")
            }
            // Of a version to come: the small integer behind the tag.
            let tag = Data("release_handler_state".utf8) + Data([97])
            let place = try #require(state.range(of: tag))
            var newer = state
            newer[place.upperBound] = 9
            let refused = try await Self.check(newer, in: directory)
            #expect(
                refused.exit == 1 && refused.said.contains("the state has version 9, of release-handlerd"), "\(refused)"
            )
            // Without a key that has to be there.
            var other = state
            let key = try #require(other.range(of: Data("flags".utf8)))
            other.replaceSubrange(key, with: Data("flogs".utf8))
            let missing = try await Self.check(other, in: directory)
            #expect(missing.exit == 1 && missing.said.contains("flags is not there"), "\(missing)")
            let text = try await Self.check(Data("no term".utf8), in: directory)
            #expect(text.exit == 1 && text.said.contains("the state is none"), "\(text)")
        }
    }

    /// A descriptor that the state names is not there: it fails like a daemon that can't boot, and says so.
    @Test func aMissingDescriptorIsTold() async throws {
        let state = try await EndToEndDaemon.with(try Self.root()) { try await Self.state($0) }
        let root = try Self.root()
        defer { root.remove() }
        let file = "\(root.directory)/state"
        try state.write(to: URL(filePath: file))
        let run = try await Program.run(
            "/bin/sh",
            [
                "-c", "exec \"$1\" --root \"$2\" --socket \"$2/c.sock\" 9< \"$3\"", "sh", EndToEndDaemon.path,
                root.root,
                file,
            ], environment: ["RELEASE_HANDLER_STATE": "9"])
        #expect(run.exit == 1)
        #expect(run.error.contains("the state names what is not there: descriptor "), "\(run.error)")
    }

    // MARK: What passed its check and fails

    /// It takes its workers along, and whoever starts the daemon boots the permanent release.
    @Test func aProgramThatDiesBehindItIsACrash() async throws {
        let root = try Self.root()
        defer { root.remove() }
        let dies = try Self.program(
            root, "dies", "#!/bin/sh\n[ \"$1\" = --check-state ] && exec \"\(EndToEndDaemon.path)\" \"$@\"\nexit 3\n")
        let (worker, ending) = try await EndToEndDaemon.untilItsEnd(on: root) { daemon in
            try await daemon.ask("install-release", "2.0.0")
            let worker = try #require(try await daemon.workers().first?.pid)
            _ = try await daemon.releasectl("reexec", dies)
            return worker
        }
        #expect(ending == .exit(3))
        while kill(worker, 0) == 0 { await Task.yield() }
        try await EndToEndDaemon.again(on: root) { daemon in
            let status = try await daemon.status()
            #expect(status.release == "1.0.0" && status.permanent == "1.0.0")
        }
    }
}
