import Glibc
import Terms
import Testing
import Wire

/// What docs/worker-protocol.md says, held against each program that claims to speak it.
struct ProtocolTests {
    @Test(arguments: WorkerProgram.allCases, [WorkerStartMode.start, .standby])
    func theAcknowledgementSaysWhetherStatesAreConverted(program: WorkerProgram, mode: WorkerStartMode) throws {
        let worker = try WorkerProbe(program)
        let version = program == .swift ? 4 : 1
        let expected = WorkerAnswer.ack(ref: 0, vsn: .string("1.0.0"), codeChange: true, protocolVersion: version)
        #expect(try worker.begin(mode: mode) == expected)
    }

    /// To a daemon of before, or of later.
    @Test(arguments: WorkerProgram.inParts + [.swift], [1, 2, 3, 4, 5])
    func theVersionIsTheLowerOfBoth(program: WorkerProgram, offered: Int) throws {
        let worker = try WorkerProbe(program)
        let answer = try worker.begin(protocolVersion: offered)
        let chosen = min(offered, program == .pythonParts ? 2 : 4)
        let isIncremental = program != .swift && chosen >= 2
        #expect(
            answer
                == .ack(
                    ref: 0, vsn: .string("1.0.0"), codeChange: true, protocolVersion: chosen,
                    incremental: isIncremental))
        let refusal = Term.tuple([.atom("unknown_request"), .atom("export_snapshot")])
        guard !isIncremental else { return }
        #expect(reason(try worker.request { .exportSnapshot(ref: $0, change: .none) }) == refusal)
    }

    @Test(arguments: WorkerProgram.allCases) func startAndCall(program: WorkerProgram) throws {
        let worker = try WorkerProbe.started(program)
        #expect(worker.vsn == .string("1.0.0"))
        #expect(try worker.call("get") == 0)
        #expect(try worker.call("{add,5}") == 5)
        try worker.send(.cast(request: try TermText.parseTerm("{add,-3}")))
        #expect(try worker.call("get") == 2)
        #expect(try worker.call("generation") == 1)
    }

    @Test(arguments: WorkerProgram.allCases) func answersComeInTheOrderOfCalls(program: WorkerProgram) throws {
        let worker = try WorkerProbe.started(program)
        let refs = (0..<200).map { _ in worker.newRef() }
        let request = try TermText.parseTerm("{add,1}")
        try worker.send(raw: refs.flatMap { try Frame.encode(WorkerRequest.call(ref: $0, request: request).term) })
        for (index, ref) in refs.enumerated() {
            #expect(try worker.next() == .reply(ref: ref, answer: .integer(index + 1)))
        }
    }

    @Test(arguments: WorkerProgram.allCases) func framesCutAtEveryByte(program: WorkerProgram) throws {
        let worker = try WorkerProbe.started(program)
        let request = try TermText.parseTerm("{add,1}")
        let length = try Frame.encode(WorkerRequest.call(ref: 1, request: request).term).count
        for cut in 1..<length {
            let ref = worker.newRef()
            let frame = try Frame.encode(WorkerRequest.call(ref: ref, request: request).term)
            try worker.send(raw: Array(frame[..<cut]))
            try worker.send(raw: Array(frame[cut...]))
            #expect(try worker.next() == .reply(ref: ref, answer: .integer(cut)))
        }
    }

    @Test(arguments: WorkerProgram.allCases) func unknownRequestsAreAnswered(program: WorkerProgram) throws {
        let worker = try WorkerProbe.started(program)
        try worker.send(raw: try Frame.encode(try TermText.parseTerm("{dance,77,fast}")))
        #expect(
            try worker.next() == .error(ref: 77, reason: .tuple([.atom("unknown_request"), .atom("dance")])))
        #expect(try worker.call("get") == 0)
    }

    @Test(arguments: WorkerProgram.allCases) func systemMessages(program: WorkerProgram) throws {
        let worker = try WorkerProbe.started(program)
        _ = try worker.call("{add,3}")
        guard case .okValue(_, .map(let status)) = try worker.request({ .getStatus(ref: $0) }) else {
            Issue.record("no status")
            return
        }
        #expect(status[.atom("status")] == .atom("running"))
        #expect(status[.atom("module")] == .atom("fixture"))
        #expect(status[.atom("vsn")] == .string("1.0.0"))
        #expect(status[.atom("pid")] == .integer(Int(worker.pid)))
        guard case .okValue(_, let modules) = try worker.request({ .getModules(ref: $0) }) else {
            Issue.record("no modules")
            return
        }
        #expect(modules == .list([.atom("fixture")]))
        guard case .okValue(_, let state) = try worker.request({ .getState(ref: $0) }) else {
            Issue.record("no state")
            return
        }
        #expect(state.asTuple?[1] == 3)
        var fields = state.asTuple ?? []
        fields[1] = 40
        let changed = Term.tuple(fields)
        #expect(isOk(try worker.request { .replaceState(ref: $0, state: changed) }))
        #expect(try worker.call("get") == 40)
        let change = ConfigChange(changed: [EnvironmentEntry(key: "color", value: .atom("blue"))], new: [], removed: [])
        #expect(isOk(try worker.request { .configChange(ref: $0, change) }))
    }

    @Test(arguments: WorkerProgram.allCases) func suspendedWorkersServeSystemMessagesOnly(program: WorkerProgram) throws
    {
        let worker = try WorkerProbe.started(program)
        #expect(reason(try worker.request { .exportState(ref: $0, change: .none) }) == .atom("not_suspended"))
        #expect(isOk(try worker.request { .suspend(ref: $0) }))
        #expect(isOk(try worker.request { .suspend(ref: $0) }))
        #expect(reason(try worker.request { .call(ref: $0, request: .atom("get")) }) == .atom("suspended"))
        guard case .okValue(_, .map(let status)) = try worker.request({ .getStatus(ref: $0) }) else {
            Issue.record("no status")
            return
        }
        #expect(status[.atom("status")] == .atom("suspended"))
        #expect(isOk(try worker.request { .resume(ref: $0) }))
        #expect(try worker.call("get") == 0)
    }

    @Test(arguments: WorkerProgram.allCases) func messagesBeforeASuspendAreHandledFirst(program: WorkerProgram) throws {
        let worker = try WorkerProbe.started(program)
        let add = try TermText.parseTerm("{add,1}")
        try worker.send(
            raw: try Frame.encode(WorkerRequest.call(ref: 100, request: add).term)
                + Frame.encode(WorkerRequest.cast(request: add).term)
                + Frame.encode(WorkerRequest.suspend(ref: 101).term)
                + Frame.encode(WorkerRequest.resume(ref: 102).term)
                + Frame.encode(WorkerRequest.call(ref: 103, request: .atom("get")).term))
        #expect(try worker.next() == .reply(ref: 100, answer: 1))
        #expect(try worker.next() == .ok(ref: 101))
        #expect(try worker.next() == .ok(ref: 102))
        #expect(try worker.next() == .reply(ref: 103, answer: 2))
    }

    @Test(arguments: WorkerProgram.allCases) func startsThatAreNone(program: WorkerProgram) throws {
        let ignoring = try WorkerProbe(program)
        #expect(try ignoring.begin(arguments: [.atom("ignore")]) == .ignore(ref: 0))
        #expect(try ignoring.waitForExit() == .exited(0))
        let failing = try WorkerProbe(program)
        let argument = program == .swift ? "{init_throw,no_luck}" : "{error,no_luck}"
        #expect(
            try failing.begin(arguments: [try TermText.parseTerm(argument)])
                == .error(ref: 0, reason: .atom("no_luck")))
        #expect(try failing.waitForExit() == .exited(1))
    }

    @Test(arguments: WorkerProgram.allCases, ["shutdown", "handoff"]) func terminate(
        program: WorkerProgram, reason: String
    ) throws {
        for mode in [WorkerStartMode.start, .standby] {
            let worker = try WorkerProbe.started(program, mode: mode)
            try worker.send(.terminate(ref: worker.newRef(), reason: .atom(reason)))
            #expect(try worker.waitForExit() == .exited(0))
        }
    }

    @Test(arguments: WorkerProgram.allCases) func endOfTheChannelIsTheEnd(program: WorkerProgram) throws {
        let worker = try WorkerProbe.started(program)
        worker.closeChannel()
        #expect(try worker.waitForExit() == .exited(0))
        let standby = try WorkerProbe.started(program, mode: .standby)
        standby.closeChannel()
        #expect(try standby.waitForExit() == .exited(0))
    }

    @Test(arguments: WorkerProgram.allCases) func failuresHaveLastWords(program: WorkerProgram) throws {
        let worker = try WorkerProbe.started(program)
        let request = try TermText.parseTerm(program == .swift ? "{throw,oops}" : "{raise,oops}")
        try worker.send(.call(ref: worker.newRef(), request: request))
        #expect(try worker.next() == .exit(reason: .atom("oops")))
        #expect(try worker.waitForExit() == .exited(1))
    }

    @Test(arguments: WorkerProgram.allCases) func crashesAndExits(program: WorkerProgram) throws {
        let crashing = try WorkerProbe.started(program)
        try crashing.send(.call(ref: crashing.newRef(), request: .atom("crash")))
        let end = try crashing.waitForExit()
        #expect(end == .signaled(SIGILL) || end == .signaled(SIGTRAP) || end == .signaled(SIGABRT))
        let exiting = try WorkerProbe.started(program)
        try exiting.send(.call(ref: exiting.newRef(), request: try TermText.parseTerm("{exit,5}")))
        #expect(try exiting.waitForExit() == .exited(5))
    }

    @Test(arguments: WorkerProgram.allCases) func garbageAndOversizeAreSeen(program: WorkerProgram) throws {
        for (request, expected) in [
            (
                "garbage",
                "frame holds no term in the external term format: byte 0: expected the version byte 131, found 104"
            ),
            ("oversize", "is over the limit of 16777216 bytes"),
        ] {
            let worker = try WorkerProbe.started(program)
            try worker.send(.call(ref: worker.newRef(), request: .atom(Atom(request))))
            let error = #expect(throws: WireError.self) { try worker.next() }
            #expect(error?.description.hasSuffix(expected) == true, "\(String(describing: error))")
        }
    }
}

func isOk(_ answer: WorkerAnswer) -> Bool {
    guard case .ok = answer else { return false }
    return true
}

/// The reason of an error, nil where it is none.
func reason(_ answer: WorkerAnswer) -> Term? {
    guard case .error(_, let reason) = answer else { return nil }
    return reason
}
