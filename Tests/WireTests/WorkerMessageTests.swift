import Terms
import Testing
import Wire

struct WorkerMessageTests {
    private static let digest = String(repeating: "0a", count: 32)
    private static let start = WorkerInit(
        mode: .start, module: "store", function: "start_link", arguments: [1, .text("a")], path: "kv/kv_sup/store",
        application: "kv", release: "1.0.0", environment: [EnvironmentEntry(key: "port", value: 6379)], generation: 2,
        sockets: ["redis", "admin"])

    static let requests: [(WorkerRequest, String)] = [
        (.call(ref: 1, request: .atom("get")), "{call,1,get}"),
        (.cast(request: .tuple([.atom("add"), 2])), "{cast,{add,2}}"),
        (.suspend(ref: 2), "{suspend,2}"),
        (.resume(ref: 3), "{resume,3}"),
        (.exportState(ref: 4, change: .none), "{export_state,4,none}"),
        (
            .exportState(ref: 5, change: .down(to: .string("1.0.0"), extra: .list([]))),
            "{export_state,5,{code_change,{down,\"1.0.0\"},[]}}"
        ),
        (
            .importState(
                ref: 6,
                StateImport(size: 10, descriptors: 2, fromVsn: .string("1"), change: .up(from: .undefined, extra: 7))),
            "{import_state,6,#{change => {code_change,undefined,7},descriptors => 2,from_vsn => \"1\",size => 10}}"
        ),
        (
            .importState(
                ref: 7,
                StateImport(size: 0, descriptors: 0, fromVsn: .undefined, change: .down(to: .string("1"), extra: 7))),
            "{import_state,7,#{change => {code_change,{down,\"1\"},7},descriptors => 0,"
                + "from_vsn => undefined,size => 0}}"
        ),
        (.exportSnapshot(ref: 14, change: .none), "{export_snapshot,14,none}"),
        (
            .exportChanges(ref: 15, change: .down(to: .string("1"), extra: 7)),
            "{export_changes,15,{code_change,{down,\"1\"},7}}"
        ),
        (.endSnapshot(ref: 16), "{end_snapshot,16}"),
        (
            .importSnapshot(ref: 17, StateImport(size: 10, descriptors: 0, fromVsn: .string("1"), change: .none)),
            "{import_snapshot,17,#{change => none,descriptors => 0,from_vsn => \"1\",size => 10}}"
        ),
        (
            .importChanges(
                ref: 18, StateImport(size: 10, descriptors: 2, fromVsn: .string("1"), change: .none), isLast: true),
            "{import_changes,18,#{change => none,descriptors => 2,from_vsn => \"1\",size => 10},true}"
        ),
        (
            .loadModule(ref: 19, ModuleIdentity(module: "f", identity: digest)),
            "{load_module,19,f,<<\"\(digest)\">>}"
        ),
        (.deleteModule(ref: 20, module: "f"), "{delete_module,20,f}"),
        (.softPurge(ref: 21, module: "f"), "{soft_purge,21,f}"),
        (.purge(ref: 22, module: "f"), "{purge,22,f}"),
        (.getVersions(ref: 23), "{get_versions,23}"),
        (
            .changeModule(ref: 24, module: "f", .up(from: .string("1"), extra: 7)),
            "{code_change,24,f,{code_change,\"1\",7}}"
        ),
        (.changeModule(ref: 25, module: "f", .none), "{code_change,25,f,none}"),
        (.noModule(module: "f", reason: .atom("undef")), "{no_module,f,undef}"),
        (.getState(ref: 8), "{get_state,8}"),
        (.replaceState(ref: 9, state: .list([])), "{replace_state,9,[]}"),
        (.getStatus(ref: 10), "{get_status,10}"),
        (.getModules(ref: 11), "{get_modules,11}"),
        (
            .configChange(
                ref: 12,
                ConfigChange(
                    changed: [EnvironmentEntry(key: "a", value: 1)], new: [EnvironmentEntry(key: "b", value: 2)],
                    removed: ["c"])),
            "{config_change,12,[{a,1}],[{b,2}],[c]}"
        ),
        (.terminate(ref: 13, reason: .atom("handoff")), "{terminate,13,handoff}"),
    ]

