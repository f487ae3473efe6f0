import Foundation
import Testing
import Wire

/// The control types keep their JSON: scripts and other versions of `releasectl` depend on it.
@Suite struct ControlTests {
    private func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    private func expect<Value: Codable & Equatable>(_ value: Value, is text: String) throws {
        #expect(try json(value) == text)
        #expect(try JSONDecoder().decode(Value.self, from: Data(text.utf8)) == value)
    }

    @Test func release() throws {
        try expect(
            ReleaseSummary(
                name: "kv", vsn: "2.0.0", erts: "1.0.0", status: .temporaryCurrent,
                applications: [ApplicationVersion(name: "kv", vsn: "2.0.0")]),
            is: #"{"applications":[{"name":"kv","vsn":"2.0.0"}],"erts":"1.0.0","name":"kv","#
                + #""status":"tmp_current","vsn":"2.0.0"}"#)
    }

    @Test func progressHasThreeKindsOfLines() throws {
        try expect(
            InstallProgress.progress(.init(index: 2, count: 7, text: "point_of_no_return")),
            is: #"{"progress":{"count":7,"index":2,"text":"point_of_no_return"}}"#)
        try expect(
            InstallProgress.error(ControlError(.internalError, "lost")),
            is: #"{"error":{"code":"internal_error","details":{},"message":"lost"}}"#)
        try expect(
            InstallProgress.result(
                InstallResult(
                    outcome: .aborted, from: "1", to: "2",
                    failedInstruction: .init(index: 3, text: "{code_change,[{m,[]}]}"), worker: "kv/kv_sup/store",
                    reason: "badarg", suspendToResumeMicroseconds: 1_500, totalMilliseconds: 12.5,
                    instructions: [.init(index: 0, text: "t", workers: ["w"], milliseconds: 0.25, note: "n")],
                    warnings: ["careful"], lost: [.init(worker: "w", what: "state", why: "died")])),
            is: #"{"result":{"failed_instruction":{"index":3,"text":"{code_change,[{m,[]}]}"},"from":"1","#
                + #""instructions":[{"index":0,"ms":0.25,"note":"n","text":"t","workers":["w"]}],"#
                + #""lost":[{"what":"state","why":"died","worker":"w"}],"#
                + #""outcome":"aborted","reason":"badarg","suspend_to_resume_us":1500,"to":"2","total_ms":12.5,"#
                + #""warnings":["careful"],"worker":"kv/kv_sup/store"}}"#)
    }

    @Test func treeNode() throws {
        try expect(
            TreeNode(
                id: "store", address: "kv/kv_sup/store", kind: .worker, state: .running, pid: 7, generation: 2,
                module: "kv_server", vsn: "2.0.0", restarts: 1, rssAnonKiB: 912, ageSeconds: 1.5),
            is: #"{"address":"kv/kv_sup/store","age_s":1.5,"children":[],"generation":2,"id":"store","#
                + #""kind":"worker","module":"kv_server","pid":7,"restarts":1,"rss_anon_kib":912,"#
                + #""state":"running","vsn":"2.0.0"}"#)
    }

    @Test func worker() throws {
        try expect(
            WorkerSummary(
                address: "kv/kv_sup/store", state: .suspended,
                sockets: [SocketSummary(name: "redis", address: "127.0.0.1:6379")]),
            is: #"{"address":"kv/kv_sup/store","restarts":0,"#
                + #""sockets":[{"address":"127.0.0.1:6379","name":"redis"}],"state":"suspended"}"#)
    }

    @Test func status() throws {
        try expect(
            NodeStatus(
                state: .upgrading, node: "kv@host", name: "kv", release: "1.0.0", permanent: "1.0.0", erts: "0.1.0",
                pid: 1,
                uptimeSeconds: 0.5, root: "/r"),
            is:
                #"{"erts":"0.1.0","name":"kv","node":"kv@host","permanent":"1.0.0","pid":1,"release":"1.0.0","root":"/r","#
                + #""state":"upgrading","uptime_s":0.5}"#)
    }

    @Test func callTakesTheStandardTime() throws {
        let call = try JSONDecoder().decode(CallRequest.self, from: Data(#"{"worker":"w","request":"r"}"#.utf8))
        #expect(call == CallRequest(worker: "w", request: "r", timeoutMilliseconds: 5_000))
        try expect(call, is: #"{"request":"r","timeout_ms":5000,"worker":"w"}"#)
    }

    @Test func anUnknownCodeIsCarried() throws {
        let error = try JSONDecoder().decode(
            ControlError.self, from: Data(#"{"code":"from_the_future","message":"m"}"#.utf8))
        #expect(error == ControlError(.init(rawValue: "from_the_future"), "m"))
        #expect(!error.code.isRefusal)
        #expect("\(error)" == "from_the_future: m")
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
        (951_782_399_999, "2000-02-28T23:59:59.999Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (951_868_800_000, "2000-03-01T00:00:00.000Z"), (1_709_251_199_042, "2024-02-29T23:59:59.042Z"),
        (1_735_689_599_999, "2024-12-31T23:59:59.999Z"), (1_735_689_600_000, "2025-01-01T00:00:00.000Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z"), (-2_203_891_200_000, "1900-03-01T00:00:00.000Z"),
    ])
    func time(milliseconds: Int, text: String) {
        #expect(ControlTime.rfc3339(millisecondsSince1970: milliseconds) == text)
    }
}
