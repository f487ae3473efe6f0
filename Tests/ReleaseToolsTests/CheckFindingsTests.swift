import Foundation
import Host
import Instructions
import Testing

@testable import ReleaseTools
@testable import TestSupport

/// The exact words of each finding in a release, one mistake at a time.
@Suite(.timeLimit(.minutes(15))) struct CheckFindingsTests {
    typealias Case = (spoil: @Sendable (ReleaseDirectory) throws -> Void, words: [String])

    static let rel = "releases/2.0.0/kv.rel"

    private static func second(_ directory: ReleaseDirectory, _ more: String, modules: String = "") throws {
        try directory.write(
            "lib/db-1.0.0/ebin/db.app",
            "{application, db, [{vsn, \"1.0.0\"}, {modules, [\(modules)]}, {registered, [keys]}\(more)]}.")
        try directory.write(
            rel, "{release, {\"kv\", \"2.0.0\"}, {erts, \"0.1.0\"}, [{kv, \"2.0.0\"}, {db, \"1.0.0\"}]}.")
        try directory.write(
            "releases/RELEASES",
            """
            [{release, "kv", "2.0.0", "0.1.0", [{kv, "2.0.0", "lib/kv-2.0.0"}, {db, "1.0.0", "lib/db-1.0.0"}],
              permanent}].
            """)
    }

    private static func supervisor(_ directory: ReleaseDirectory, _ children: String) throws {
        try directory.write("lib/kv-2.0.0/ebin/kv_sup.sup", "{ok, {#{}, [\(children)]}}.")
    }

    private static func socket(_ address: String) -> String { "sockets => [#{name => web, listen => \(address)}]" }

    private static func noAddress(_ text: String) -> String {
        """
        error bad_address: child a: its socket web can't listen at "\(text)": not an address; write 127.0.0.1:6379, \
        [::1]:6379, 6379 for all addresses, /run/x.sock or @name
          lib/kv-2.0.0/ebin/kv_sup.sup: It would fail to start: correct the address there, or in the environment that it is \
        taken from.
        """
    }

    private static func script(_ directory: ReleaseDirectory, _ script: String) throws {
        try directory.write("releases/2.0.0/relup", "{\"2.0.0\", [{\"1.0.0\", [],\n [\(script)]}], []}.")
    }

    static let releases: [Case] = [
        (
            { try $0.write(rel, "{release, {\"kv\", \"2.0.1\"}, {erts, \"0.1.0\"}, []}.") },
            ["error bad_release: expected release \"2.0.0\", found \"2.0.1\"\n  at releases/2.0.0/kv.rel"]
        ),
        (
            { try $0.write(rel, "{release, {\"kv\", \"2.0.0\"}, {erts, \"0.1.0\"}, [{kv, \"2.0.0\"}, {db, \"1\"}]}.") },
            [
                """
                error not_in_releases: application db-1 is not among the libraries that releases/RELEASES has for \
                release 2.0.0
                  releases/2.0.0/kv.rel: Correct the .rel, or remove the release and unpack it again.
                """
            ]
        ),
        (
            { try Directory.removeTree($0.file("lib/kv-2.0.0")) },
            [
                """
                error bad_application: No such file or directory
                  lib/kv-2.0.0/ebin/kv.app: The release names kv-2.0.0: put the application there.
                """
            ]
        ),
        (
            { try $0.write("releases/2.0.0/sys.config", "[{release_handler, [{health_check, {\"no\", [], 1}}]}].") },
            [
                """
                warning no_health_check: the health command no is not there
                  releases/2.0.0/sys.config: Without it the release fails its probation: bring it in an application's \
                priv, or correct its path, which is absolute or relative to the release root.
                """
            ]
        ),
        (
            { try $0.write("releases/2.0.0/sys.config", "[{release_handler, [{control_readers, foo}]}].") },
            [
                """
                error bad_config: release_handler, control_readers: expected everyone or group, found foo
                  at releases/2.0.0/sys.config
                """
            ]
        ),
        (
            { try $0.write("releases/2.0.0/sys.config", "[{release_handler, [{log_level, bar}]}].") },
            [
                """
                error bad_config: release_handler, log_level: expected debug, info, notice, warning or error, found bar
                  at releases/2.0.0/sys.config
                """
            ]
        ),
        (
            { try $0.write("releases/2.0.0/sys.config", "[{release_handler, [{control_connections, 0}]}].") },
            [
                """
                error bad_config: release_handler, control_connections: expected a number from 8 to 100000, found 0
                  at releases/2.0.0/sys.config
                """
            ]
        ),
        (
            { try $0.write("releases/2.0.0/sys.config", "[{release_handler, [{boot_fallback, 0}]}].") },
            [
                """
                error bad_config: release_handler, boot_fallback: expected a number from 1 to 100, or false, found 0
                  at releases/2.0.0/sys.config
                """
            ]
        ),
        (
            { try $0.write("releases/2.0.0/sys.config", "[\"more\"].") },
            [
                """
                error bad_config: it includes "more", and there is no file releases/2.0.0/more.config
                  at releases/2.0.0/sys.config
                """
            ]
        ),
        (
            { try $0.write("releases/2.0.0/sys.config", "[{kernel, []}, {kv, []}, {vk, [{a, 1}]}].") },
            [
                """
                warning no_such_application: sys.config configures vk, which is not in the release
                  releases/2.0.0/sys.config: Nobody reads it: correct the name, or take it out.
                """
            ]
        ),
    ]

    static let applications: [Case] = [
        (
            { try second($0, ", {applications, [kv, nowhere]}") },
            [
                """
                error undefined_applications: application db needs nowhere, which is not in the release: add it to the .rel
                  at releases/2.0.0/kv.rel
                """
            ]
        ),
        (
            { directory in
                try second(directory, ", {applications, [kv]}")
                try directory.write(
                    "lib/kv-2.0.0/ebin/kv.app",
                    """
                    {application, kv, [{vsn, "2.0.0"}, {modules, [kv_sup, server, store]}, {applications, [db]},
                                       {mod, {kv_sup, []}}]}.
                    """)
            },
            [
                """
                error circular_dependencies: applications need each other in a circle: kv -> db -> kv
                  at releases/2.0.0/kv.rel
                """
            ]
        ),
        (
            { directory in
                try second(directory, "", modules: "store")
                try directory.write("lib/db-1.0.0/ebin/store.so", ObjectFile.library())
            },
            [
                """
                error duplicate_modules: module store is both kv's and db's
                  lib/db-1.0.0/ebin/db.app: A module belongs to one application: rename one of them.
                """
            ]
        ),
        (
            { directory in
                try second(directory, "")
                try directory.app("2.0.0", more: ", {id, \"\"}")
                let text = try directory.text("lib/kv-2.0.0/ebin/kv.app").replacing(
                    "{registered, []}", with: "{registered, [keys]}")
                try directory.write("lib/kv-2.0.0/ebin/kv.app", text)
            },
            [
                """
                warning duplicate_register: keys is registered by both kv and db
                  lib/db-1.0.0/ebin/db.app: make-relup and make-tar refuse such a release: rename one of them.
                """
            ]
        ),
    ]

    static let modules: [Case] = [
        (
            { try $0.write("lib/kv-2.0.0/ebin/server.sup", "") },
            [
                """
                warning hidden_module: lib/kv-2.0.0/ebin/server.sup is never used: server, beside it, is the module
                  lib/kv-2.0.0/ebin/server.sup: Remove one of them.
                """
            ]
        ),
        (
            { try supervisor($0, "#{id => a, start => {server, f, []}, capabilities => [chown]}") },
            [
                """
                error bad_supervisor: invalid_capabilities: expected the name of one of capabilities(7), as cap_chown, found \
                chown
                  at lib/kv-2.0.0/ebin/kv_sup.sup:1:67
                """
            ]
        ),
        (
            { try supervisor($0, "#{id => a}") },
            [
                """
                error bad_supervisor: missing_start: a child spec needs the key start
                  at lib/kv-2.0.0/ebin/kv_sup.sup:1:13
                """
            ]
        ),
        (
            { try supervisor($0, "#{id => a, start => {server, s, []}, modules => [server, stor]}") },
            [
                """
                warning no_such_module: child a names stor among its modules, which no application has
                  lib/kv-2.0.0/ebin/kv_sup.sup: No upgrade finds the worker by it: correct the name.
                """
            ]
        ),
        (
            { try supervisor($0, "#{id => a, start => {server, s, []}, \(socket("\"nonsense\""))}") },
            [noAddress("nonsense")]
        ),
        (
            { directory in
                try supervisor(directory, "#{id => a, start => {server, s, []}, \(socket("{'$env', listen, 80}"))}")
                try directory.write("releases/2.0.0/sys.config", "[{kv, [{listen, \"127.0.0.1:99999\"}]}].")
            },
            [noAddress("127.0.0.1:99999")]
        ),
        (
            { try supervisor($0, "#{id => a, start => {os, run, []}}") },
            [
                """
                error bad_program: child a: a start of an os program takes [Program | Arguments]
                  lib/kv-2.0.0/ebin/kv_sup.sup: Name the program as a string.
                """
            ]
        ),
        (
            { try supervisor($0, "#{id => a, start => {os, run, [\"/no/where\"]}}") },
            [
                """
                warning no_program: child a runs /no/where, which is not there
                  lib/kv-2.0.0/ebin/kv_sup.sup: It must be on the machine that runs the release.
                """
            ]
        ),
        (
            { try supervisor($0, "#{id => a, start => {server, s, []}, type => supervisor}") },
            [
                """
                error wrong_module_kind: child a is a supervisor, but its module server is a script
                  lib/kv-2.0.0/ebin/kv_sup.sup: A supervisor's module is a .sup file.
                """
            ]
        ),
        (
            { try $0.app("2.0.0", modules: "server, store") },
            [
                """
                warning unlisted_module: lib/kv-2.0.0/ebin/kv_sup.sup is no module of kv
                  lib/kv-2.0.0/ebin/kv.app: No upgrade replaces it: add kv_sup to its modules, or put it into priv.
                """,
                """
                error no_such_module: mod of kv is started by kv_sup, which no application of the release lists
                  lib/kv-2.0.0/ebin/kv.app: It would fail to start: add the module to the modules of its .app.
                """,
            ]
        ),
    ]

    static let phases: [Case] = [
        (
            {
                try $0.app("2.0.0", more: ", {start_phases, [{warm, []}]}")
                try supervisor($0, "#{id => a, start => {server, start_link, []}, start_phases => [warm, warmm]}")
            },
            [
                """
                warning no_such_start_phase: child a asks for the start phase warmm, which kv.app has not
                  lib/kv-2.0.0/ebin/kv_sup.sup: It would not be called: correct the name, or add it to start_phases.
                """
            ]
        )
    ]

    static let scripts: [Case] = [
        (
            { try script($0, "point_of_no_return, restart_new_emulator") },
            [
                """
                error bad_script: instruction 2: expected restart_new_emulator only as the first instruction, found it as instruction 2
                  releases/2.0.0/relup:2:23: The install would be refused: correct the .appup, and make the relup anew.
                """
            ]
        ),
        (
            { try script($0, "point_of_no_return, {sync_nodes, a, [b]}") },
            [
                """
                error bad_script: b is no node's name, which is name@host: letters, digits, _ and - (behind the @ also . and :), 200 at most
                  releases/2.0.0/relup:2:23: The install would be refused: correct the .appup, and make the relup anew.
                """
            ]
        ),
        (
            { try script($0, "{load_object_code, {kv, \"2.0.0\", [none]}}, point_of_no_return") },
            [
                """
                error no_object_code: the script reads none of kv-2.0.0: lib/kv-2.0.0/ebin/none: no such file
                  releases/2.0.0/relup:2:3: Bring the module, or make the relup anew.
                """
            ]
        ),
        (
            { try script($0, "point_of_no_return, {apply, {timer, sleep, [soon]}}") },
            [
                """
                error bad_apply: expected 0 to 60000 milliseconds, found soon; correct the call in the .appup
                  releases/2.0.0/relup:2:23: The install would be refused: correct the .appup, and make the relup anew.
                """
            ]
        ),
        (
            { try script($0, "point_of_no_return, {apply, {migrate, run, []}}") },
            [
                """
                error bad_apply: migrate:run/0 is no built-in function, and release 2.0.0 has no program or library ebin/migrate; correct the call in the .appup, or bring the program
                  releases/2.0.0/relup:2:23: The install would be refused: correct the .appup, and make the relup anew.
                """
            ]
        ),
        (
            { try script($0, "point_of_no_return, {apply, {store, run, []}}") },
            [
                """
                error bad_apply: store:run/0 can't be called: store.so has no functions; correct the call in the .appup, or bring the program
                  releases/2.0.0/relup:2:23: The install would be refused: correct the .appup, and make the relup anew.
                """
            ]
        ),
        (
            { try script($0, "point_of_no_return, {apply, {application, start, [gone]}}") },
            [
                """
                error bad_apply: application gone is not in release 2.0.0, so it can't be started; add it to the .rel, or take the instruction out of the .appup
                  releases/2.0.0/relup:2:23: The install would be refused: correct the .appup, and make the relup anew.
                """
            ]
        ),
        (
            { try $0.write("releases/2.0.0/relup", "{\"1.0.0\", [], []}.") },
            [
                """
                error wrong_relup: the relup is for 1.0.0, the release is 2.0.0
                  releases/2.0.0/relup: Pack the release anew: with a relup of its own by make-relup, or without one.
                """
            ]
        ),
    ]

    static let all = releases + applications + modules + phases + scripts

    @Test(arguments: all.indices) func eachIsToldInTheseWords(index: Int) throws {
        let directory = ReleaseDirectory()
        try directory.whole("2.0.0")
        try directory.write(Self.rel, try directory.text("rel/kv-2.0.0.rel"))
        try directory.write("erts-0.1.0/bin/release-handlerd", "")
        try directory.write("releases/start_erl.data", "0.1.0 2.0.0\n")
        try directory.write(
            "releases/RELEASES",
            "[{release, \"kv\", \"2.0.0\", \"0.1.0\", [{kv, \"2.0.0\", \"lib/kv-2.0.0\"}], permanent}].")
        #expect(CheckTool(directory.path).run().diagnostics == [])
        try Self.all[index].spoil(directory)
        let told = CheckTool(directory.path).run().diagnostics.map {
            "\($0.severity) \($0.code): \($0.lines.joined(separator: "\n"))".replacing("\(directory.path)/", with: "")
        }
        #expect(told == Self.all[index].words)
    }
}