    @Test(arguments: 0..<requests.count) func requestsBothWays(index: Int) throws {
        let (request, text) = Self.requests[index]
        #expect(request.term == (try TermText.parseTerm(text)))
        #expect(try WorkerRequest(request.term) == request)
        #expect(try WorkerRequest(Frame.decode(Array(Frame.encode(request.term)[4...]))) == request)
    }

    @Test func initBothWays() throws {
        let request = WorkerRequest.initialize(ref: 0, Self.start)
        #expect(try WorkerRequest(request.term) == request)
        let text = """
            {init,0,#{mode => start,module => store,function => start_link,arguments => [1,<<"a">>],
              path => <<"kv/kv_sup/store">>,application => kv,release => <<"1.0.0">>,env => [{port,6379}],
              generation => 2,sockets => [<<"redis">>,<<"admin">>],protocol => 4}}
            """
        #expect(request.term == (try TermText.parseTerm(text)))
        var standby = Self.start
        standby.mode = .standby
        standby.modules = [ModuleIdentity(module: "f", identity: Self.digest)]
        let other = WorkerRequest.initialize(ref: 0, standby)
        #expect(try WorkerRequest(other.term) == other)
    }

    static let answers: [(WorkerAnswer, String)] = [
        (.ack(ref: 0, vsn: .string("1.0.0")), "{ack,0,#{vsn => \"1.0.0\",protocol => 1}}"),
        (.ack(ref: 0, vsn: .undefined), "{ack,0,#{vsn => undefined,protocol => 1}}"),
        (.wantModule("f"), "{want_module,f}"),
        (
            .ack(ref: 0, vsn: 1, protocolVersion: 4, modules: ["f": .string("2")]),
            "{ack,0,#{vsn => 1,protocol => 4,modules => #{f => \"2\"}}}"
        ),
        (.ack(ref: 0, vsn: 1, codeChange: true), "{ack,0,#{vsn => 1,protocol => 1,code_change => true}}"),
        (.ack(ref: 0, vsn: 1, codeChange: false), "{ack,0,#{vsn => 1,protocol => 1,code_change => false}}"),
        (
            .ack(ref: 0, vsn: 1, protocolVersion: 2, incremental: true),
            "{ack,0,#{vsn => 1,protocol => 2,incremental => true}}"
        ),
        (.ignore(ref: 1), "{ignore,1}"),
        (.error(ref: 2, reason: .atom("bad")), "{error,2,bad}"),
        (.ok(ref: 3), "{ok,3}"),
        (.okValue(ref: 4, value: 5), "{ok,4,5}"),
        (.reply(ref: 5, answer: 42), "{reply,5,42}"),
        (.exported(ref: 6, size: 100, descriptors: 3), "{exported,6,#{size => 100,descriptors => 3}}"),
        (.exported(ref: 6, size: 1, descriptors: 0, left: 9), "{exported,6,#{size => 1,descriptors => 0,left => 9}}"),
        (.log(level: .notice, text: "hi", metadata: [.atom("a"): 1]), "{log,notice,<<\"hi\">>,#{a => 1}}"),
        (.exit(reason: .atom("normal")), "{exit,normal}"),
    ]

    @Test(arguments: 0..<answers.count) func answersBothWays(index: Int) throws {
        let (answer, text) = Self.answers[index]
        #expect(answer.term == (try TermText.parseTerm(text)))
        #expect(try WorkerAnswer(answer.term) == answer)
    }

