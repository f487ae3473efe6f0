import Instructions
import Supervision
import Terms
import Testing

/// `.sup` files: what is read, and the exact text of each refusal.
@Suite struct SupervisorFileTests {
    private func parse(_ text: String, _ environment: [Atom: Term] = [:]) throws(FileError) -> SupervisorInit {
        let initial = try SupervisorInit.parse(Array(text.utf8), file: "kv_sup.sup") { environment[$0] }
        guard let initial else { throw FileError(file: "kv_sup.sup", position: nil, message: "ignore") }
        return initial
    }

    @Test func ignoreIsAnAnswer() {
        #expect(refusal("ignore.") == "kv_sup.sup: ignore")
        #expect(refusal("ignored.").contains("bad_return: expected {ok, {Flags, Children}}, found ignored"))
    }

    private func refusal(_ text: String, _ environment: [Atom: Term] = [:]) -> String {
        do {
            return "accepted: \(try parse(text, environment))"
        } catch {
            return error.description
        }
    }

    @Test func readsMapsWithOTPsDefaults() throws {
        let read = try parse(
            """
            {ok, {#{strategy => rest_for_one},
                  [#{id => store, start => {kv_server, start_link, [a]}},
                   #{id => sub, start => {sub_sup, start_link, []}, type => supervisor}]}}.
            """)
        #expect(read.flags == SupervisorFlags(strategy: .restForOne, intensity: 1, periodSeconds: 5))
        let store = read.children[0]
        #expect(store.id == "store" && store.start.arguments == ["a"] && store.restart == .permanent)
        #expect(store.shutdown == .milliseconds(5000) && store.modules == .list(["kv_server"]))
        #expect(store.startTimeoutMilliseconds == 30_000 && !store.notify && !store.significant)
        #expect(read.children[1].shutdown == .infinity && read.children[1].type == .supervisor)
    }

    @Test func readsTuples() throws {
        let read = try parse(
            """
            {{one_for_all, 3, 10}, [{{w, 1}, {m, f, []}, transient, brutal_kill, worker, dynamic}]}.
            """)
        #expect(read.flags == SupervisorFlags(strategy: .oneForAll, intensity: 3, periodSeconds: 10))
        #expect(read.children[0].id == .tuple(["w", 1]))
        #expect(read.children[0].shutdown == .brutalKill && read.children[0].modules == .dynamic)
    }

