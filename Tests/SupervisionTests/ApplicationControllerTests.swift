import Instructions
import Supervision
import Terms
import Testing
import Wire

@Suite struct ApplicationControllerTests {
    private func app(
        _ name: Atom, _ type: ApplicationType = .permanent, needs: [Atom] = [], optional: [Atom] = [],
        includes: [Atom] = [], isLibrary: Bool = false
    ) -> ApplicationSpec {
        ApplicationSpec(
            name: name, type: type, applications: needs, optionalApplications: optional, includedApplications: includes,
            mod: isLibrary ? nil : ApplicationModule(module: Atom(name.name + "_sup"), arguments: .nil))
    }

    private func root(_ name: Atom) -> ChildAddress { .root(application: name, module: Atom(name.name + "_sup")) }

    private func start(_ name: Atom) -> ApplicationController.Action {
        .startRoot(address: root(name), module: Atom(name.name + "_sup"), arguments: .nil)
    }

    // MARK: Loading

    @Test func applicationsAreLoadedWithTheReleaseAndByHand() throws {
        var controller = try ApplicationController([app("a"), app("b", .load), app("c", ApplicationType.none)])
        _ = controller.handle(.boot)
        #expect(controller.handle(.load("c")) == [.loaded(["c"]), .answer("c", .ok)])
        #expect(controller.handle(.load("b")) == [.answer("b", .tuple([.error, .tuple(["already_loaded", "b"])]))])
        let noSuchFile = Term.tuple([.string("no such file or directory"), .string("x.app")])
        #expect(controller.handle(.load("x")) == [.answer("x", .tuple([.error, noSuchFile]))])
        #expect(controller.handle(.unload("c")) == [.unloaded(["c"]), .answer("c", .ok)])
        #expect(controller.handle(.unload("c")) == [.answer("c", .tuple([.error, .tuple(["not_loaded", "c"])]))])
        #expect(controller.handle(.unload("a")) == [.answer("a", .tuple([.error, .tuple(["running", "a"])]))])
        // A start loads.
        _ = controller.handle(.start("c", .temporary))
        #expect(controller.isLoaded("c"))
    }

    @Test func includedApplicationsAreLoadedAndUnloadedWithTheirs() throws {
        var controller = try ApplicationController([
            app("top", .none, includes: ["mid"]), app("mid", .none, includes: ["low"]), app("low", .none),
        ])
        #expect(controller.handle(.load("top")) == [.loaded(["top", "mid", "low"]), .answer("top", .ok)])
        // One that runs by itself stays, as do those that it includes.
        _ = controller.handle(.start("mid", .temporary))
        _ = controller.handle(.rootStarted(root("mid")))
        #expect(controller.handle(.unload("top")) == [.unloaded(["top"]), .answer("top", .ok)])
        #expect(controller.loaded == ["mid", "low"])
    }

    @Test func whatAnUpgradeLoadedIsTakenBack() throws {
        var controller = try ApplicationController([app("a"), app("b", .load), app("c", ApplicationType.none)])
        _ = controller.handle(.boot)
        let before = controller.loaded
        _ = controller.handle(.unload("b"))
        _ = controller.handle(.load("c"))
        controller.restoreLoaded(before)
        #expect(controller.loaded == ["a", "b"])
    }

    // MARK: Start phases

    @Test func includedApplicationsTakePartByTheApplicationStarter() throws {
        var top = app("top", includes: ["one", "two", "lib"])
        top.startPhases = [StartPhase(phase: "init", arguments: 1), StartPhase(phase: "go", arguments: 2)]
        var one = app("one", includes: ["below"])
        one.startPhases = [StartPhase(phase: "go", arguments: 3), StartPhase(phase: "other", arguments: 4)]
        one.startsIncluded = true
        let (two, library) = (app("two"), app("lib", isLibrary: true))
        var below = app("below")
        below.startPhases = [StartPhase(phase: "go", arguments: 5)]
        func steps() throws -> [ApplicationController.Action] {
            var controller = try ApplicationController([top, one, two, library, below])
            _ = controller.handle(.boot)
            return controller.handle(.rootStarted(root("top")))
        }
        let own = [StartPhaseStep.call("top", top.startPhases![0]), .call("top", top.startPhases![1])]
        #expect(try steps() == [.runStartPhases("top", own)])
        top.startsIncluded = true
        let undefined = Term.tuple(["start_phases_undefined", "two"])
        #expect(try steps() == [.runStartPhases("top", [own[0], .fail(reason: undefined)])])
        top.includedApplications = ["one", "lib"]
        let all = own + [.call("one", one.startPhases![0]), .call("below", below.startPhases![0])]
        #expect(try steps() == [.runStartPhases("top", all)])
    }

