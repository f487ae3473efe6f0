import Instructions
import ReleaseHandling
import Supervision
import Terms
import Wire

@testable import Host
@testable import ReleaseHandlerD

/// Events of every kind, with what they say.
enum EventSamples {
    typealias Sample = (event: Event, message: String)

    static func of(_ kind: Event.Kind) -> [Sample] { all.filter { $0.event.entry.kind == kind } }

    private static let all: [Sample] =
        of(daemon, Event.daemon) + of(worker, Event.worker) + of(output, Event.output)
        + of(supervisors, Event.supervisor) + of(application, Event.application) + of(release, Event.release)
        + of(upgrade, Event.upgrade) + of(probation, Event.probation)

    private static func of<Part>(_ samples: [(Part, String)], _ event: (Part) -> Event) -> [Sample] {
        samples.map { (event: event($0.0), message: $0.1) }
    }

    private static let store = ChildAddress(application: "kv", path: [.atom("kv_sup"), .atom("store")])
    private static let supervisor = ChildAddress(application: "kv", path: [.atom("kv_sup")])
    private static let ended = EndedProcess(pid: 7, generation: 2, ageMilliseconds: 40)
    private static let change = ApplicationChange(
        application: "kv", from: "1.0.0", to: "2.0.0", directory: "/srv/kv")
    private static let failure = RelupMachine.Failure(index: nil, instruction: nil, error: .noSuchLibrary("kv"))

    private static let daemon: [(DaemonEvent, String)] = [
        (.booting(release: "demo", vsn: "1.0.0"), "booting release demo 1.0.0"),
        (.running(status: "release 1.0.0 runs"), "release 1.0.0 runs"),
        (.stopping(why: "asked to"), "stopping: asked to"),
        (.stopped, "the node is down"),
        (
            .earlierRunEnded(["pid 7 (a)", "pid 8 (b)"]),
            "the daemon's run before left pid 7 (a), pid 8 (b): ended before anything starts"
        ),
        (
            .earlierRunRemains(["1", "2", "3", "4", "5", "6"]),
            "the daemon's run before left 1, 2, 3, 4, 5, …, which SIGKILL did not end: it runs beside what starts now"
        ),
        (
            .earlierRunUnknown(error: "no space"),
            "the next run will not know what this one leaves behind: no space"
        ),
        (
            .watchdogStarved(reason: "it stands", leftMilliseconds: 20),
            """
            it stands: the watchdog is not told that all is well; unless that changes, the service manager ends the daemon \
            in 20 ms, and the permanent release boots
            """
        ),
        (
            .nodeNotRegistered(node: "kv@host", reason: "no"),
            "the other nodes of this machine do not know kv@host, and do not wait for it: no"
        ),
        (.watchdogFed, "the watchdog is told again that all is well"),
        (.reloaded(vsn: "1.0.0", failures: []), "the configuration of release 1.0.0 is read anew"),
        (.reloaded(vsn: "1.0.0", failures: ["a", "b"]), "the configuration of release 1.0.0 is read anew; a, b"),
        (.reloadFailed(reason: "no"), "the configuration was not read anew, and stays as it was: no"),
        (
            .reexecuted(erts: "0.2.0", previous: "0.1.0", workers: 3, pauseMicroseconds: 12_345),
            "release-handlerd 0.2.0 goes on in the place of 0.1.0, with 3 processes of workers, after 12 ms"
        ),
        (.reexecutionFailed(reason: "no"), "the daemon was not executed anew, and goes on as it is: no"),
        (
            .signalIgnored(name: "SIGUSR1"),
            "SIGUSR1 came, which means nothing here: SIGTERM stops the node, SIGHUP reads its configuration anew"
        ),
    ]