    @Test func readsTheKeysBeyondOTP() throws {
        let read = try parse(
            """
            {#{}, [#{id => web, start => {os, start, ["/usr/bin/web"]}, notify => true, start_timeout => 1500,
                     kill_signal => sigquit, watchdog => 5000,
                     sockets => [#{name => http, listen => "127.0.0.1:8080"}, #{name => "adm", listen => 9000}],
                     user => "nobody", cwd => <<"/srv">>, env => #{port => 80, "NAME" => "x=y"},
                     rlimits => #{nofile => {1024, infinity}, core => 0}}]}.
            """)
        let web = read.children[0]
        #expect(web.isUnmodifiedProgram && web.notify && web.startTimeoutMilliseconds == 1500)
        #expect(web.killSignal == .sigquit && web.watchdogMilliseconds == 5_000)
        #expect(try ChildSpec.parse(web.term) == web)
        #expect(
            web.sockets == [
                SocketSpec(name: "http", listen: "127.0.0.1:8080"), SocketSpec(name: "adm", listen: "9000"),
            ])
        #expect(web.user == "nobody" && web.cwd == "/srv")
        #expect(
            web.env == [
                ChildSpec.EnvironmentVariable(name: "port", value: "80"),
                ChildSpec.EnvironmentVariable(name: "NAME", value: "x=y"),
            ])
        #expect(
            web.rlimits == [
                ResourceLimit(resource: .core, soft: 0, hard: 0),
                ResourceLimit(resource: .nofile, soft: 1024, hard: nil),
            ])
    }

    @Test func readsHowLongARestartWaits() throws {
        let read = try parse(
            """
            {#{restart_delay => {100, 60000, 1.5}},
             [#{id => a, start => {m, f, []}, restart_delay => 5000},
              #{id => b, start => {m, f, []}, restart_delay => {1, 4, 2}},
              #{id => c, start => {m, f, []}, restart_delay => 0}, #{id => d, start => {m, f, []}}]}.
            """)
        #expect(read.flags.restartDelay == RestartDelay(initial: 100, maximum: 60_000, factor: 1.5))
        #expect(
            read.children.map(\.restartDelay) == [
                RestartDelay(milliseconds: 5_000), RestartDelay(initial: 1, maximum: 4, factor: 2),
                RestartDelay(milliseconds: 0), nil,
            ])
        for child in read.children { #expect(try ChildSpec.parse(child.term) == child) }
        #expect(read.children[1].term.description.contains("restart_delay => {1,4,2}"))
    }

    @Test func readsTheBoundsOfAControlGroup() throws {
        let read = try parse(
            """
            {#{}, [#{id => a, start => {m, f, []},
                     cgroup => #{memory_max => 268435456, memory_high => max, pids_max => 64, cpu_weight => 50,
                                 io_weight => 10000, cpu_max => {50000, 200000}}},
                   #{id => b, start => {m, f, []}, cgroup => #{cpu_max => 150000}},
                   #{id => c, start => {m, f, []}, cgroup => #{}}]}.
            """)
        let settings = read.children.map { ($0.cgroup ?? []).map(\.setting).map { "\($0.file) \($0.text)" } }
        #expect(
            settings == [
                [
                    "cpu.max 50000 200000", "cpu.weight 50", "io.weight 10000", "memory.high max",
                    "memory.max 268435456",
                    "pids.max 64",
                ], ["cpu.max 150000 100000"], [],
            ])
        // What get_childspec answers is read as the same.
        for child in read.children { #expect(try ChildSpec.parse(child.term) == child) }
    }

    @Test func readsWhoMayConnectToASocketFile() throws {
        let read = try parse(
            """
            {#{}, [#{id => web, start => {m, f, []},
                     sockets => [#{name => a, listen => "/run/a"},
                                 #{name => b, listen => "/run/b", mode => 8#660, user => www, group => "33"}]}]}.
            """)
        let sockets = read.children[0].sockets
        #expect(sockets[0] == SocketSpec(name: "a", listen: "/run/a", mode: 0o666))
        #expect(sockets[1] == SocketSpec(name: "b", listen: "/run/b", mode: 432, user: "www", group: "33"))
        // What get_childspec answers is a spec again, and shows what is not as by default.
        #expect(try ChildSpec.parse(read.children[0].term) == read.children[0])
        let shown = "#{group => \"33\",listen => \"/run/b\",mode => 432,name => \"b\",user => \"www\"}"
        #expect(read.children[0].term.description.contains("[#{listen => \"/run/a\",name => \"a\"},\(shown)]"))
    }

    @Test(arguments: [
        ("listen => \"/run/a\", mode => 8#1000", "expected a mode from 0 to 8#777, such as 8#660, found 512"),
        ("listen => \"/run/a\", mode => \"0660\"", "expected a mode from 0 to 8#777, such as 8#660, found \"0660\""),
        ("listen => \"/run/a\", user => 7", "expected a user's name, found 7"),
        ("listen => 80, mode => 8#660", "expected no mode: only a socket that listens at a path has one, found 432"),
        ("listen => \"@a\", user => www", "expected no user: only a socket that listens at a path has one, found www"),
        (
            "listen => \"/run/a\", owner => www",
            "unknown key owner in a socket; the keys are name, listen, mode, user, group"
        ),
    ])
    func refusesWhatIsNoAccess(keys: String, words: String) {
        let text = "{#{}, [#{id => web, start => {m, f, []}, sockets => [#{name => a, \(keys)}]}]}."
        let answer = refusal(text)
        #expect(answer.hasSuffix(words), "\(answer)")
    }

    @Test func readsTheEnvironment() throws {
        let text = """
            {#{intensity => {'$env', restarts, 7}},
             [#{id => a, start => {m, f, [{'$env', port, 1}, [{'$env', none, {'$env', host, "h"}}]]}}]}.
            """
        let defaults = try parse(text)
        #expect(defaults.flags.intensity == 7)
        #expect(defaults.children[0].start.arguments == [1, .list([.string("h")])])
        let given = try parse(text, ["restarts": 2, "port": 8080, "host": .text("x")])
        #expect(given.flags.intensity == 2)
        #expect(given.children[0].start.arguments == [8080, .list([.text("x")])])
    }

    @Test func anErrorInAnEnvironmentValueNamesThePlaceThatAskedForIt() {
        let text = "{#{},\n [#{id => a, start => {m, f, []},\n    shutdown => {'$env', wait, 5}}]}."
        #expect(
            refusal(text, ["wait": "soon"])
                == "kv_sup.sup:3:17: invalid_shutdown: expected brutal_kill, infinity "
                + "or milliseconds from 0, found soon"
        )
        #expect(
            refusal("{#{}, [{'$env', 1}]}.")
                == "kv_sup.sup:1:8: invalid_env: expected {'$env', Key, Default}, found {'$env',1}")
    }

    private static let delays =
        "milliseconds from 0 to 4294967295, or {Initial, Max, Factor} with Max from Initial and Factor from 1 on"

    private static let wholeFiles: [(String, String)] = [
        ("", "1:1: expected {ok, {Flags, Children}}, found no term"),
        ("{#{}, []}. more.", "1:12: expected one term, found another: more"),
        ("{#{}, none}.", "1:7: invalid_child_spec: expected a list of child specs, found none"),
        ("{[], []}.", "1:2: invalid_type: expected a map of flags or {Strategy, Intensity, Period}, found []"),
        (
            "{#{strategy => all}, []}.",
            "1:16: invalid_strategy: expected one_for_one, one_for_all, rest_for_one or simple_one_for_one, found all"
        ),
        ("{#{intensity => -1}, []}.", "1:17: invalid_intensity: expected a number of restarts from 0, found -1"),
        ("{{one_for_one, 1, 0}, []}.", "1:19: invalid_period: expected a number of seconds from 1, found 0"),
        (
            "{#{auto_shutdown => yes}, []}.",
            "1:21: invalid_auto_shutdown: expected never, any_significant or all_significant, found yes"
        ),
        (
            "{#{stratgy => one_for_one}, []}.",
            "1:4: unknown key stratgy in the supervisor's flags; the keys are auto_shutdown, "
                + "intensity, period, restart_delay, start, strategy"
        ),
        (
            "{#{restart_delay => -1}, []}.",
            "1:21: invalid_restart_delay: expected \(delays), found -1"
        ),
        (
            "{#{strategy => simple_one_for_one}, []}.",
            "1:37: bad_start_spec: simple_one_for_one takes exactly one child spec, found 0"
        ),
        (
            "{#{}, [#{id => a, start => {m, f, []}},\n       #{id => a, start => {m, f, []}}]}.",
            "2:8: duplicate_child_name: expected each child id once, found a again"
        ),
    ]

    @Test(arguments: wholeFiles)
    func refusesFiles(_ text: String, _ message: String) {
        #expect(refusal(text) == "kv_sup.sup:" + message)
    }

    private static let keys =
        "capabilities, cgroup, cwd, env, id, kill_signal, modules, no_new_privs, notify, private_tmp, protect_system, "
        + "read_write_paths, restart, restart_delay, rlimits, seccomp, shutdown, significant, sockets, start, start_phases, "
        + "start_timeout, type, user, watchdog"

    /// Keys of a child spec that has an id and a start already; each stands from column 40 on.
    private static let childKeys: [(String, String)] = [
        ("restrat => permanent", "1:40: unknown key restrat in a child spec; the keys are \(keys)"),
        ("restart => always", "1:51: invalid_restart_type: expected permanent, transient or temporary, found always"),
        ("type => server", "1:48: invalid_child_type: expected worker or supervisor, found server"),
        ("shutdown => -1", "1:52: invalid_shutdown: expected brutal_kill, infinity or milliseconds from 0, found -1"),
        ("modules => m", "1:51: invalid_modules: expected a list of modules or dynamic, found m"),
        ("modules => [m, 1]", "1:55: invalid_module: expected a module's name (an atom), found 1"),
        ("significant => 1", "1:55: invalid_significant: expected true or false, found 1"),
        (
            "significant => true",
            "1:55: bad_combination: significant => true needs flags with auto_shutdown "
                + "any_significant or all_significant"
        ),
        ("start_timeout => 0", "1:57: invalid_start_timeout: expected a number of milliseconds from 1, found 0"),
        ("restart_delay => soon", "1:57: invalid_restart_delay: expected \(delays), found soon"),
        ("restart_delay => 4294967296", "1:57: invalid_restart_delay: expected \(delays), found 4294967296"),
        ("restart_delay => {5, 4, 2}", "1:57: invalid_restart_delay: expected \(delays), found {5,4,2}"),
        ("restart_delay => {0, 4, 2}", "1:57: invalid_restart_delay: expected \(delays), found {0,4,2}"),
        ("restart_delay => {1, 4, 0.9}", "1:57: invalid_restart_delay: expected \(delays), found {1,4,0.9}"),
        (
            "restart => temporary, restart_delay => 5",
            "1:79: invalid_restart_delay: expected none: a temporary child is never restarted, found 5"
        ),
        (
            "watchdog => 99",
            "1:52: invalid_watchdog: expected a number of milliseconds from 100 to 4294967295, found 99"
        ),
        (
            "type => supervisor, watchdog => 1000",
            "1:72: invalid_watchdog: expected none: a supervisor is the daemon's own, found 1000"
        ),
        ("notify => maybe", "1:50: invalid_notify: expected true or false, found maybe"),
        (
            "kill_signal => sigkill",
            "1:55: invalid_kill_signal: expected sighup, sigint, sigquit, sigterm, sigusr1, sigusr2 or sigwinch, "
                + "found sigkill"
        ),
        (
            "kill_signal => sigquit",
            "1:55: invalid_kill_signal: expected none: a worker is told by terminate; it is for start M os, "
                + "found sigquit"
        ),
        ("user => 0", "1:48: invalid_user: expected a user's name, found 0"),
        (#"cwd => """#, "1:47: invalid_cwd: expected a directory, found []"),
        ("env => [a]", "1:48: invalid_env: expected {Name, Value}, found a"),
        (#"env => [{"A=B", "c"}]"#, #"1:49: invalid_env: expected a variable's name without "=", found "A=B""#),
        ("sockets => http", "1:51: invalid_sockets: expected a list of #{name => Name, listen => Address}, found http"),
        (
            "sockets => [#{name => http}]",
            "1:52: invalid_socket: expected #{name => Name, listen => Address}, found #{name => http}"
        ),
        (
            #"sockets => [#{name => "a:b", listen => 1}]"#,
            #"1:62: invalid_socket: expected a name of ASCII letters and signs without ":", found "a:b""#
        ),
        (
            "sockets => [#{name => a, listen => 1}, #{name => a, listen => 2}]",
            "1:89: invalid_socket: expected each name once, found a"
        ),
        (
            "rlimits => #{nofile => -1}",
            "1:63: invalid_rlimits: expected a number from 0, infinity or {Soft, Hard}, found -1"
        ),
        (
            "rlimits => #{nofile => {2, 1}}",
            "1:63: invalid_rlimits: expected a soft limit that is not above the hard one, found {2,1}"
        ),
        (
            "cgroup => [memory_max]",
            "1:50: invalid_cgroup: expected a map as #{memory_max => 268435456, pids_max => 64}, found [memory_max]"
        ),
        (
            "cgroup => #{memory => 1}",
            "1:52: unknown key memory in cgroup; the keys are cpu_max, cpu_weight, io_weight, memory_high, memory_max, pids_max"
        ),
        (
            "cgroup => #{memory_max => 0}",
            "1:66: invalid_cgroup: expected memory_max => bytes from 1, or max, found 0"
        ),
        (
            "cgroup => #{memory_high => \"1G\"}",
            "1:67: invalid_cgroup: expected memory_high => bytes from 1, or max, found \"1G\""
        ),
        (
            "cgroup => #{pids_max => infinity}",
            "1:64: invalid_cgroup: expected pids_max => a number of processes and threads from 1, or max, found infinity"
        ),
        (
            "cgroup => #{cpu_weight => 10001}",
            "1:66: invalid_cgroup: expected cpu_weight => a weight from 1 to 10000, found 10001"
        ),
        (
            "cgroup => #{cpu_max => {50000, 10}}",
            "1:63: invalid_cgroup: expected cpu_max => microseconds from 1000 in each 100000, {Microseconds, Period} with "
                + "a period from 1000 to 1000000, or max, found {50000,10}"
        ),
    ]

    @Test(arguments: childKeys)
    func refusesChildKeys(_ key: String, _ message: String) {
        #expect(refusal("{#{}, [#{id => a, start => {m, f, []}, \(key)}]}.") == "kv_sup.sup:" + message)
    }

    private static let children: [(String, String)] = [
        ("#{start => {m, f, []}}", "1:40: missing_id: a child spec needs the key id"),
        ("#{id => a}", "1:40: missing_start: a child spec needs the key start"),
        ("#{id => a, start => {m, f, x}}", "1:60: invalid_mfa: expected {Module, Function, Arguments}, found {m,f,x}"),
        (
            "#{id => a, start => {'../m', f, []}}",
            "1:61: invalid_mfa: expected a module's name that can be a file's name, found '../m'"
        ),
        ("a", "1:40: invalid_child_spec: expected a map or {Id, StartFunc, Restart, Shutdown, Type, Modules}, found a"),
        (
            "#{id => a, start => {m, f, []}, significant => true}",
            "1:87: bad_combination: significant => true needs restart => transient or temporary"
        ),
    ]

    @Test(arguments: children)
    func refusesChildren(_ child: String, _ message: String) {
        #expect(refusal("{#{auto_shutdown => any_significant}, [\(child)]}.") == "kv_sup.sup:" + message)
    }

    @Test func readsSpecsFromTerms() throws {
        let spec = try ChildSpec.parse(
            .map(["id": "a", "start": .tuple(["m", "f", .nil]), "restart": "transient", "significant": .true]))
        #expect(spec.significant && spec.modules == .list(["m"]))
        #expect(try ChildSpec.parse(spec.term) == spec)
        #expect {
            try ChildSpec.parse(.map(["id": "a", "start": .tuple(["m", "f", .nil]), "shutdown": "no"]))
        } throws: { error in
            (error as? ChildSpecError)?.reason == .tuple(["invalid_shutdown", "no"])
        }
    }
}
