import Foundation
import Terms

@testable import ReleaseHandlerD
@testable import TestSupport

/// The release root of a golden case: the same tree, with traced workers in several modules and versions, and a relup that
/// has the case's scripts.
enum EvaluationRoot {
    /// What the workers write to.
    static func log(_ root: TestRoot) -> String { "\(root.directory)/trace" }

    static func make(_ golden: EvaluationCase) throws -> TestRoot {
        let root = try TestRoot()
        try Data().write(to: URL(filePath: log(root)))
        for vsn in golden.vsns {
            // Programs are copied into place below.
            try writePrograms(golden, vsn, root)
            let ebin = "lib/shop-\(vsn)/ebin"
            for supervisor in ["shop_sup", "desk_sup"] {
                let specs = golden.children.filter { $0.supervisor == supervisor }.map { spec($0, log(root)) }
                let flags = "#{intensity => 50, period => 3600}"
                try root.write(
                    "draft/\(ebin)/\(supervisor).sup", "{ok, {\(flags), [\(specs.joined(separator: ",\n "))]}}.")
            }
            let modules = golden.modules.filter { $0.vsns.contains(vsn) }.map(\.name) + ["shop_sup", "desk_sup"]
            try root.write(
                "draft/\(ebin)/shop.app",
                """
                {application, shop,
                 [{vsn, "\(vsn)"}, {description, ""}, {modules, [\(modules.joined(separator: ","))]}, {registered, []},
                  {applications, []}, {mod, {shop_sup, []}}]}.
                """)
            try root.write(
                "releases/\(vsn)/shop.rel",
                "{release, {\"shop\", \"\(vsn)\"}, {erts, \"\(Emulator.vsn)\"}, [{shop, \"\(vsn)\"}]}.")
            try root.write(
                "releases/\(vsn)/sys.config",
                "[{release_handler, [{make_permanent, manual}, {probation_restarts, 1000}]}].")
        }
        try ProgramFile.putTree("\(root.root)/draft/lib", at: "\(root.root)/lib")
        try FileManager.default.removeItem(atPath: "\(root.root)/draft")
        try writeRelups(golden, root)
        let records = golden.vsns.map { vsn in
            let status = vsn == golden.vsns[0] ? "permanent" : "unpacked"
            return
                "{release, \"shop\", \"\(vsn)\", \"\(Emulator.vsn)\", [{shop, \"\(vsn)\", \"lib/shop-\(vsn)\"}], \(status)}"
        }
        try root.write("releases/RELEASES", "[\(records.joined(separator: ",\n"))].")
        try root.write("releases/start_erl.data", "\(Emulator.vsn) \(golden.vsns[0])\n")
        return root
    }

    /// A file for each module and version, since each is other code.
    private static func writePrograms(_ golden: EvaluationCase, _ vsn: String, _ root: TestRoot) throws {
        let fixtures = Project.fixtures.appending(path: "python").path
        for module in golden.modules where module.vsns.contains(vsn) {
            let file = "draft/lib/shop-\(vsn)/ebin/\(module.name)"
            try root.write(
                file,
                """
                #!/usr/bin/python3 -SEB
                import sys
                sys.path.insert(0, "\(fixtures)")
                import eval_worker
                eval_worker.main("\(module.name)", "\(vsn)")

                """)
            chmod("\(root.root)/\(file)", 0o755)
        }
    }

    /// On the way down it is the relup of the release that runs.
    private static func writeRelups(_ golden: EvaluationCase, _ root: TestRoot) throws {
        let scripts = golden.vsns.count > 2 ? [golden.historyTerm, golden.scriptTerm] : [golden.scriptTerm]
        for (index, script) in scripts.enumerated() {
            let (old, new) = (golden.vsns[index], golden.vsns[index + 1])
            let entry = "[{\"\(golden.isUp ? old : new)\", \"\", \(script)}]"
            let owner = golden.isUp ? new : old
            try root.write(
                "releases/\(owner)/relup",
                golden.isUp ? "{\"\(owner)\", \(entry), []}." : "{\"\(owner)\", [], \(entry)}.")
        }
    }

    private static func spec(_ child: EvaluationCase.Child, _ log: String) -> String {
        let plan = child.plan.map { ", \($0)" }.joined()
        let arguments = child.type == "supervisor" ? "[]" : "[\(child.id), <<\"\(log)\">>\(plan)]"
        return """
            #{id => \(child.id), start => {\(child.start), start_link, \(arguments)}, restart => \(child.restart), \
            shutdown => 2000, type => \(child.type), modules => \(child.modules)}
            """
    }
}
