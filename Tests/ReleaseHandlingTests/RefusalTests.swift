import Instructions
import ReleaseHandling
import Terms
import Testing

@Suite struct RefusalTests {
    private func refusal(
        _ script: [LowLevelInstruction], _ world: World = world(),
        answer: (Int, Action, inout World) -> Event? = { _, _, _ in nil }
    ) -> Machine.Failure? {
        let result = run(machine(script), world, answer: answer)
        guard case .refused(let failure) = result.outcome else { return nil }
        #expect(result.world.standbys == [:])
        #expect(result.world.workers == world.workers)
        return failure
    }

    @Test func oldProcesses() {
        var world = world()
        world.workers[first]?.sha256 = "kv_server@0.9.0"
        let softly = LowLevelInstruction.load(module: kv, prePurge: .softPurge, postPurge: .softPurge)
        let failure = refusal([reading, .pointOfNoReturn, suspending, softly, resuming], world)
        #expect(failure?.reason == .tuple([.atom("old_processes"), .atom(kv)]))
        #expect(
            failure?.description == """
                instruction 4, {load,{kv_server,soft_purge,soft_purge}}: kv/kv_sup/a still runs old code of kv_server, \
                which the script purges softly; restart it or use brutal_purge
                """)
    }

    @Test func libraries() {
        let unknown = refusal([.loadObjectCode(library: "x", vsn: "1", modules: []), .pointOfNoReturn])
        #expect(unknown?.error.description == "library x is not in the new release")
        let version = refusal([.loadObjectCode(library: "kv", vsn: "3", modules: []), .pointOfNoReturn])
        #expect(version?.reason == .tuple([.atom("bad_lib_vsn"), .atom("kv"), .string("2.0.0")]))
        #expect(version?.error.description == "library kv-3 is not in the new release, which has kv-2.0.0")
    }

    @Test func objectCodeAndStandbys() {
        let object = refusal(dynamicUp) { _, action, _ in
            guard case .readObjectCode = action else { return nil }
            return .objectCodeFailed(module: kv, reason: .text("no such file"))
        }
        #expect(
            object?.description == """
                instruction 1, {load_object_code,{kv,"2.0.0",[kv_server]}}: object code of kv_server: no such file
                """)
        let standby = refusal(dynamicUp) { _, action, world in
            guard case .startStandbys = action else { return nil }
            _ = world.perform(action)
            return .standbyFailed(module: kv, worker: first, reason: .atom("crashed"))
        }
        #expect(standby?.error.description == "new code of kv_server does not start for kv/kv_sup/a: crashed")
    }

    @Test func kindsThatCanNotBeChangedSo() {
        func kind(_ kind: CodeVersion.Kind) -> String? {
            refusal(dynamicUp) { _, action, _ in
                guard case .readObjectCode = action else { return nil }
                return .objectCodeRead([code(kv, two, kind: kind)])
            }?.error.description
        }
        #expect(
            kind(.functional) == """
                object code of kv_server: it is a library, and kv/kv_sup/a, kv/kv_sup/b run it as their program; stop and \
                start them by the script
                """)
    }

    @Test func scripts() {
        let early = refusal([suspending, .pointOfNoReturn])
        #expect(early?.index == 0)
        let up = refusal([reading, .pointOfNoReturn, suspending, converting(.up), loading, resuming])
        #expect(
            up?.error.description == """
                kv_server is not loaded before its code_change up, so nothing would convert its state
                """)
        let twice = refusal([
            reading, .pointOfNoReturn, suspending, loading, converting(.up), converting(.up), resuming,
        ])
        #expect(twice?.index == 5)
        #expect(
            twice?.error.description == """
                the script converts the state of kv_server's workers a second time, which is in the other version's form \
                since the first; leave one of the two out
                """)
        // Where nobody is suspended for it, there is nothing to convert.
        let idle: [LowLevelInstruction] = [
            reading, .pointOfNoReturn, loading, converting(.up), converting(.up), suspending, resuming,
        ]
        #expect(machine(idle).checkScript() == nil)
        let down = refusal([suspending, converting(.down), resuming])
        #expect(
            down?.error.description == """
                kv_server is not loaded by this script, so there is no version to change down to
                """)
    }

    @Test func syncNodesWithWhatIsNoNode() {
        let failure = refusal([.pointOfNoReturn, .syncNodes(id: 1, .nodes(["n@h", "n"]))])
        #expect(
            failure?.description == """
                instruction 2, {sync_nodes,1,[n@h,n]}: n is no node's name, which is name@host: letters, digits, _ and - \
                (behind the @ also . and :), 200 at most
                """)
        let builtIn = MFA(module: "application", function: "get_env", arguments: [.atom("nodes")])
        #expect(
            refusal([.pointOfNoReturn, .syncNodes(id: 1, .apply(builtIn))])?.error.description == """
                application:get_env answers no list of nodes; call a program of the release
                """)
    }

    @Test func applyBeforeThePoint() {
        for answer in [Event.applied(.tuple([.error, .atom("no")])), .applyFailed(.atom("no"))] {
            let failure = refusal([applying("migrate", "check"), .pointOfNoReturn]) { _, action, _ in
                guard case .apply = action else { return nil }
                return answer
            }
            #expect(failure?.worker == nil)
            #expect(failure?.reason.asTuple?.first == .atom("apply_failed"))
        }
    }

    @Test func anAnswerToNothing() {
        var machine = machine(dynamicUp)
        _ = machine.start(code: table())
        #expect(
            machine.handle(.startsHeld, code: table()) == [
                .finished(
                    .refused(
                        Machine.Failure(
                            index: nil, instruction: nil,
                            error: .unexpectedEvent("the event startsHeld answers no action that was asked for"))))
            ])
        #expect(machine.handle(.startsHeld, code: table()) == [])
    }
}
