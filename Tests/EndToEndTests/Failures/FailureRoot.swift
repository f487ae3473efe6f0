import Foundation
import Glibc

@testable import ReleaseHandlerD
@testable import TestSupport

/// A root with two releases and two workers that both change: one that fails as a row says, and one that must not notice.
enum FailureRoot {
    static let failing = "fix/fix_sup/f1"
    static let other = "fix/fix_sup/c1"
    /// In the environment of the workers, and so of what they leave behind.
    static let mark = "FAILURE_ROOT"
    static let suspendMilliseconds = 1_000

    static func make(_ row: FailureRow, _ worker: FailingWorker) throws -> TestRoot {
        let root = try TestRoot()
        for vsn in ["1.0.0", "2.0.0"] {
            try root.install(vsn: vsn)
            if worker == .swift { try root.install(as: "faulty", vsn: vsn) } else { try writePython(vsn, root) }
            let script = vsn == "2.0.0" ? TestRoot.relup(up: up(row), down: down(row)) : nil
            try root.release(vsn, children: children(row, root), config: config(row, vsn), relup: script)
        }
        // Other code, as a release has it.
        try root.makeDistinct("2.0.0")
        if worker == .swift { try root.makeDistinct("2.0.0", module: "faulty") }
        try root.register([row.from, row.to])
        return root
    }

    private static func writePython(_ vsn: String, _ root: TestRoot) throws {
        let program = "\(root.directory)/faulty-\(vsn)"
        let text = """
            #!/usr/bin/python3 -SEB
            import sys
            sys.path.insert(0, "\(Project.fixtures.appending(path: "python").path)")
            import faulty_worker
            faulty_worker.main("\(vsn)")

            """
        try text.write(toFile: program, atomically: true, encoding: .utf8)
        chmod(program, 0o755)
        try ProgramFile.putTree(program, at: "\(root.root)/lib/fix-\(vsn)/ebin/faulty")
    }

    private static func children(_ row: FailureRow, _ root: TestRoot) -> String {
        let socket = "sockets => [#{name => lines, listen => \"127.0.0.1:0\"}]"
        let env = "env => [{\"\(mark)\", \"\(root.directory)\"}]"
        let arguments = ["<<\"\(root.directory)\">>"] + row.faults
        let common = "\(socket), \(env), shutdown => 1000, start_timeout => 3000"
        return """
            [#{id => f1, start => {faulty, start_link, [\(arguments.joined(separator: ", "))]}, \(common)},
             #{id => c1, start => {counter, start_link, []}, \(common)}]
            """
    }

    private static func config(_ row: FailureRow, _ vsn: String) -> String {
        let hung = row.phase == .upAborting ? "abort" : "terminate"
        let limit = suspendMilliseconds
        // Without a difference nobody is told of one.
        let greeting = row.callback == "config_change" && vsn == row.to ? "other" : "hello"
        return """
            [{release_handler, [{suspend_timeout, \(limit)}, {code_change_timeout, \(limit)}, {suspend_grace, \(limit)},
                                {hung_workers, \(hung)}]},
             {fix, [{greeting, \(greeting)}]}].
            """
    }

    private static func groups(_ row: FailureRow, _ group: (String) -> String) -> String {
        (row.isFirst ? ["faulty", "counter"] : ["counter", "faulty"]).map(group).joined(separator: ",\n ")
    }

    private static func up(_ row: FailureRow) -> String {
        """
        {load_object_code, {fix, "2.0.0", [faulty, counter]}}, point_of_no_return,
        \(groups(row) { module in
            """
            {suspend, [\(module)]}, {load, {\(module), brutal_purge, brutal_purge}},
             {code_change, up, [{\(module), []}]}, {resume, [\(module)]}
            """
        })
        """
    }

    private static func down(_ row: FailureRow) -> String {
        """
        {load_object_code, {fix, "1.0.0", [faulty, counter]}}, point_of_no_return,
        \(groups(row) { module in
            """
            {suspend, [\(module)]}, {code_change, down, [{\(module), []}]},
             {load, {\(module), brutal_purge, brutal_purge}}, {resume, [\(module)]}
            """
        })
        """
    }
}
