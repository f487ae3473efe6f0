import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// `sys.config` and what it includes, as a node that boots reads them.
@Suite(.timeLimit(.minutes(15))) struct ConfigurationTests {
    private static func root(_ config: String, _ files: [String: String] = [:]) throws -> TestRoot {
        let root = try TestRoot()
        try root.install(vsn: "1.0.0")
        try root.release("1.0.0", config: config)
        for (name, text) in files { try root.write("releases/1.0.0/\(name)", text) }
        try root.register(["1.0.0"])
        return root
    }

    @Test func theLaterCounts() async throws {
        let config = """
            [{fix, [{greeting, early}, {a, 1}, {b, 1}, {d, {'$env', greeting, none}}]},
             "first", "sub/second.config", {fix, [{b, 4}]}].
            """
        let files = [
            "first.config": "[{fix, [{a, 2}, {b, 2}, {c, 2}]}].",
            "sub/second.config": "[{fix, [{b, 3}, {c, 3}]}, {nobody, []}].",
        ]
        try await TestNode.with(try Self.root(config, files)) { test async throws in
            #expect(
                try await test.service.getAllEnv("fix").reply
                    == "[{greeting,early},{a,2},{b,4},{d,early},{c,3}]")
            #expect(try await test.call("{env, d}") == "early")
        }
    }

    @Test(arguments: [
        ("[\"first\"].", nil, "/releases/1.0.0/sys.config: it includes \"first\", and there is no file "),
        (
            "[\"first\"].", "[{fix, [{a, 1}]",
            "/releases/1.0.0/first.config:1:16: expected ',' or '}', found the end of the text"
        ),
        (
            "[\"first\"].", "[{fix, []}, {fix, []}].",
            "/releases/1.0.0/first.config:1:14: expected each application once, found fix"
        ),
        (
            "[\"first\"].", "[\"second\"].",
            "/releases/1.0.0/first.config:1:2: expected {Application, [{Key, Value}]} in an included file, found \"second\""
        ),
        (
            "[{fix, [{a, [{'$env', a}]}]}].", nil,
            "/releases/1.0.0/sys.config:1:14: expected {'$env', Key, Default}, found {'$env',a}"
        ),
        (
            "[{fix, [{a, {'$env', b, 1}}, {b, {'$env', a, 1}}]}].", nil,
            "/releases/1.0.0/sys.config: expected parameters of fix that can be had, found a circle: a -> b -> a"
        ),
    ])
    func aBadFileKeepsTheNodeFromBooting(_ config: String, _ included: String?, _ refusal: String) async throws {
        let root = try Self.root(config, included.map { ["first.config": $0] } ?? [:])
        let failure = try await TestNode.failingToBoot(root)
        #expect(failure.contains(refusal), "\(failure)")
    }
}