    private static let worker: [(WorkerEvent, String)] = [
        (
            .restartDelayed(store, milliseconds: 3_250, .ended(reason: .atom("boom"))),
            "kv/kv_sup/store is restarted in 3.25 s: it terminated: boom"
        ),
        (
            .restartDelayed(store, milliseconds: 60_000, .startFailed(reason: .atom("no"), explained: "no, really")),
            "kv/kv_sup/store is restarted in 60 s: its start failed: no, really"
        ),
        (.started(store, pid: 7, generation: 2), "kv/kv_sup/store started, pid 7"),
        (
            .startDelayed(store, reason: .atom("no_room"), milliseconds: 5_000),
            "kv/kv_sup/store can't be started now: no_room; it is tried again for 5000 ms"
        ),
        (
            .boundsIgnored(store, reason: "none is mounted"),
            "kv/kv_sup/store runs without the bounds of its cgroup: there are no control groups, none is mounted"
        ),
        (.exited(store, reason: .atom("normal"), ended), "kv/kv_sup/store terminated: normal"),
        (.exited(store, reason: .atom("boom"), nil), "kv/kv_sup/store terminated: boom"),
        (.stopped(store, reason: .atom("shutdown"), ended), "kv/kv_sup/store was stopped: shutdown"),
        (.stopped(store, reason: .atom("shutdown"), nil), "kv/kv_sup/store was stopped: shutdown"),
        (
            .restarted(store, count: 1, .ended(reason: .atom("boom"))),
            "kv/kv_sup/store is restarted, time 1: it terminated: boom"
        ),
        (
            .restarted(store, count: 2, .startFailed(reason: .atom("undef"), explained: "it is nowhere")),
            "kv/kv_sup/store is restarted, time 2: its start failed: it is nowhere"
        ),
        (
            .restarted(store, count: 3, .with(supervisor.child(.atom("other")))),
            "kv/kv_sup/store is restarted, time 3: with kv/kv_sup/other, as the strategy says"
        ),
        (.handedOff(store, oldPid: 7, pid: 8, generation: 3), "kv/kv_sup/store handed off from pid 7 to pid 8"),
        (
            .hung(store, isUnmodifiedProgram: false),
            "kv/kv_sup/store did not answer suspend in time and is terminated"
        ),
        (
            .lost(.init(worker: "kv/kv_sup/store", what: "state", why: "its process ended")),
            "kv/kv_sup/store has lost its state: its process ended"
        ),
        (.hung(store, isUnmodifiedProgram: true), "kv/kv_sup/store is an unmodified program and is terminated"),
        (
            .leftProcesses(
                store, pid: 7, [LeftProcess(pid: 9, name: "sleep", hasLeftGroup: false)], isInBackground: false),
            "kv/kv_sup/store left pid 9 (sleep) behind as it ended: killed"
        ),
        (
            .leftProcesses(
                store, pid: 7, [LeftProcess(pid: 9, name: "sleep", hasLeftGroup: true)], isInBackground: true),
            """
            kv/kv_sup/store left pid 9 (sleep) behind as it ended: killed; a program that puts itself into the background \
            can't be supervised: have it stay in the foreground
            """
        ),
        (
            .modulesNotLoaded(store, pid: 7, modules: ["a", "b"]),
            """
            kv/kv_sup/store has not loaded a, b: it speaks a version of the worker protocol before 4; build it with a newer \
            library, or take them out of its modules
            """
        ),
        (
            .notificationIgnored(store, pid: 7, sender: 9),
            """
            kv/kv_sup/store: a message to its NOTIFY_SOCKET came from pid 9, which is not of its process group: ignored, as \
            all such are
            """
        ),
        (
            .mainPidIgnored(store, pid: 7, mainPid: 9),
            """
            kv/kv_sup/store says that pid 9 is its main process now: ignored, pid 7 is the one that is supervised; run the \
            program in the foreground
            """
        ),
        (.configChangeFailed(store, failure: "it said no"), "it said no"),
        (
            .unknownStartPhase(store, "go", of: "kv"),
            "kv/kv_sup/store asks for the start phase go, which kv.app has not: it is not called"
        ),
    ]

    private static let output: [(OutputEvent, String)] =
        LogLevel.allCases.map {
            (.log(store, pid: 7, $0, WorkerLogMessage("hello", [.atom("key"): .atom("value")])), "hello")
        } + [
            (.line(store, pid: 7, .stderr, "oh"), "oh"),
            (
                .limited(store, .lines),
                "kv/kv_sup/store says more than 1000 lines in 10 s: the rest is dropped"
            ),
            (
                .dropped(store, OutputBudget.Loss(lines: 3, bytes: 30)),
                "3 lines of kv/kv_sup/store, 30 bytes, were dropped: it said too much"
            ),
        ]

