import Instructions
import Supervision
import Terms
import Testing

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
        #expect(controller.handle(.load("c")) == [.answer("c", .ok)])
        #expect(controller.handle(.load("b")) == [.answer("b", .tuple([.error, .tuple(["already_loaded", "b"])]))])
        #expect(controller.handle(.load("x")) == [.answer("x", .tuple([.error, .tuple(["not_in_release", "x"])]))])
        #expect(controller.handle(.unload("c")) == [.answer("c", .ok)])
        #expect(controller.handle(.unload("c")) == [.answer("c", .tuple([.error, .tuple(["not_loaded", "c"])]))])
        #expect(controller.handle(.unload("a")) == [.answer("a", .tuple([.error, .tuple(["running", "a"])]))])
        // A start loads.
        _ = controller.handle(.start("c", .temporary))
        #expect(controller.isLoaded("c"))
    }

    // MARK: Start phases

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
                .runStartPhases("a", [StartPhase(phase: "init", arguments: .nil)])
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

    @Test(arguments: [ApplicationType.permanent, .transient])
    func aFailedStartEndsTheNode(_ type: ApplicationType) throws {
        var controller = try ApplicationController([app("a", type), app("b")])
        _ = controller.handle(.boot)
        #expect(
            controller.handle(.rootFailed(root("a"), reason: "bad")) == [
                .startFailed("a", reason: "bad"),
                .terminateNode(reason: .tuple(["application_start_failure", "a", "bad"])),
            ])
        #expect(controller.handle(.stopAll) == [.allStopped])
    }

    @Test func aTemporaryOneMayFail() throws {
        var controller = try ApplicationController([app("a", .temporary), app("b", .temporary, needs: ["a"]), app("c")])
        _ = controller.handle(.boot)
        #expect(
            controller.handle(.rootFailed(root("a"), reason: "bad")) == [
                .startFailed("a", reason: "bad"), .startFailed("b", reason: .tuple(["not_started", "a"])), start("c"),
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
            controller.handle(.start("b", .temporary)) == [.startFailed("b", reason: .tuple(["not_started", "a"]))])
        #expect(
            controller.handle(.start("x", .temporary)) == [.startFailed("x", reason: .tuple(["not_loaded", "x"]))])
        #expect(controller.handle(.start("a", .permanent)) == [start("a")])
        #expect(controller.handle(.rootFailed(root("a"), reason: "bad")) == [.startFailed("a", reason: "bad")])
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
        #expect(controller.handle(.start("c", .permanent)) == [start("c")])
        #expect(controller.handle(.rootStarted(root("c"))) == [.started("c")])
        #expect(controller.handle(.stop("b")) == [.stopRoot(root("b"))])
        #expect(controller.handle(.rootStopped(root("b"), reason: .shutdown)) == [.stopped("b")])
        #expect(
            controller.handle(.start("b", .permanent)) == [.startFailed("b", reason: .tuple(["not_loaded", "b"]))])
    }
}
