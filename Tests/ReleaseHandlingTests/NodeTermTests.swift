import Instructions
import ReleaseHandling
import Terms
import Testing

/// What nodes and barrier programs write and read: names, records, requests, answers, messages, the parameter of `sys.config`.
@Suite struct NodeTermTests {
    private static let a = NodeName("a@h")!

    @Test(arguments: ["a@h", "A-1_b@db1.example.org", "n@::1", String(repeating: "n", count: 198) + "@h"])
    func aNodesName(text: String) { #expect(NodeName(text)?.text == text) }

    @Test(arguments: [
        "", "a", "@h", "a@", "a@b@c", "a/b@h", "../x@h", "a@h/..", "a b@h", "ä@h", "a.b@h", "a@h\n", "a@\0",
        String(repeating: "n", count: 199) + "@h",
    ])
    func noNodesName(text: String) { #expect(NodeName(text) == nil) }

    @Test func namesThatAreGivenAndNamesThatAreNot() {
        #expect(NodeName(named: "east", host: "db1")?.text == "east@db1")
        #expect(NodeName(named: "east@db2", host: "db1")?.text == "east@db2")
        #expect(NodeName(named: "e/ast", host: "db1") == nil)
        #expect(NodeName(ofRelease: "my shop", host: "db 1").text == "my_shop@db_1")
        #expect(NodeName(ofRelease: "", host: "").text == "nonode@nohost")
        let long = NodeName(ofRelease: String(repeating: "r", count: 400), host: String(repeating: "h", count: 400))
        #expect(NodeName(long.text) == long)
        #expect(NodeName(Term.string("a@h")) == nil && NodeName(Term.atom("a@h")) == Self.a)
    }

    private static let recordStates: [(NodeRecord.State, String)] = [
        (.idle, "idle"), (.upgrading(from: "1", to: "2", milliseconds: 5), #"{upgrading,"1","2",5}"#),
        (.installed(to: "2", milliseconds: 5), #"{installed,"2",5}"#),
        (.failed(to: "2", milliseconds: 5), #"{failed,"2",5}"#),
        (.restarting(to: "2", milliseconds: 5), #"{restarting,"2",5}"#),
    ]

    @Test(arguments: recordStates) func records(state: NodeRecord.State, text: String) throws {
        let record = NodeRecord(node: Self.a, pid: 7, registeredMilliseconds: 3, state: state)
        #expect("\(record.term)" == "{node,a@h,7,3,\(text)}")
        #expect(NodeRecord(record.term) == record)
    }

    @Test(arguments: [
        "ok", "{node,a@h,7,3}", "{node,a,7,3,idle}", "{node,a@h,99999999999,3,idle}", "{node,a@h,7,3,busy}",
        #"{node,a@h,7,3,{failed,"2"}}"#, "{node,a@h,7,3,{failed,2,5}}", #"{node,a@h,7,3,{upgrading,"2",5}}"#,
    ])
    func noRecords(text: String) throws { #expect(NodeRecord(try TermText.parseTerm(text)) == nil) }

    /// An upgrade began at 10.
    @Test func whoIsWaitedFor() {
        func isDown(_ state: NodeRecord.State, registered: Int = 1) -> Bool {
            NodeRecord(node: Self.a, pid: 1, registeredMilliseconds: registered, state: state)
                .isDown(forUpgradeBegunAt: 10)
        }
        #expect(!isDown(.idle) && isDown(.idle, registered: 11), "started anew since")
        #expect(!isDown(.failed(to: "2", milliseconds: 9)) && isDown(.failed(to: "2", milliseconds: 12)))
        #expect(!isDown(.upgrading(from: "1", to: "2", milliseconds: 12), registered: 11))
        #expect(!isDown(.installed(to: "2", milliseconds: 12)) && !isDown(.restarting(to: "2", milliseconds: 12)))
    }

    @Test func requests() throws {
        let request = BarrierRequest(
            id: .tuple([.atom("s"), 1]), node: Self.a, others: [NodeName("b@h")!], from: "1.0", to: "2.0",
            beganMilliseconds: 5, timeoutMilliseconds: BarrierRequest.ownTimeout(ofLimit: 60_000))
        let line = #"{sync_nodes,{s,1},a@h,[b@h],[{from,"1.0"},{to,"2.0"},{began,5},{timeout,54000}]}."#
        #expect(request.line == line + "\n")
        #expect(BarrierRequest(try TermText.parseTerm(String(line.dropLast()))) == request)
        let later = line.dropLast().replacing("[{from", with: "[{new,x},{from")
        #expect(BarrierRequest(try TermText.parseTerm(String(later))) == request)
        #expect(BarrierRequest.ownTimeout(ofLimit: 1) == 1)
    }

    @Test(arguments: [
        "{sync_nodes,s,a@h,[b],[{from,\"1\"},{to,\"2\"},{began,5},{timeout,1}]}",
        "{sync_nodes,s,a@h,[b@h,b@h],[{from,\"1\"},{to,\"2\"},{began,5},{timeout,1}]}",
        "{sync_nodes,s,a@h,[a@h],[{from,\"1\"},{to,\"2\"},{began,5},{timeout,1}]}",
        "{sync_nodes,s,a@h,[b@h],[{from,\"1\"},{to,\"2\"},{began,5}]}", "{sync_nodes,s,a@h,[b@h],[x]}", "ok",
    ])
    func noRequests(text: String) throws { #expect(BarrierRequest(try TermText.parseTerm(text)) == nil) }

    @Test func answers() throws {
        #expect(try BarrierAnswer(line: "ok.") == .passed && BarrierAnswer(line: "ok") == .passed)
        #expect(
            try BarrierAnswer(line: "{error, {nodedown, 'b@h'}}.")
                == .failed(.tuple([.atom("nodedown"), .atom("b@h")])))
        let down = BarrierAnswer.nodesDown([Self.a])
        #expect(try BarrierAnswer(line: "{nodedown, ['a@h']}.") == down)
        #expect(down.line == "{nodedown,[a@h]}.\n" && BarrierAnswer.passed.line == "ok.\n")
        #expect(BarrierAnswer.failed(.atom("no")).line == "{error,no}.\n")
    }

    @Test(arguments: [
        ("", " is no term: "), ("ok, all.", "ok, all. is no term: "),
        ("yes.", "expected ok, {error, Reason} or {nodedown, [Node]}, found yes."),
        ("{nodedown, [b]}.", "expected ok, {error, Reason} or {nodedown, [Node]}, found {nodedown, [b]}."),
    ])
    func badAnswers(line: String, sentence: String) {
        #expect {
            _ = try BarrierAnswer(line: line)
        } throws: {
            "\($0)".hasPrefix(sentence)
        }
    }

    private static let samples: [(BarrierMachine.Message, String)] = [
        (.here, "here"), (.failing(.atom("no")), "{failing,no}"), (.decided(.passed), "{decided,ok}"),
        (.decided(.failed(.atom("no"))), "{decided,{error,no}}"),
    ]

    @Test(arguments: samples) func messages(message: BarrierMachine.Message, text: String) throws {
        #expect("\(message.term)" == text)
        #expect(BarrierMachine.Message(message.term) == message)
    }

    @Test(arguments: ["there", "{failing}", "{decided,no}", "{decided,{error}}"])
    func noMessages(text: String) throws { #expect(BarrierMachine.Message(try TermText.parseTerm(text)) == nil) }

    private static func options(_ text: String) throws -> BarrierOptions {
        let config = try SysConfig.parse(Array("[{release_handler, [\(text)]}].".utf8), file: "sys.config")
        return try BarrierOptions(config.environment(of: ProbationOptions.application), file: "sys.config")
    }

    @Test func theParameter() throws {
        #expect(try Self.options("{suspend_timeout, 1}") == BarrierOptions())
        #expect(BarrierOptions().timeoutMilliseconds == 60_000)
        let program = ConfiguredProgram(program: "bin/b", arguments: ["-q"], timeoutMilliseconds: 9)
        #expect(try Self.options("{sync_nodes, {\"bin/b\", [\"-q\"], 9}}") == BarrierOptions(program: program))
    }

    @Test(arguments: ["\"bin/b\"", "{\"\", [], 1}", "{\"b\", [x], 1}", "{\"b\", [], 0}", "{\"b\", [], 3600001}"])
    func badParameters(value: String) {
        let shape = "{Program, [Arg], Timeout}, all strings but the timeout, which is 1 to 3600000 ms"
        #expect {
            _ = try Self.options("{sync_nodes, \(value)}")
        } throws: {
            "\($0)".hasPrefix("sys.config: release_handler, sync_nodes: expected \(shape), found ")
        }
    }
}
