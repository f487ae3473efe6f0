import Foundation
import Host
import Testing

@testable import TestSupport

/// What a run of a program came to.
struct ProgramRun {
    let exit: Int32
    let output: String
    let error: String

    /// The real `releasectl`, beside the test's own executable.
    static func releasectl(_ arguments: [String], in directory: ReleaseDirectory) throws -> ProgramRun {
        try run(Project.product("releasectl"), arguments, in: directory)
    }

    static func run(_ program: String, _ arguments: [String], in directory: ReleaseDirectory) throws -> ProgramRun {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.currentDirectoryURL = URL(filePath: directory.path)
        let (output, error) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = error
        try process.run()
        let written = output.fileHandleForReading.readDataToEndOfFile()
        let complained = error.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return ProgramRun(
            exit: process.terminationStatus, output: String(decoding: written, as: UTF8.self),
            error: String(decoding: complained, as: UTF8.self))
    }
}

extension ReleaseDirectory {
    /// A program that a test runs. Another process writes it: were it open for writing here, nobody could execute it while
    /// a process that another test forks holds it open (ETXTBSY).
    func program(_ name: String, _ text: String) throws {
        let path = file(name)
        try Directory.make(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
        let made = try ProgramRun.run(
            "/bin/sh", ["-c", "printf %s \"$2\" > \"$1\" && chmod 755 \"$1\"", "sh", path, text], in: self)
        try #require(made.exit == 0)
    }

    func link(_ name: String, to target: String) throws {
        let path = file(name)
        try Directory.make(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
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