    private static let supervisors: [(SupervisorEvent, String)] = [
        (.terminated(supervisor, reason: .atom("boom")), "kv/kv_sup terminated: boom"),
        (
            .ended(supervisor, reason: .atom("normal"), .transient),
            "kv/kv_sup ended: normal; it is transient and not started again"
        ),
        (
            .autoShutdown(supervisor, child: store, .anySignificant),
            "kv/kv_sup shuts down since its significant child kv/kv_sup/store has ended (any_significant)"
        ),
        (
            .startError(store, reason: .atom("undef"), explained: "it is nowhere"),
            "kv/kv_sup/store failed to start: it is nowhere"
        ),
        (.shutdownError(store, reason: .atom("killed")), "kv/kv_sup/store ended badly at its shutdown: killed"),
        (
            .shutdown(supervisor, child: store, reason: .atom("shutdown")),
            "kv/kv_sup gives up because of kv/kv_sup/store: shutdown"
        ),
    ]

    private static let application: [(ApplicationEvent, String)] = [
        (.started("kv"), "application kv started"),
        (.stopped("kv"), "application kv stopped"),
        (
            .failed("kv", reason: .atom("undef"), explained: "it is nowhere"),
            "application kv could not start: it is nowhere"
        ),
        (.exited("kv", .permanent, reason: .atom("boom")), "application kv (permanent) ended: boom"),
        (.internalError(vsn: "1.0.0", error: "odd"), "the applications of 1.0.0: odd"),
    ]

    private static let release: [(ReleaseEvent, String)] = [
        (.unpacked(vsn: "2.0.0", package: "demo"), "release 2.0.0 is unpacked from demo"),
        (.removed(vsn: "2.0.0"), "release 2.0.0 is removed"),
        (.registered(vsn: "2.0.0", file: "/srv/fix.rel"), "release 2.0.0 is registered by /srv/fix.rel"),
        (.forgotten(vsn: "2.0.0"), "release 2.0.0 is forgotten, and its files stay"),
        (.fileInstalled(vsn: "2.0.0", file: "releases/2.0.0/relup"), "release 2.0.0 has got releases/2.0.0/relup"),
        (.recovered(note: "it is whole"), "it is whole"),
        (.rootRepaired(sentence: "it was empty: written anew"), "it was empty: written anew"),
        (
            .found(.dropped(.init(release: "2.0.0", permanent: "1.0.0", why: "it was stopped", seconds: 1))),
            """
            release 2.0.0, which was being installed or on probation, was dropped for the permanent 1.0.0, since the daemon's \
            run ended: it was stopped
            """
        ),
        (
            .found(.triedAgain(release: "2.0.0", boot: 2, allowed: 2, last: "kv ended")),
            """
            boot 2 of 2 that release 2.0.0 has as the permanent one, before the release before it is permanent again; the \
            last ended so: kv ended
            """
        ),
        (
            .found(.fellBack(.init(from: "2.0.0", to: "1.0.0", boots: 2, why: "kv ended", seconds: 1))),
            """
            release 2.0.0, which had become permanent, did not come through 2 boots, and release 1.0.0, which was permanent \
            before it, is permanent again; the last run ended so: kv ended
            """
        ),
        (
            .found(.noFallback(release: "2.0.0", boots: 2, reason: "it is removed")),
            """
            release 2.0.0 did not come through 2 boots, and nothing can boot in its place: it is removed; releasectl \
            set-permanent VSN makes another one permanent
            """
        ),
        (.bootProved(vsn: "2.0.0"), "release 2.0.0 has come through its first boot as the permanent one"),
        (
            .rootUnwritable(reason: "no space"),
            """
            the release root can't be written to: no space; what runs goes on, and nothing can be unpacked, removed or \
            made permanent until that is mended
            """
        ),
        (
            .rootExposed(RootExposure(path: "/r/lib", how: .ownedBy(uid: 7))),
            "/r/lib belongs to user 7, who can have the daemon run anything: chown root /r/lib"
        ),
        (.madePermanent(vsn: "2.0.0", by: "probation"), "release 2.0.0 is permanent, by probation"),
        (
            .makePermanentFailed(vsn: "2.0.0", reason: "no space", isPermanent: true),
            "release 2.0.0 passed its probation and could not be made permanent: no space"
        ),
        (
            .makePermanentFailed(vsn: "2.0.0", reason: "no space", isPermanent: false),
            """
            release 2.0.0 passed its probation and could not be made permanent: no space; that is tried again until it \
            can be, and a restart before it drops the release
            """
        ),
    ]

