import Foundation
import Glibc
import ReleaseHandlerD
import Synchronization
import ReleaseHandling
import Testing
import Wire

@testable import TestSupport

/// The real `releasectl` against the real server.
@Suite(.timeLimit(.minutes(15))) struct ControlReleasectlTests {
    @Test func whichReleases() async throws {
        try await ControlFixture.run { fixture in
            let run = try await fixture.releasectl("which-releases")
            #expect(
                run
                    == Releasectl(
                        exit: 0,
                        output: """
                            RELEASE  VSN    STATUS     ERTS   APPLICATIONS
                            kv       1.0.0  permanent  0.1.0  kv-2.0.0
                            kv       2.0.0  unpacked   0.1.0  kv-2.0.0

                            """))
        }
    }

    @Test func jsonIsTheAnswerAsItCame() async throws {
        try await ControlFixture.run { fixture in
            for (command, path) in [
                ("which-releases", "/v1/releases"), ("tree", "/v1/tree"), ("ps", "/v1/workers"),
                ("status", "/v1/status"),
            ] {
                let run = try await fixture.releasectl(command, "--json")
                let answer = try await fixture.request("GET", path)
                #expect(run == Releasectl(exit: 0, output: answer.text + "\n"))
            }
        }
    }

    @Test func linesFitTheWidth() async throws {
        try await ControlFixture.run { fixture in
            for command in [["tree"], ["ps"], ["which-releases"], ["install-release", "2.0.0"]] {
                for width in [100, 79, 50] {
                    let run = try await fixture.releasectl(command, environment: ["COLUMNS": "\(width)"])
                    #expect(run.exit == 0)
                    #expect(run.output.split(separator: "\n").allSatisfy { $0.count <= width }, "\(run.output)")
                }
            }
            let ps = try await fixture.releasectl(["ps"], environment: ["COLUMNS": "79"])
            #expect(
                ps.output == """
                    WORKER           STATE      PID  GEN  VSN    RESTARTS   MEMORY    AGE  SOCKETS
                    kv/kv_sup/store  running     31    2  1.0.0         1  4.3 MiB  1m05s  redis=1…
                    kv/kv_sup/gone   undefined    -    -  -             3        -      -  -

                    """)
        }
    }

    @Test func ps() async throws {
        try await ControlFixture.run { fixture in
            let run = try await fixture.releasectl("ps")
            #expect(
                run.output == """
                    WORKER           STATE      PID  GEN  MODULE     VSN    RESTARTS   MEMORY    AGE  \
                    SOCKETS
                    kv/kv_sup/store  running     31    2  kv_server  1.0.0         1  4.3 MiB  1m05s  \
                    redis=127.0.0.1:6379
                    kv/kv_sup/gone   undefined    -    -  -          -             3        -      -  -

                    """)
        }
    }

    @Test func status() async throws {
        try await ControlFixture.run { fixture in
            let run = try await fixture.releasectl("status")
            #expect(
                run.output == """
                    state:      running
                    node:       kv@host
                    release:    kv 1.0.0
                    permanent:  1.0.0
                    erts:       0.1.0
                    pid:        4711
                    uptime:     3m07s
                    root:       /var/lib/release-handler

                    """)
        }
    }

    @Test func installsAndShowsWhatEachInstructionDid() async throws {
        try await ControlFixture.run { fixture in
            let run = try await fixture.releasectl("install-release", "2.0.0")
            #expect(
                run
                    == Releasectl(
                        exit: 0,
                        output: """
                            #  INSTRUCTION                                  WORKERS              MS
                            1  {load_object_code,{kv,"2.0.0",[kv_server]}}  -                50.500
                            2  {suspend,[kv_server]}                        kv/kv_sup/store   0.500
                              1: 1 standby
                            warning: nobody uses kv_lib
                            suspend to resume: 1.234 ms
                            total: 56.780 ms
                            1.0.0 -> 2.0.0: done

                            """))
            let json = try await fixture.releasectl("install-release", "2.0.0", "--json")
            let answer = try await fixture.request("POST", "/v1/releases/2.0.0/install")
            #expect(json == Releasectl(exit: 0, output: answer.text))
        }
    }

    private static let place = "at instruction 2, {suspend,[kv_server]} for kv/kv_sup/store"
    private static let plan =
        "Nothing was changed. Once that is mended, `releasectl check-install-release refused` shows the plan."
    private static let releases =
        "Nothing was changed. `releasectl which-releases` lists the releases, `releasectl unpack-release PACKAGE` adds one."
    static let failures: [(command: [String], exit: Int32, message: String, advice: String)] = [
        (
            ["install-release", "refused"], 2,
            "install-release refused: relup has no entry for 1.0.0 (upgrade_refused)", plan
        ),
        (
            ["install-release", "late-refusal"], 2,
            "install-release late-refusal: refused \(place): code_change threw badarg",
            "Nothing was changed: 1.0.0 runs on."
        ),
        (
            ["install-release", "aborted"], 3,
            "install-release aborted: failed \(place): code_change threw badarg",
            "It was rolled back: 1.0.0 runs on as before."
        ),
        (
            ["install-release", "falls"], 1,
            "install-release falls: failed: kv/kv_sup/other did not resume",
            "It is not rolled back: the permanent release boots next."
        ),
        (
            ["install-release", "silent"], 1,
            "install-release silent: the install of silent ended without a result: see the daemon's log "
                + "(internal_error)", ""
        ),
        (
            ["install-release", "busy"], 2, "install-release busy: 2.0.0 is being installed (busy)",
            "Nothing was changed. Wait for the change that is under way: `releasectl events --follow` shows it."
        ),
        (
            ["make-permanent", "9.9.9"], 2,
            "make-permanent 9.9.9: there is no release 9.9.9 (no_such_release)", releases
        ),
        (
            ["check-install-release", "../etc"], 2,
            "check-install-release ../etc: \"../etc\" can't be a release's vsn: it is no file name "
                + "(bad_request)",
            "Nothing was changed."
        ),
        (
            ["remove-release", "1.0.0"], 2, "remove-release 1.0.0: 1.0.0 is permanent: it runs (bad_status)",
            "Nothing was changed."
        ),
        (
            ["unpack-release", "/etc/passwd"], 2,
            "unpack-release /etc/passwd: /etc/passwd: is no gzip-compressed tar (package_invalid)",
            "Nothing was changed."
        ),
        (
            ["call", "w", "x"], 2, "call w: there is no worker w (no_such_worker)",
            "`releasectl ps` lists the workers."
        ),
        (
            ["call", "kv/kv_sup/slow", "x", "--timeout-ms", "9"], 1,
            "call kv/kv_sup/slow: no reply within 9 ms (timeout)",
            "Give it longer with --timeout-ms, or see with `releasectl ps` what the worker is at."
        ),
        (
            ["get-status", "kv/kv_sup/slow"], 1,
            "get-status kv/kv_sup/slow: no reply within 5000 ms (timeout)",
            "See with `releasectl ps` what the worker is at, and try again."
        ),
    ]

    /// The exit codes that scripts go by, and what a person reads.
    @Test func failuresAreToldApart() async throws {
        try await ControlFixture.run { fixture in
            for item in Self.failures {
                let run = try await fixture.releasectl(item.command)
                #expect(run.exit == item.exit, "\(item.command)")
                let advice = item.advice.isEmpty ? "" : "  \(item.advice)\n"
                #expect(run.error == "releasectl: \(item.message)\n\(advice)")
            }
        }
    }

    @Test func withJSONTheErrorIsOnStandardOutputToo() async throws {
        try await ControlFixture.run { fixture in
            let run = try await fixture.releasectl("make-permanent", "9.9.9", "--json")
            #expect(run.exit == 2)
            #expect(
                run.output
                    == #"{"error":{"code":"no_such_release","details":{"vsn":"9.9.9"},"#
                    + #""message":"there is no release 9.9.9"}}"# + "\n")
        }
    }

    @Test func smallChanges() async throws {
        try await ControlFixture.run { fixture in
            #expect(try await fixture.releasectl("make-permanent", "2.0.0").output == "kv 2.0.0 is permanent\n")
            #expect(try await fixture.releasectl("remove-release", "0.9.0").output == "0.9.0 is removed\n")
            let unpack = try await fixture.releasectl("unpack-release", "kv-2.0.0.tar.gz")
            #expect(unpack.output == "kv 2.0.0 is unpacked\n", "a relative path is made absolute")
            let check = try await fixture.releasectl("check-install-release", "2.0.0")
            #expect(
                check.output == """
                    1.0.0 -> 2.0.0 (up): more commands
                    #  INSTRUCTION            WORKERS
                    1  point_of_no_return     -
                    2  {suspend,[kv_server]}  kv/kv_sup/store kv/kv_sup/other
                    3  {suspend,[kv_lib]}     -
                      3: one; two
                    warning: nobody uses kv_lib

                    """)
        }
    }

    @Test func call() async throws {
        try await ControlFixture.run { fixture in
            let run = try await fixture.releasectl(
                "call", "kv/kv_sup/store", "{get,<<\"key\">>}", "--timeout-ms", "100")
            #expect(run == Releasectl(exit: 0, output: "{ok,<<\"value\">>}\n"))
            #expect(
                fixture.node.calls.withLock { $0 } == [
                    CallRequest(worker: "kv/kv_sup/store", request: "{get,<<\"key\">>}", timeoutMilliseconds: 100)
                ])
            let bad = try await fixture.releasectl("call", "kv/kv_sup/store", "{get,")
            #expect(bad.exit == 64)
            #expect(bad.error.hasPrefix("releasectl: call: the request is no term: 1:6: "), "\(bad.error)")
            #expect(fixture.node.calls.withLock { $0.count } == 1, "the daemon was not asked")
        }
    }

    @Test func events() async throws {
        try await ControlFixture.run { fixture in
            async let run = fixture.releasectl("events", "--count", "2")
            for await subscriber in fixture.node.subscribed.stream {
                subscriber.yield(
                    NodeEvent(
                        sequence: 1, millisecondsSince1970: 0, kind: "instruction", worker: "w\u{7}", release: "2.0.0",
                        instruction: "{suspend,[m]}", message: "suspended", fields: ["b": "2", "a": "1"]))
                subscriber.yield(NodeEvent(sequence: 2, millisecondsSince1970: 1, kind: "k", message: "m"))
                break
            }
            let ended = try await run
            #expect(
                ended
                    == Releasectl(
                        exit: 0,
                        output: """
                            1970-01-01T00:00:00.000Z instruction w\\x{7} suspended release=2.0.0 \
                            instruction={suspend,[m]} a=1 b=2
                            1970-01-01T00:00:00.001Z k m

                            """))
            for await _ in fixture.node.unsubscribed.stream { break }
        }
    }

    @Test func noDaemon() async throws {
        let run = try await Releasectl.run(["status", "--socket", "/tmp/no-such-directory/control.sock"])
        #expect(
            run
                == Releasectl(
                    exit: 69, output: "",
                    error: """
                        releasectl: /tmp/no-such-directory/control.sock: no release-handlerd answers: \
                        No such file or directory
                          Start the daemon, or name its socket with --socket or RELEASE_HANDLER_SOCKET.

                        """))
    }

    @Test(arguments: [
        ["no-such-command"], ["install-release"], ["call", "w"], ["events"], ["events", "--count", "0"],
        ["term", "--from", "xml"], ["ps", "--frobnicate"], ["call", "w", "x", "--timeout-ms", "0"],
        ["term", "--from", "etf", "x"],
    ])
    func usage(arguments: [String]) async throws {
        let run = try await Releasectl.run(arguments)
        #expect(run.exit == 64)
        #expect(!run.error.isEmpty)
        #expect(run.output == "")
    }

    @Test func optionsMayStandBeforeTheCommand() async throws {
        try await ControlFixture.run { fixture in
            let run = try await Releasectl.run(["--socket=\(fixture.socketPath)", "--json", "status"])
            #expect(run.output.hasPrefix("{\"erts\""))
        }
    }

    @Test func theHelpNamesTheExitCodes() async throws {
        let run = try await Releasectl.run(["--help"])
        #expect(run.exit == 0)
        for line in [
            "2   refused; nothing was changed", "4   the state or the connections of a worker were lost",
            "69  the daemon can't be reached",
        ] {
            #expect(run.output.contains(line))
        }
    }

    /// The one user who certainly has no rights, where the tests run as one who may become it.
    @Test(.enabled(if: geteuid() == 0 && access("/usr/bin/setpriv", X_OK) == 0))
    func aStrangerMayLookButNotTouch() async throws {
        try await ControlFixture.run { fixture in
            let run = try await fixture.releasectlAsStranger("status")
            #expect(run.exit == 0)
            let refused = try await fixture.releasectlAsStranger("remove-release", "0.9.0")
            #expect(refused.exit == 2)
            #expect(
                refused.error == """
                    releasectl: remove-release 0.9.0: user 65534 may not change things here: remove-release is for \
                    root and members of the group no-such-group-here (forbidden)
                      Nothing was changed. Run it as root or as a member of the group no-such-group-here.

                    """)
            #expect(fixture.node.removed.withLock { $0.isEmpty })
            let outcomes = fixture.audit.withLock { $0.map { "\($0.operation) \($0.target) \($0.peer.uid)" } }
            #expect(outcomes == ["remove-release 0.9.0 65534"])
        }
        try await ControlFixture.run(readers: .group) { fixture in
            let run = try await fixture.releasectlAsStranger("status")
            #expect(run.exit == 2)
        }
    }

    @Test func onATerminalThereIsColourAndProgress() async throws {
        try await ControlFixture.run { fixture in
            let run = try await fixture.releasectlOnTerminal(["install-release", "2.0.0"], environment: [:])
            #expect(run.contains("\r\u{1B}[K[\(String(repeating: ".", count: 30))]    0%  1/2 {load_object_code,"))
            #expect(
                run.contains("[\(String(repeating: "#", count: 15))\(String(repeating: ".", count: 15))]   50%  2/2 "))
            #expect(run.contains("\u{1B}[32m1.0.0 -> 2.0.0: done\u{1B}[0m"))
            let plain = try await fixture.releasectlOnTerminal(
                ["install-release", "2.0.0"], environment: ["NO_COLOR": "1"])
            #expect(!plain.contains("\u{1B}[32m"))
            #expect(plain.contains("1.0.0 -> 2.0.0: done"))
        }
    }
}
