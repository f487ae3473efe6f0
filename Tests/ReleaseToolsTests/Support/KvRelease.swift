import Foundation
import Host
import Instructions
import Testing

@testable import TestSupport

extension ReleaseDirectory {
    /// A program that a test runs. Another process writes it: were it open for writing here, nobody could execute it while
    /// a process that another test forks holds it open (ETXTBSY).
    func program(_ name: String, _ text: String) throws {
        let path = file(name)
        try Directory.make(Paths.parent(of: path))
        let made = try Releasectl.runNow(
            ["-c", "printf %s \"$2\" > \"$1\" && chmod 755 \"$1\"", "sh", path, text], executable: "/bin/sh")
        try #require(made.exit == 0)
    }

    func link(_ name: String, to target: String) throws {
        let path = file(name)
        try Directory.make(Paths.parent(of: path))
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
    }

    /// A whole release: `kv`, with a supervisor `kv_sup` of one worker `server`, and a library `store`.
    ///
    /// The worker of 2.0.0 is Python's, which runs; those of others are text, which only differs.
    func whole(_ vsn: String) throws {
        let ebin = "lib/kv-\(vsn)/ebin"
        try write("rel/kv-\(vsn).rel", "{release, {\"kv\", \"\(vsn)\"}, {erts, \"0.1.0\"}, [{kv, \"\(vsn)\"}]}.\n")
        try app(vsn)
        try write(
            "\(ebin)/kv_sup.sup", "{ok, {#{}, [#{id => server, start => {server, start_link, []}}]}}.\n")
        if vsn == "2.0.0" {
            try link("\(ebin)/server", to: Project.pythonWorker)
        } else {
            try write("\(ebin)/server", Array("#!/bin/sh\n# \(vsn)\n".utf8), permissions: 0o755)
        }
        try write("\(ebin)/store.so", ObjectFile.library())
    }

    func app(_ vsn: String, modules: String = "kv_sup, server, store", more: String = "") throws {
        try write(
            "lib/kv-\(vsn)/ebin/kv.app",
            """
            {application, kv, [{vsn, "\(vsn)"}, {description, "Keys"}, {modules, [\(modules)]}, {registered, []},
                               {applications, []}, {mod, {kv_sup, []}}\(more)]}.
            """)
    }

    static let relup = """
        {"2.0.0",
         [{"1.0.0", [],
           [{load_object_code, {kv, "2.0.0", [server]}},
            point_of_no_return,
            {suspend, [server]},
            {load, {server, brutal_purge, brutal_purge}},
            {code_change, up, [{server, []}]},
            {resume, [server]}]}],
         []}.
        """
}
