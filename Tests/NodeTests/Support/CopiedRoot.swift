import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// Two versions of the Python worker that hands its state over in parts, as `c1`.
enum CopiedRoot {
    /// No limit of these tests unless one is about it.
    static let longMilliseconds = 600_000

    /// - Parameters:
    ///   - faults: what the worker does wrong, in which version: its text lists them.
    ///   - isLarge: the image is, so that rounds of changes follow it.
    ///   - modules: each has a worker of its own, `c1`, `c2`, ...; a group of its own in the script.
    ///   - up: the script up, where it is not the usual one.
    static func make(
        faults: String = "", isLarge: Bool = true, modules: [String] = ["counter"], up: String? = nil,
        plain: [String] = [],
        snapshotMilliseconds: Int = longMilliseconds, edits: [TestRoot.Edit] = []
    ) throws -> TestRoot {
        let root = try TestRoot()
        let arguments = [isLarge ? "{padded, 100000, \"1.0.0\"}" : "", faults].filter { !$0.isEmpty }
        let children = modules.enumerated().map { index, module in
            "#{id => c\(index + 1), start => {\(module), start_link, [\(arguments.joined(separator: ", "))]}}"
        }
        let config = "[{release_handler, [{snapshot_timeout, \(snapshotMilliseconds)}]}]."
        let up = up ?? TestRoot.script("2.0.0", modules, modules.map { TestRoot.upGroup($0) })
        let down = TestRoot.script("1.0.0", modules, modules.map { TestRoot.downGroup($0) })
        for vsn in ["1.0.0", "2.0.0"] {
            try root.release(
                vsn, children: "[\(children.joined(separator: ", "))]", config: config,
                relup: vsn == "2.0.0" ? TestRoot.relup(up: up, down: down) : nil, modules: modules)
            for module in modules {
                let edits = edits.filter { $0.vsn == vsn && $0.module == module }
                try root.installIncremental(module, vsn: vsn, edits: edits)
            }
        }
        try root.register(["1.0.0", "2.0.0"])
        return root
    }

    /// What stands in the worker's text in front of one of its methods: it waits there, where `condition` holds.
    static func waits(
        _ gate: Gate, in method: String, of vsn: String, where condition: String = "True"
    ) -> TestRoot.Edit {
        TestRoot.Edit(
            vsn: vsn, what: "    def \(method):\n",
            with: "    def \(method):\n        if \(condition):\n            \(gate.line)\n")
    }

    static let importSnapshot = "import_snapshot(self, ref, announced)"
    static let importChanges = "import_changes(self, ref, announced, last)"
    static let exportChanges = "export_changes(self, ref, change)"
}

extension TestNode {
    /// Calls of one client, one after the other, each adding one, until `body` has ended; none may be lost or done twice.
    func underCalls<Value: Sendable>(_ body: @Sendable () async throws -> Value) async throws -> Value {
        let first = try await count()
        let isOver = Flag()
        async let last = add(from: first, until: isOver)
        let result: Result<Value, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        await isOver.raise()
        let expected = try await last
        let found = try await count()
        #expect(found == expected)
        return try result.get()
    }

    private func add(from first: Int, until isOver: Flag) async throws -> Int {
        var count = first
        repeat {
            count += 1
            let answer = try await call("{add, 1}")
            #expect(answer == "\(count)")
        } while await !isOver.isUp
        return count
    }

    private func count() async throws -> Int {
        let answer = try await call("get")
        return Int(answer) ?? 0
    }

    /// What is told of its instructions.
    static func notes(_ result: InstallResult) -> [String] {
        result.instructions.compactMap(\.note).flatMap { $0.split(separator: "; ").map(String.init) }
    }
}

private actor Flag {
    private(set) var isUp = false
    func raise() { isUp = true }
}