    private func phased(_ type: ApplicationType = .permanent) -> ApplicationSpec {
        var spec = app("a", type)
        spec.startPhases = [StartPhase(phase: "init", arguments: .nil)]
        return spec
    }

    @Test func anApplicationIsStartedOnceItsPhasesAreDone() throws {
        var controller = try ApplicationController([phased(), app("b", needs: ["a"])])
        #expect(controller.handle(.boot) == [start("a")])
        #expect(
            controller.handle(.rootStarted(root("a"))) == [
                .runStartPhases("a", [.call("a", StartPhase(phase: "init", arguments: .nil))])
            ])
        #expect(controller.running == [])
        #expect(controller.handle(.startPhasesDone("a")) == [.started("a"), start("b")])
        #expect(controller.handle(.startPhasesDone("a")) == [])
    }

    @Test func aFailedPhaseStopsTheApplicationAndIsWhyItsStartFailed() throws {
        var controller = try ApplicationController([phased()])
        _ = controller.handle(.boot)
        _ = controller.handle(.rootStarted(root("a")))
        #expect(controller.handle(.startPhaseFailed("a", reason: "no")) == [.stopRoot(root("a"))])
        #expect(
            controller.handle(.rootStopped(root("a"), reason: .shutdown)) == [
                .startFailed("a", reason: "no"),
                .terminateNode(reason: .tuple(["application_start_failure", "a", "no"])),
            ])
    }

    @Test func aTemporaryApplicationsFailedPhaseEndsNoNode() throws {
        var controller = try ApplicationController([phased(.temporary), app("b")])
        _ = controller.handle(.boot)
        _ = controller.handle(.rootStarted(root("a")))
        _ = controller.handle(.startPhaseFailed("a", reason: "no"))
        #expect(
            controller.handle(.rootStopped(root("a"), reason: .shutdown)) == [
                .startFailed("a", reason: "no"), start("b"),
            ])
    }

    @Test func aStopOvertakesThePhases() throws {
        var controller = try ApplicationController([phased()])
        _ = controller.handle(.boot)
        _ = controller.handle(.rootStarted(root("a")))
        #expect(controller.handle(.stopAll) == [.stopRoot(root("a"))])
        #expect(controller.handle(.startPhaseFailed("a", reason: "late")) == [])
        #expect(
            controller.handle(.rootStopped(root("a"), reason: .shutdown)) == [.stopped("a"), .allStopped])
    }

    @Test func ordersByNeedAndElseAsTheRelease() throws {
        let controller = try ApplicationController([
            app("d", needs: ["kernel", "stdlib", "b"]), app("c"), app("b", needs: ["a"]), app("a"),
        ])
        #expect(controller.startOrder == ["a", "b", "d", "c"])
    }

    @Test func includedApplicationsAreNotStartedButTheirNeedsAre() throws {
        let controller = try ApplicationController([
            app("top", includes: ["inc"]), app("inc", needs: ["base"]), app("base"),
        ])
        #expect(controller.startOrder == ["base", "top"])
    }

    /// As in a boot script: the order of the release counts, and who needs an included one waits for its top.
    @Test func needsAreThoseOfABootScript() throws {
        var controller = try ApplicationController([
            app("user", needs: ["inc", "b", "a"]), app("a"), app("b"), app("top", includes: ["inc"]),
            app("inc", needs: ["top"]),
        ])
        #expect(controller.startOrder == ["a", "b", "top", "user"])
        #expect(
            controller.handle(.start("user", .temporary)) == [
                .loaded(["user"]), .startFailed("user", reason: .tuple(["not_started", "a"])),
            ])
    }

    @Test func optionalApplicationsMayBeMissing() throws {
        let controller = try ApplicationController([app("b", needs: ["a", "x"], optional: ["a", "x"]), app("a")])
        #expect(controller.startOrder == ["a", "b"])
    }

    private static let refused: [([ApplicationSpec], String)] = [
        (
            [ApplicationSpec(name: "a", applications: ["b"])],
            "application a needs b, which is not in the release: add it to the .rel"
        ),
        (
            [ApplicationSpec(name: "a", includedApplications: ["b"])],
            "application a needs b, which is not in the release: add it to the .rel"
        ),
        ([ApplicationSpec(name: "a"), ApplicationSpec(name: "a")], "application a stands twice in the release"),
        (
            [
                ApplicationSpec(name: "x", applications: ["a"]), ApplicationSpec(name: "a", applications: ["b"]),
                ApplicationSpec(name: "b", includedApplications: ["c"]),
                ApplicationSpec(name: "c", applications: ["a"]),
            ],
            "applications need each other in a circle: a -> b -> c -> a"
        ),
        (
            [
                ApplicationSpec(name: "a", includedApplications: ["c"]),
                ApplicationSpec(name: "b", includedApplications: ["c"]), ApplicationSpec(name: "c"),
            ],
            "application c is included by both a and b"
        ),
    ]

    @Test(arguments: refused)
    func refuses(_ specs: [ApplicationSpec], _ message: String) {
        let error = #expect(throws: ApplicationOrderError.self) { try ApplicationController(specs) }
        #expect(error?.description == message)
    }

    @Test func bootsOneAfterTheOtherAndStopsInReverse() throws {
        var controller = try ApplicationController([
            app("b", needs: ["lib"]), app("lib", isLibrary: true), app("c"), app("idle", .load), app("off", .none),
        ])
        #expect(controller.handle(.boot) == [.started("lib"), start("b")])
        #expect(controller.handle(.rootStarted(root("b"))) == [.started("b"), start("c")])
        #expect(controller.handle(.rootStarted(root("c"))) == [.started("c"), .booted])
        #expect(controller.running == ["lib", "b", "c"])
        #expect(controller.handle(.stopAll) == [.stopRoot(root("c"))])
        #expect(controller.handle(.rootStopped(root("c"), reason: .shutdown)) == [.stopped("c"), .stopRoot(root("b"))])
        #expect(
            controller.handle(.rootStopped(root("b"), reason: .shutdown)) == [
                .stopped("b"), .stopped("lib"), .allStopped,
            ])
        #expect(controller.running.isEmpty)
    }

    private func failure(_ name: Atom) -> Term {
        .tuple(["bad", .tuple([.atom(Atom(name.name + "_sup")), "start", .list(["normal", .nil])])])
    }

    @Test(arguments: [ApplicationType.permanent, .transient])
    func aFailedStartEndsTheNode(_ type: ApplicationType) throws {
        var controller = try ApplicationController([app("a", type), app("b")])
        _ = controller.handle(.boot)
        #expect(
            controller.handle(.rootFailed(root("a"), reason: "bad")) == [
                .startFailed("a", reason: failure("a")),
                .terminateNode(reason: .tuple(["application_start_failure", "a", failure("a")])),
            ])
        #expect(controller.handle(.stopAll) == [.allStopped])
    }

    @Test func aTemporaryOneMayFail() throws {
        var controller = try ApplicationController([app("a", .temporary), app("b", .temporary, needs: ["a"]), app("c")])
        _ = controller.handle(.boot)
        #expect(
            controller.handle(.rootFailed(root("a"), reason: "bad")) == [
                .startFailed("a", reason: failure("a")), .startFailed("b", reason: .tuple(["not_started", "a"])),
                start("c"),
            ])
    }

    /// As in OTP: a boot goes on without one that may not start, also a permanent one.
    @Test func onlyAStartThatWasTriedEndsTheNode() throws {
        var controller = try ApplicationController([app("a", .temporary), app("b", needs: ["a"]), app("c")])
        _ = controller.handle(.boot)
        #expect(
            controller.handle(.rootFailed(root("a"), reason: "bad")) == [
                .startFailed("a", reason: failure("a")), .startFailed("b", reason: .tuple(["not_started", "a"])),
                start("c"),
            ])
    }

    /// OTP's two lists, `started` and `running`: one that ended by itself stays in the first until it is stopped.
    @Test func oneThatEndedIsStartedAndDoesNotRun() throws {
        var controller = try ApplicationController([
            app("a", .temporary), app("b", .load, needs: ["a"]), app("lib", .load, needs: ["a"], isLibrary: true),
        ])
        _ = controller.handle(.boot)
        _ = controller.handle(.rootStarted(root("a")))
        _ = controller.handle(.rootStopped(root("a"), reason: "crash"))
        #expect(
            controller.handle(.start("b", .permanent)) == [
                .startFailed("b", reason: .tuple(["not_running", "a"]))
            ])
        #expect(controller.handle(.start("lib", .temporary)) == [.started("lib")])
        #expect(controller.handle(.stop("a")) == [.stopped("a")])
        #expect(controller.handle(.stop("a")) == [.stopFailed("a", reason: .tuple(["not_started", "a"]))])
        #expect(
            controller.handle(.start("b", .permanent)) == [
                .startFailed("b", reason: .tuple(["not_started", "a"]))
            ])
    }

    private static let exits: [(ApplicationType, Term, Bool)] = [
        (.permanent, .shutdown, true), (.permanent, .normal, true), (.transient, .shutdown, true),
        (.transient, .normal, false), (.temporary, .shutdown, false),
    ]

    @Test(arguments: exits)
    func theEndOfOneByItsType(_ type: ApplicationType, _ reason: Term, _ endsNode: Bool) throws {
        var controller = try ApplicationController([app("a", type)])
        _ = controller.handle(.boot)
        _ = controller.handle(.rootStarted(root("a")))
        var expected: [ApplicationController.Action] = [.exited("a", type, reason: reason)]
        if endsNode { expected.append(.terminateNode(reason: .tuple(["application_terminated", "a", reason]))) }
        #expect(controller.handle(.rootStopped(root("a"), reason: reason)) == expected)
        #expect(controller.state(of: "a") == .stopped)
    }

    @Test func startsAndStopsByHand() throws {
        var controller = try ApplicationController([app("a"), app("b", needs: ["a"])])
        #expect(
            controller.handle(.start("b", .temporary)) == [
                .loaded(["b"]), .startFailed("b", reason: .tuple(["not_started", "a"])),
            ])
        let noSuchFile = Term.tuple([.string("no such file or directory"), .string("x.app")])
        #expect(controller.handle(.start("x", .temporary)) == [.startFailed("x", reason: noSuchFile)])
        #expect(controller.handle(.start("a", .permanent)) == [.loaded(["a"]), start("a")])
        #expect(controller.handle(.rootFailed(root("a"), reason: "bad")) == [.startFailed("a", reason: failure("a"))])
        _ = controller.handle(.start("a", .permanent))
        #expect(controller.handle(.rootStarted(root("a"))) == [.started("a")])
        #expect(
            controller.handle(.start("a", .permanent)) == [
                .startFailed("a", reason: .tuple(["already_started", "a"]))
            ])
        #expect(controller.handle(.stop("a")) == [.stopRoot(root("a"))])
        #expect(controller.handle(.rootStopped(root("a"), reason: .shutdown)) == [.stopped("a")])
        #expect(controller.handle(.stop("a")) == [.stopFailed("a", reason: .tuple(["not_started", "a"]))])
    }

    @Test func stopAllOvertakesTheBoot() throws {
        var controller = try ApplicationController([app("a"), app("b"), app("c")])
        _ = controller.handle(.boot)
        _ = controller.handle(.rootStarted(root("a")))
        #expect(controller.handle(.stopAll) == [.stopRoot(root("b"))])
        #expect(controller.handle(.rootFailed(root("b"), reason: .shutdown)) == [.stopped("b"), .stopRoot(root("a"))])
        #expect(controller.handle(.rootStopped(root("a"), reason: .shutdown)) == [.stopped("a"), .allStopped])
    }

    @Test func anotherReleaseBringsAndTakesApplications() throws {
        var controller = try ApplicationController([app("a"), app("b")])
        _ = controller.handle(.boot)
        _ = controller.handle(.rootStarted(root("a")))
        _ = controller.handle(.rootStarted(root("b")))
        try controller.update([app("a"), app("c", needs: ["a"])])
        #expect(controller.handle(.start("c", .permanent)) == [.loaded(["c"]), start("c")])
        #expect(controller.handle(.rootStarted(root("c"))) == [.started("c")])
        #expect(controller.handle(.stop("b")) == [.stopRoot(root("b"))])
        #expect(controller.handle(.rootStopped(root("b"), reason: .shutdown)) == [.stopped("b")])
        let noSuchFile = Term.tuple([.string("no such file or directory"), .string("b.app")])
        #expect(controller.handle(.start("b", .permanent)) == [.startFailed("b", reason: noSuchFile)])
    }
}
