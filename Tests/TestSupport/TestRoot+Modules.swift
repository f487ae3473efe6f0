import Foundation
import Testing

/// Roots with several modules, each with a worker of its own in Python, into which a test may write what goes wrong.
extension TestRoot {
    /// What is written into the worker's text in place of something of it.
    struct Edit: Sendable {
        let vsn: String
        var module = "counter"
        let what: String
        let with: String
    }

    /// Two versions whose modules are all the Python worker; `store` serves connections.
    static func modules(
        _ modules: [String] = ["counter"], children: String = oneCounter, flags: String = usualFlags,
        up: String, down: String = "", config: String = "[].", edits: [Edit] = []
    ) throws -> TestRoot {
        let root = try TestRoot()
        for vsn in ["1.0.0", "2.0.0"] {
            try root.release(
                vsn, children: children, flags: flags, config: config,
                relup: vsn == "1.0.0" ? nil : relup(up: up, down: down), modules: modules)
            for module in modules {
                try root.installPython(
                    module, vsn: vsn, edits: edits.filter { $0.vsn == vsn && $0.module == module })
            }
        }
        try root.register(["1.0.0", "2.0.0"])
        return root
    }

    func installPython(_ module: String, vsn: String, edits: [Edit] = []) throws {
        var text = try Project.pythonWorker(vsn: vsn)
        if module == "store" {
            try write("lib/fix-\(vsn)/priv/counter_worker", text)
            text = try String(contentsOf: Project.fixtures.appending(path: "python/http_worker"), encoding: .utf8)
        }
        try write("lib/fix-\(vsn)/ebin/\(module)", try edited(text, by: edits))
        chmod("\(root)/lib/fix-\(vsn)/ebin/\(module)", 0o755)
    }

    /// As `module`, the Python worker that hands its state over in parts. What it is to do wrong its child spec's arguments say:
    /// the worker's own text lists them.
    func installIncremental(_ module: String, vsn: String, edits: [Edit] = []) throws {
        try write("lib/fix-\(vsn)/priv/counter_worker", try Project.pythonWorker(vsn: vsn))
        let text = try edited(try Project.pythonWorker(Project.incrementalWorker, vsn: vsn), by: edits)
        try write("lib/fix-\(vsn)/ebin/\(module)", text)
        chmod("\(root)/lib/fix-\(vsn)/ebin/\(module)", 0o755)
    }

    private func edited(_ text: String, by edits: [Edit]) throws -> String {
        var text = text
        for edit in edits {
            try #require(text.contains(edit.what))
            text = text.replacing(edit.what, with: edit.with)
        }
        return text
    }

    /// A script of these groups.
    static func script(_ vsn: String, _ modules: [String], _ groups: [String]) -> String {
        let head = "{load_object_code, {fix, \"\(vsn)\", [\(modules.joined(separator: ", "))]}}, point_of_no_return"
        return ([head] + groups).joined(separator: ",\n")
    }

    static func upGroup(_ modules: String..., extra: String = "[]") -> String {
        group(modules, loads(modules) + ["{code_change, up, [\(conversions(modules, extra))]}"])
    }

    static func downGroup(_ modules: String..., extra: String = "[]") -> String {
        group(modules, ["{code_change, down, [\(conversions(modules, extra))]}"] + loads(modules))
    }

    private static func group(_ modules: [String], _ middle: [String]) -> String {
        let suspend = "{suspend, [\(modules.joined(separator: ", "))]}"
        let resume = "{resume, [\(modules.reversed().joined(separator: ", "))]}"
        return ([suspend] + middle + [resume]).joined(separator: ", ")
    }

    private static func loads(_ modules: [String]) -> [String] {
        modules.map { "{load, {\($0), brutal_purge, brutal_purge}}" }
    }

    private static func conversions(_ modules: [String], _ extra: String) -> String {
        modules.map { "{\($0), \(extra)}" }.joined(separator: ", ")
    }
}