    @Test(arguments: [
        ("ok", "expected a message, found ok"),
        ("{}", "expected a message, found {}"),
        ("{ok,-1}", "ok: expected Ref, an integer of 0 or more, as second element, found {ok,-1}"),
        ("{ok,1,2,3}", "ok: expected 2 elements, found {ok,1,2,3}"),
        ("{ack,1,#{vsn => 1,protocol => 5}}", "ack: expected protocol 1 to 4, found 5"),
        ("{ack,1,#{vsn => 1}}", "ack: expected the key protocol, found #{vsn => 1}"),
        ("{ack,1,[]}", "ack: expected a map, found []"),
        (
            "{ack,1,#{vsn => 1,protocol => 1,code_change => yes}}",
            "ack: expected code_change as true or false, found yes"
        ),
        (
            "{exported,1,#{size => -1,descriptors => 0}}",
            "exported: expected size as an integer of 0 or more, found -1"
        ),
        (
            "{exported,1,#{size => 1,descriptors => 100001}}",
            "exported: descriptors 100001 is over the limit of 100000"
        ),
        ("{log,loud,<<\"x\">>,#{}}", "log: expected a level of syslog as an atom, found loud"),
        ("{log,info,x,#{}}", "log: expected Text as a UTF-8 binary, found x"),
        ("{log,info,<<0,255>>,#{}}", "log: expected Text as a UTF-8 binary, found <<0,255>>"),
        ("{exit}", "exit: expected {exit, Reason}, found {exit}"),
        (
            "{hello,1}",
            "hello: expected one of ack, ignore, error, ok, reply, exported, log, exit, want_module, found hello"
        ),
    ])
    func wrongAnswers(text: String, message: String) throws {
        let term = try TermText.parseTerm(text)
        let error = #expect(throws: WireError.self) { try WorkerAnswer(term) }
        #expect(error?.description == message)
    }

    @Test(arguments: [
        ("suspend", "expected {Name, Ref, ...}, found suspend"),
        ("{cast}", "expected {cast, Request}, found {cast}"),
        ("{call,1}", "call: expected 3 elements, found {call,1}"),
        (
            "{export_state,1,{code_change,\"1\",[]}}",
            "export_state: expected change none or {code_change, {down, Vsn}, Extra}, found {code_change,\"1\",[]}"
        ),
        ("{export_state,1,soft}", "export_state: expected change none or {code_change, Vsn, Extra}, found soft"),
        ("{config_change,1,[a],[],[]}", "config_change: expected {Key, Value} with an atom as Key, found a"),
        ("{config_change,1,[],[],[1]}", "config_change: expected a key of Removed as an atom, found 1"),
        ("{init,0,#{}}", "init: expected the key mode, found #{}"),
        ("{init,0,#{mode => later}}", "init: expected mode start or standby, found later"),
    ])
    func wrongRequests(text: String, message: String) throws {
        let term = try TermText.parseTerm(text)
        let error = #expect(throws: WireError.self) { try WorkerRequest(term) }
        #expect(error?.description == message)
    }

    @Test func errorsCarryTheRefForTheAnswer() throws {
        let unknown = #expect(throws: WireError.self) { try WorkerRequest(.tuple([.atom("dance"), 5, 6])) }
        #expect(unknown?.kind == .unknownRequest(name: "dance", ref: 5))
        let nameless = #expect(throws: WireError.self) { try WorkerRequest(.tuple([.atom("dance")])) }
        #expect(nameless?.kind == .unknownRequest(name: "dance", ref: nil))
        let malformed = #expect(throws: WireError.self) { try WorkerRequest(.tuple([.atom("call"), 5])) }
        #expect(malformed?.kind == .malformed(ref: 5))
    }

    @Test func longLogTextIsRefused() throws {
        let text = String(repeating: "x", count: WireLimits.maxLogTextBytes + 1)
        let term = WorkerAnswer.log(level: .info, text: text, metadata: [:]).term
        let error = #expect(throws: WireError.self) { try WorkerAnswer(term) }
        #expect(error?.description == "log: Text of 65537 bytes is over the limit of 65536 bytes")
    }

    @Test func longTermsAreShortenedInErrors() throws {
        let error = #expect(throws: WireError.self) {
            try WorkerAnswer(.tuple([.binary([UInt8](repeating: 65, count: 1000))]))
        }
        #expect(try #require(error).description.utf8.count < 200)
    }
}
