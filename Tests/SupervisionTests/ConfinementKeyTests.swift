import Supervision
import Terms
import Testing

/// What a child spec says of its confinement: what is read, what `get_childspec` answers, and each refusal.
@Suite struct ConfinementKeyTests {
    private func read(_ keys: String) throws -> ChildSpec {
        let initial = try SupervisorInit.parse(
            Array("{#{}, [#{id => a, start => {m, f, []}, \(keys)}]}.".utf8), file: "kv_sup.sup"
        ) { _ in nil }
        return try #require(initial?.children.first)
    }

    @Test func readsTheKeys() throws {
        let spec = try read(
            """
            no_new_privs => true, capabilities => [cap_sys_time, cap_chown, cap_chown], private_tmp => true,
            protect_system => strict, read_write_paths => ["/srv/a", <<"/var/lib/b">>], seccomp => service
            """)
        let confinement = try #require(spec.confinement)
        #expect(confinement.noNewPrivileges && confinement.privateTmp && confinement.changesMounts)
        #expect(confinement.capabilities?.capabilities == [.chown, .sysTime])
        #expect(confinement.capabilities?.bits == 1 << 0 | 1 << 25)
        #expect(confinement.protectSystem == .strict && confinement.readWritePaths == ["/srv/a", "/var/lib/b"])
        #expect(confinement.seccomp == .service)
        let shown = spec.term.description
        for part in [
            "capabilities => [cap_chown,cap_sys_time]", "no_new_privs => true", "private_tmp => true",
            "protect_system => strict", "read_write_paths => [\"/srv/a\",\"/var/lib/b\"]", "seccomp => service",
        ] {
            #expect(shown.contains(part), "\(shown)")
        }
        #expect(try ChildSpec.parse(spec.term) == spec)
    }

    @Test func nothingIsAskedForByWhatIsFalse() throws {
        #expect(try read("no_new_privs => false, private_tmp => false, protect_system => false").confinement == nil)
        #expect(try read("restart => permanent").confinement == nil)
        // None at all is something else than what the user brings.
        let spec = try read("capabilities => []")
        #expect(spec.confinement?.capabilities?.bits == 0)
        #expect(spec.term.description.contains("capabilities => []"))
        #expect(try ChildSpec.parse(spec.term) == spec)
    }

    /// The names are in the kernel's order, so that each has its number.
    @Test func capabilitiesHaveTheirNumbers() {
        #expect(Capability.allCases.count == 41)
        let known: [Capability: Int] = [
            .chown: 0, .setpcap: 8, .netBindService: 10, .sysPtrace: 19, .sysAdmin: 21, .sysResource: 24, .mknod: 27,
            .setfcap: 31, .syslog: 34, .auditRead: 37, .checkpointRestore: 40,
        ]
        for (capability, number) in known { #expect(capability.number == number) }
    }

    /// For a re-execution: an empty set comes back as one, and who knew none of it left none.
    @Test func theStateOfASpecKeepsIt() throws {
        for keys in ["capabilities => []", "seccomp => strict, capabilities => [cap_kill]", "private_tmp => true"] {
            let spec = try read(keys)
            let written = try TermEncoder(leavesOutZero: true).encode(spec)
            #expect(try TermDecoder().decode(ChildSpec.self, from: written) == spec)
        }
        let plain = try TermEncoder(leavesOutZero: true).encode(try read("restart => permanent"))
        #expect(!plain.description.contains("confinement"))
    }

    @Test func whatDiffersIsNamed() throws {
        let old = try read("no_new_privs => true, seccomp => strict").confinement
        let new = try read("no_new_privs => true, seccomp => service, capabilities => []").confinement
        #expect(Confinement.changedKeys(old, new) == ["capabilities", "seccomp"])
        #expect(Confinement.changedKeys(nil, old) == ["no_new_privs", "seccomp"])
        #expect(Confinement.changedKeys(nil, nil) == [])
    }

    private static let refusals: [(String, String)] = [
        ("no_new_privs => yes", "1:56: invalid_no_new_privs: expected true or false, found yes"),
        ("private_tmp => 1", "1:55: invalid_private_tmp: expected true or false, found 1"),
        (
            "capabilities => cap_chown",
            "1:56: invalid_capabilities: expected a list of capabilities as [cap_net_bind_service], found cap_chown"
        ),
        (
            "capabilities => [chown]",
            "1:57: invalid_capabilities: expected the name of one of capabilities(7), as cap_chown, found chown"
        ),
        ("protect_system => yes", "1:58: invalid_protect_system: expected true, full, strict or false, found yes"),
        (
            "read_write_paths => [\"/srv\"]",
            "1:60: invalid_read_write_paths: expected none: without protect_system nothing is read-only, found [\"/srv\"]"
        ),
        (
            "protect_system => full, read_write_paths => [srv]",
            "1:85: invalid_read_write_paths: expected an absolute path, found srv"
        ),
        (
            "protect_system => full, private_tmp => true, read_write_paths => [\"/tmp/a\"]",
            "1:106: invalid_read_write_paths: expected no path in /tmp or /var/tmp, which private_tmp hides, found \"/tmp/a\""
        ),
        ("seccomp => none", "1:51: invalid_seccomp: expected service or strict, found none"),
        (
            "type => supervisor, seccomp => strict",
            "1:71: invalid_seccomp: expected none: a supervisor is the daemon's own, found strict"
        ),
    ]

    @Test(arguments: refusals)
    func refusesWhatIsNone(_ keys: String, _ message: String) {
        let answer: String
        do { answer = "\(try read(keys))" } catch { answer = "\(error)" }
        #expect(answer == "kv_sup.sup:" + message)
    }
}
