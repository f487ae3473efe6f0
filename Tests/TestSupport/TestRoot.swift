import Foundation
import Testing

@testable import ReleaseHandlerD
import Synchronization

/// A release root in a directory of its own, laid out for one test.
///
/// The application is `fix`: its top supervisor `fix_sup` and its worker module `counter`, which is the fixture worker
/// (it takes its vsn from the directory that it lies in, so one program is all versions).
struct TestRoot: Sendable {
    let directory: String
    var root: String { "\(directory)/root" }

    init() throws {
        directory = TemporaryDirectory.make()
        try FileManager.default.createDirectory(atPath: root + "/releases", withIntermediateDirectories: true)
    }

    func remove() { try? FileManager.default.removeItem(atPath: directory) }

    func write(_ file: String, _ text: String) throws {
        let path = "\(root)/\(file)"
        let parent = URL(filePath: path).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    /// Links a program of the build into `lib/fix-VSN/ebin`.
    func install(_ product: String = "fixture-worker", as module: String = "counter", vsn: String) throws {
        let ebin = "\(root)/lib/fix-\(vsn)/ebin"
        try FileManager.default.createDirectory(atPath: ebin, withIntermediateDirectories: true)
        try ProgramFile.put(Project.product(product), at: "\(ebin)/\(module)")
    }

    /// The Python worker, of this version.
    func installPython(as module: String = "counter", vsn: String) throws {
        try write("lib/fix-\(vsn)/ebin/\(module)", try Project.pythonWorker(vsn: vsn))
        chmod("\(root)/lib/fix-\(vsn)/ebin/\(module)", 0o755)
    }

    static let usualFlags = "#{intensity => 3, period => 60}"
    static let oneCounter = "[#{id => c1, start => {counter, start_link, []}}]"

    /// The files of one release with the application `fix` of the same version.
    func release(
        _ vsn: String, children: String = oneCounter, flags: String = usualFlags,
        config: String = "[].", relup: String? = nil, type: String = "permanent", modules: [String] = ["counter"]
    ) throws {
        try write(
            "lib/fix-\(vsn)/ebin/fix.app",
            """
            {application, fix, [{vsn, "\(vsn)"}, {description, ""}, {modules, [\((["fix_sup"] + modules).joined(separator: ", "))]}, {registered, []},
                                {applications, []}, {env, [{greeting, hello}]}, {mod, {fix_sup, []}}]}.
            """)
        try write("lib/fix-\(vsn)/ebin/fix_sup.sup", "{ok, {\(flags), \(children)}}.")
        try write(
            "releases/\(vsn)/fix.rel",
            "{release, {\"fix\", \"\(vsn)\"}, {erts, \"\(Emulator.vsn)\"}, [{fix, \"\(vsn)\", \(type)}]}.")
        try write("releases/\(vsn)/sys.config", config)
        if let relup { try write("releases/\(vsn)/relup", relup) }
    }

    /// RELEASES and start_erl.data: the first is permanent, the others are unpacked.
    func register(_ vsns: [String]) throws {
        let records = vsns.enumerated().map { index, vsn in
            """
            {release, "fix", "\(vsn)", "\(Emulator.vsn)", [{fix, "\(vsn)", "lib/fix-\(vsn)"}],
             \(index == 0 ? "permanent" : "unpacked")}
            """
        }
        try write("releases/RELEASES", "[\(records.joined(separator: ",\n"))].")
        try write("releases/start_erl.data", "\(Emulator.vsn) \(vsns[0])\n")
    }

    /// Two versions with the usual scripts between them: convert up after load, down before it.
    static func twoVersions(
        children: String = oneCounter, flags: String = usualFlags, extra: String = "[]", relup: String? = nil,
        config2: String = "[]."
    ) throws -> TestRoot {
        let root = try TestRoot()
        for vsn in ["1.0.0", "2.0.0"] { try root.install(vsn: vsn) }
        try root.release("1.0.0", children: children, flags: flags)
        try root.release(
            "2.0.0", children: children, flags: flags, config: config2,
            relup: relup ?? Self.relup(up: up(extra), down: down(extra)))
        try root.register(["1.0.0", "2.0.0"])
        return root
    }

    static func relup(up: String, down: String = "") -> String {
        "{\"2.0.0\", [{\"1.0.0\", \"up\", [\(up)]}], [{\"1.0.0\", \"down\", [\(down)]}]}."
    }

    static func up(_ extra: String = "[]") -> String {
        """
        {load_object_code, {fix, "2.0.0", [counter]}}, point_of_no_return, {suspend, [counter]},
        {load, {counter, brutal_purge, brutal_purge}}, {code_change, up, [{counter, \(extra)}]}, {resume, [counter]}
        """
    }

    static func down(_ extra: String = "[]") -> String {
        """
        {load_object_code, {fix, "1.0.0", [counter]}}, point_of_no_return, {suspend, [counter]},
        {code_change, down, [{counter, \(extra)}]}, {load, {counter, brutal_purge, brutal_purge}}, {resume, [counter]}
        """
    }
}

extension TestRoot {
    /// Makes a version's worker a file of its own, with other bytes than the others have.
    ///
    /// A program of its own writes it: were it open for writing here, a process that another test forks meanwhile would
    /// hold it open too, and nobody could execute it (ETXTBSY).
    func makeDistinct(_ vsn: String, module: String = "counter") throws {
        let file = "\(root)/lib/fix-\(vsn)/ebin/\(module)"
        try Spawned.run(
            "/bin/sh",
            ["-ec", "cp \"$1\" \"$1.new\"; printf %s \"$2\" >> \"$1.new\"; mv \"$1.new\" \"$1\"", "sh", file, vsn])
    }
}
