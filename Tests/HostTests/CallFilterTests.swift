import CHost
import Glibc
import Testing

@testable import Host
@testable import TestSupport

/// The filters as programs, against the groups of calls that systemd 252 has and the numbers that libseccomp has for them.
@Suite(.enabled(if: hasSystemd252), .timeLimit(.minutes(15)))
@HostActor
struct CallFilterTests {
    @Test func `service is @system-service`() async throws {
        let machine = try await Machine()
        let expected = machine.numbers(machine.names(in: "@system-service"))
        let found = Filter(CHOST_FILTER_SERVICE).allowed()
        #expect(expected.count > 250)
        #expect(expected.subtracting(found) == [])
        // Calls that an older libseccomp has no numbers for: uretprobe and set_mempolicy_home_node.
        #expect(found.subtracting(expected).isSubset(of: [335, 450]))
    }

    @Test func `strict is less than that`() async throws {
        let machine = try await Machine()
        var names = machine.names(in: "@system-service")
        for group in ["@aio", "@chown", "@keyring", "@resources", "@setuid"] {
            names.subtract(machine.names(in: group))
        }
        names.subtract([
            "capset", "kcmp", "personality", "process_vm_readv", "process_vm_writev", "setfsgid", "setfsuid", "setns",
            "unshare", "userfaultfd",
        ])
        let bounded = machine.numbers(["socket", "socketpair", "clone", "clone3"])
        let filter = Filter(CHOST_FILTER_STRICT)
        let found = filter.allowed().subtracting([335])
        #expect(found.subtracting(bounded) == machine.numbers(names).subtracting(bounded))

        let refused = UInt32(0x0005_0000)
        for call in machine.numbers(["socket", "socketpair"]) {
            #expect(filter.answer(call, UInt64(AF_UNIX)) == Filter.allow)
            for family in [AF_INET, AF_INET6, AF_NETLINK, AF_PACKET] {
                #expect(filter.answer(call, UInt64(family)) == refused | UInt32(EAFNOSUPPORT))
            }
        }
        let clone = try #require(machine.numbers(["clone"]).first)
        // vfork(2), and one with a user namespace: linux/sched.h.
        #expect(filter.answer(clone, 0x4100 | UInt64(SIGCHLD)) == Filter.allow)
        let newUser: UInt64 = 0x1000_0000
        #expect(filter.answer(clone, newUser | UInt64(SIGCHLD)) == refused | UInt32(EPERM))
        let clone3 = try #require(machine.numbers(["clone3"]).first)
        #expect(filter.answer(clone3, 0) == refused | UInt32(ENOSYS))
    }

    @Test(arguments: [CHOST_FILTER_SERVICE, CHOST_FILTER_STRICT])
    func `what is another's is refused`(kind: chost_filter) {
        let filter = Filter(kind)
        // i386, and x32 on x86-64.
        #expect(filter.answer(20, 0, architecture: 0x4000_0003) == 0x0005_0000 | UInt32(EPERM))
        #expect(filter.answer(0x4000_0000, 0) == 0x0005_0000 | UInt32(ENOSYS))
        #expect(filter.answer(9_999, 0) == 0x0005_0000 | UInt32(ENOSYS))
    }
}

private let hasSystemd252: Bool = {
    guard let program = try? FileContents.read("/usr/bin/systemd-analyze", limit: 64 * 1024 * 1024) else {
        return false
    }
    return String(decoding: program, as: UTF8.self).contains("libsystemd-shared-252.so") && Machine.resolve != nil
}()

/// What the machine's systemd and libseccomp say.
private struct Machine {
    private var groups: [String: [String]] = [:]

    @HostActor
    init() async throws {
        let recorder = Recorder()
        _ = try WorkerProcess.launch(.shell("systemd-analyze --no-pager syscall-filter")) { recorder.record($0) }
        _ = await recorder.end()
        var group = ""
        for line in recorder.lines() {
            if line.hasPrefix("@") {
                group = line
            } else if line.hasPrefix("    "), !line.contains("#") {
                groups[group, default: []].append(line.filter { $0 != " " })
            }
        }
    }

    func names(in group: String) -> Set<String> {
        (groups[group] ?? []).reduce(into: []) { names, name in
            if name.hasPrefix("@") { names.formUnion(self.names(in: name)) } else { names.insert(name) }
        }
    }

    /// Of those that this architecture has.
    func numbers(_ names: Set<String>) -> Set<Int32> {
        Set(names.compactMap { Self.resolve?($0) }.filter { $0 >= 0 })
    }

    static let resolve: (@Sendable (UnsafePointer<CChar>) -> Int32)? = {
        guard let library = dlopen("libseccomp.so.2", RTLD_NOW),
            let symbol = dlsym(library, "seccomp_syscall_resolve_name")
        else { return nil }
        return unsafeBitCast(symbol, to: (@convention(c) @Sendable (UnsafePointer<CChar>) -> Int32).self)
    }()
}

/// The few instructions that the programs are made of. Source: linux/bpf_common.h, linux/seccomp.h.
private struct Filter {
    static let allow: UInt32 = 0x7fff_0000

    private struct Instruction {
        let code: UInt16
        let whenTrue: UInt8
        let whenFalse: UInt8
        let constant: UInt32
    }
    private let instructions: [Instruction]
    private let native: UInt32

    init(_ kind: chost_filter) {
        var count = 0
        let program = chost_filter_program(kind, &count)
        instructions = (0..<count).compactMap { index in
            program?.load(fromByteOffset: 8 * index, as: Instruction.self)
        }
        // What the second of them compares with.
        native = instructions[1].constant
    }

    func answer(_ number: Int32, _ argument: UInt64, architecture: UInt32? = nil) -> UInt32 {
        var accumulator: UInt32 = 0
        var index = 0
        while true {
            let one = instructions[index]
            index += 1
            let isTrue: Bool
            switch one.code {
            case 0x20:
                switch one.constant {
                case 0: accumulator = UInt32(bitPattern: number)
                case 4: accumulator = architecture ?? native
                case 16: accumulator = UInt32(truncatingIfNeeded: argument)
                default: fatalError("a load of \(one.constant)")
                }
                continue
            case 0x06: return one.constant
            case 0x15: isTrue = accumulator == one.constant
            case 0x35: isTrue = accumulator >= one.constant
            case 0x45: isTrue = accumulator & one.constant != 0
            default: fatalError("an instruction \(one.code)")
            }
            index += Int(isTrue ? one.whenTrue : one.whenFalse)
        }
    }

    /// With an argument that none of them looks at twice: no socket's family, no clone's flag.
    func allowed() -> Set<Int32> {
        Set((0...700).filter { answer($0, 0) == Self.allow })
    }
}