    private static let upgrade: [(UpgradeEvent, String)] = [
        (.began(from: "1.0.0", to: "2.0.0"), "installing release 2.0.0 over 1.0.0"),
        (
            .began(from: "1.0.0", to: "2.0.0", makePermanent: .manual),
            "installing release 2.0.0 over 1.0.0, to stay current until it is made permanent"
        ),
        (.done(from: "1.0.0", to: "2.0.0"), "release 2.0.0 runs, installed over 1.0.0"),
        (
            .refused(to: "2.0.0", failure),
            "release 2.0.0 refused, nothing changed: library kv is not in the new release"
        ),
        (.applicationBegan(change), "changing application kv-1.0.0 to kv-2.0.0 from /srv/kv"),
        (.applicationDone(change), "application kv-2.0.0 runs, from /srv/kv; it was kv-1.0.0"),
        (
            .applicationRefused(change, failure),
            "application kv-2.0.0 refused, nothing changed: library kv is not in the new release"
        ),
        (
            .aborted(from: "1.0.0", to: "2.0.0", failure),
            "upgrade to 2.0.0 aborted, 1.0.0 runs on: library kv is not in the new release"
        ),
        (
            .takingBack(from: "2.0.0", to: "1.0.0", failure),
            """
            upgrade to 2.0.0 failed; what was committed is taken back by the script to 1.0.0: library kv is not in the new \
            release
            """
        ),
        (.stopped(to: "2.0.0"), "upgrade to 2.0.0 ended by the node's stop"),
        (
            .failed(to: "2.0.0", failure),
            "upgrade to 2.0.0 failed where it can't be undone: library kv is not in the new release"
        ),
        (.said("half done"), "half done"),
        (.purged("kv_server"), "old code of kv_server is purged: nobody runs it any more"),
        (.purgedBrutally(store), "kv/kv_sup/store ran old code that is purged brutally; it is ended"),
        (.traceWritten(to: "2.0.0", file: "/log/t"), "what the upgrade to 2.0.0 did is in /log/t"),
        (
            .traceFailed(to: "2.0.0", reason: "no space"),
            "what the upgrade to 2.0.0 did could not be written: no space"
        ),
    ]

    private static let probation: [(ProbationEvent, String)] = [
        (
            .started(vsn: "2.0.0", fallback: "1.0.0", milliseconds: 1_500, .auto),
            "release 2.0.0 is on probation for 1.5 s"
        ),
        (.healthCheck(program: "/bin/check", line: "fine"), "fine"),
        (.passed(vsn: "2.0.0", .auto), "release 2.0.0 passed its probation"),
        (
            .passed(vsn: "2.0.0", .manual),
            "release 2.0.0 passed its probation; it stays current until `releasectl make-permanent 2.0.0`"
        ),
        (
            .failed(vsn: "2.0.0", fallback: "1.0.0", .supervisorGaveUp("kv/kv_sup")),
            "release 2.0.0 failed its probation: supervisor kv/kv_sup gave up"
        ),
        (
            .kept(vsn: "2.0.0", reason: "no script", obstacle: "the permanent release 1.0.0 could not boot: no kv.rel"),
            """
            release 2.0.0 failed its probation and stays current: it can't be taken back by a script: no script; and the permanent \
            release 1.0.0 could not boot: no kv.rel; mend that, or `releasectl make-permanent 2.0.0` keeps this one
            """
        ),
    ]
}
