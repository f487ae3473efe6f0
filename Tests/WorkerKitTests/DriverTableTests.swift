import Testing

@testable import WorkerKit

private typealias Event = DriverTable.Event
private typealias Action = DriverTable.Action

private let a = DriverUser("a")
private let b = DriverUser("b")
private let c = DriverUser("c")

/// Requests with all that the table has done of them, outcomes included. Steps are said in short: see `run`.
struct DriverCase: Sendable, CustomTestStringConvertible {
    let name: String
    fileprivate let steps: [(Event, [Action])]
    /// What `start`, `swap` and `openPort` come to, where it is not success.
    fileprivate var outcomes: [Action: Event] = [:]
    var testDescription: String { name }
}

private let load = Event.load(a, killPorts: false)
private let loaded: (Event, [Action]) = (load, [.fetch, .start, .answer(.state(.loaded))])
private let loadedToo: (Event, [Action]) = (.load(b, killPorts: false), [.answer(.state(.alreadyLoaded))])
private let loadedKilling: (Event, [Action]) = (
    .load(a, killPorts: true), [.fetch, .start, .answer(.state(.loaded))]
)
private func opened(_ user: DriverUser, _ port: Int) -> (Event, [Action]) {
    (.open(user), [.openPort(port), .answer(.port(port))])
}
private let pendingForPort: (Event, [Action]) = (
    .reload(a, .pendingDriver, ticket: 1), [.fetch, .answer(.state(.pendingDriver))]
)
private let pendingForUser: (Event, [Action]) = (
    .reload(a, .pending, ticket: 1), [.fetch, .answer(.state(.pendingProcess))]
)

private let loading: [DriverCase] = [
    DriverCase(
        name: "loaded once, counted for each, unloaded with the last",
        steps: [
            loaded,
            (load, [.answer(.state(.alreadyLoaded))]),
            loadedToo,
            (.unload(a), [.answer(.state(.pendingProcess))]),
            (.unload(b), [.answer(.state(.pendingProcess))]),
            (.unload(a), [.stop, .answer(.state(.unloaded))]),
            (.unload(a), [.fail(.notLoaded)]),
        ]),
    DriverCase(
        name: "what is not loaded",
        steps: [
            (.unload(a), [.fail(.notLoaded)]),
            (.reload(a, .pending), [.fail(.notLoaded)]),
            (.open(a), [.fail(.notLoaded)]),
            (.close(port: 0), [.fail(.notOpen)]),
            (.userEnded(a), [.answer(.done)]),
        ]),
    DriverCase(
        name: "a stranger",
        steps: [
            loaded,
            (.unload(b), [.fail(.notLoadedByThisProcess)]),
            (.reload(b, .pending), [.fail(.notLoadedByThisProcess)]),
            (.reload(b, .pendingDriver), [.fail(.pendingProcess)]),
            (.reload(b, .pending, killPorts: true), [.fail(.inconsistent)]),
            (.load(b, killPorts: true), [.fail(.inconsistent)]),
        ]),
    DriverCase(
        name: "a load that fails leaves nothing",
        steps: [(load, [.fetch, .start, .fail(.loadFailure("bad"))]), (.unload(a), [.fail(.notLoaded)])],
        outcomes: [.start: .notStarted("bad")]),
    DriverCase(
        name: "a library that can't be had leaves nothing",
        steps: [(load, [.fetch, .fail(.loadFailure("none"))]), (.unload(a), [.fail(.notLoaded)])],
        outcomes: [.fetch: .notFetched("none")]),
    DriverCase(
        name: "an unload waits for ports, of whomever",
        steps: [
            loaded, opened(a, 0), opened(b, 1),
            (.unload(a, ticket: 1), [.answer(.state(.pendingDriver))]),
            opened(c, 2),
            (.reload(a, .pending), [.fail(.notLoadedByThisProcess)]),
            (.close(port: 0), [.closePort(0), .answer(.done)]),
            (.userEnded(c), [.closePort(2), .answer(.done)]),
            (.close(port: 1), [.closePort(1), .answer(.done), .stop, .tell(ticket: 1, .unloaded)]),
            (.unload(a), [.fail(.notLoaded)]),
        ]),
    DriverCase(
        name: "loaded once more while it waits for ports, it stays",
        steps: [
            loaded, opened(a, 0),
            (.unload(a, ticket: 1), [.answer(.state(.pendingDriver))]),
            (.load(b, killPorts: true), [.fail(.inconsistent)]),
            (.load(b, killPorts: false), [.tell(ticket: 1, .unloadCancelled), .answer(.state(.alreadyLoaded))]),
            (.close(port: 0), [.closePort(0), .answer(.done)]),
            (.unload(b), [.stop, .answer(.state(.unloaded))]),
        ]),
    DriverCase(
        name: "an unload may close the ports, as the last",
        steps: [
            loaded, loadedToo, opened(b, 0),
            (.unload(a, killPorts: true, ticket: 1), [.answer(.state(.pendingProcess))]),
            (
                .unload(b, killPorts: true),
                [.closePort(0), .stop, .tell(ticket: 1, .unloaded), .answer(.state(.unloaded))]
            ),
            (.close(port: 0), [.fail(.notOpen)]),
        ]),
    DriverCase(
        name: "kill_ports closes them with the last user's end",
        steps: [
            loadedKilling, opened(b, 0), opened(c, 1),
            (.userEnded(a), [.answer(.done), .closePort(0), .closePort(1), .stop]),
            (.open(b), [.fail(.notLoaded)]),
        ]),
    DriverCase(
        name: "a user's end releases what it held, and no more",
        steps: [
            loaded, loadedToo, (load, [.answer(.state(.alreadyLoaded))]), opened(a, 0), opened(b, 1), opened(a, 2),
            (.userEnded(a), [.closePort(0), .closePort(2), .answer(.done)]),
            (.unload(a), [.fail(.notLoadedByThisProcess)]),
            (.userEnded(a), [.answer(.done)]),
            (.userEnded(b), [.closePort(1), .answer(.done), .stop]),
        ]),
    DriverCase(
        name: "an open that is refused",
        steps: [loaded, (.open(a), [.openPort(0), .fail(.openFailed(5))]), loadedToo],
        outcomes: [.openPort(0): .portRefused(5)]),
]

private let reloading: [DriverCase] = [
    DriverCase(
        name: "the only user, no port: at once",
        steps: [
            loaded,
            (.reload(a, .pendingDriver), [.fetch, .swap, .answer(.state(.loaded))]),
            (.unload(a), [.stop, .answer(.state(.unloaded))]),
        ]),
    DriverCase(
        name: "kill_ports closes the ports at once",
        steps: [
            loadedKilling, opened(a, 0), opened(b, 1),
            (.reload(a, .pendingDriver), [.fail(.inconsistent)]),
            (
                .reload(a, .pendingDriver, killPorts: true, isWaiting: true),
                [.fetch, .closePort(0), .closePort(1), .swap, .answer(.state(.loaded))]
            ),
            (.close(port: 0), [.fail(.notOpen)]),
        ]),
    DriverCase(
        name: "waits for ports, and those that are opened meanwhile",
        steps: [
            loaded, opened(a, 0), pendingForPort, opened(b, 1),
            (.reload(a, .pendingDriver), [.fail(.pendingReload)]),
            (.reload(b, .pending), [.fail(.pendingReload)]),
            (.close(port: 0), [.closePort(0), .answer(.done)]),
            (.close(port: 1), [.closePort(1), .answer(.done), .swap, .tell(ticket: 1, .loaded)]),
            opened(a, 2),
        ]),
    DriverCase(
        name: "who waits for its own port waits in vain",
        steps: [
            loaded, opened(b, 0), opened(a, 1),
            (.reload(a, .pendingDriver, isWaiting: true), [.fail(.pendingDriver)]),
            (.close(port: 1), [.closePort(1), .answer(.done)]),
            (.reload(a, .pendingDriver, isWaiting: true, ticket: 1), [.fetch, .answer(.state(.pendingDriver))]),
            (.userEnded(b), [.closePort(0), .answer(.done), .swap, .tell(ticket: 1, .loaded)]),
        ]),
    DriverCase(
        name: "several users: an error, or waits until the last other one is gone",
        steps: [
            loaded, loadedToo, (.load(c, killPorts: false), [.answer(.state(.alreadyLoaded))]), opened(b, 0),
            (.reload(a, .pendingDriver), [.fail(.pendingProcess)]),
            pendingForUser,
            (.unload(c, ticket: 2), [.answer(.state(.pendingProcess))]),
            (.unload(b), [.answer(.state(.pendingProcess))]),
            (
                .close(port: 0),
                [.closePort(0), .answer(.done), .swap, .tell(ticket: 2, .unloaded), .tell(ticket: 1, .loaded)]
            ),
            (.unload(b), [.fail(.notLoadedByThisProcess)]),
        ]),
    DriverCase(
        name: "the last other user's unload swaps",
        steps: [
            loaded, loadedToo, pendingForUser,
            (.unload(b), [.answer(.state(.pendingProcess)), .swap, .tell(ticket: 1, .loaded)]),
        ]),
    DriverCase(
        name: "the last other user's end swaps",
        steps: [
            loaded, loadedToo, opened(b, 0), pendingForUser,
            (.userEnded(b), [.closePort(0), .answer(.done), .swap, .tell(ticket: 1, .loaded)]),
        ]),
    DriverCase(
        name: "who loads meanwhile uses the version to come, and does not hold it up",
        steps: [
            loaded, loadedToo, pendingForUser,
            (.load(c, killPorts: true), [.fail(.inconsistent)]),
            (.load(c, killPorts: false, ticket: 2), [.answer(.state(.pendingProcess))]),
            (.load(c, killPorts: false, ticket: 3), [.answer(.state(.pendingProcess))]),
            (.unload(c), [.tell(ticket: 3, .loadCancelled), .answer(.state(.pendingProcess))]),
            (
                .userEnded(b),
                [.answer(.done), .swap, .tell(ticket: 2, .loaded), .tell(ticket: 1, .loaded)]
            ),
            (.unload(a), [.answer(.state(.pendingProcess))]),
            (.unload(c), [.stop, .answer(.state(.unloaded))]),
        ]),
    DriverCase(
        name: "who unloads what it reloads gives that up",
        steps: [
            loaded, loadedToo, pendingForUser,
            (.load(c, killPorts: false, ticket: 2), [.answer(.state(.pendingProcess))]),
            (
                .unload(a),
                [
                    .drop, .tell(ticket: 1, .loadCancelled), .tell(ticket: 2, .loaded),
                    .answer(.state(.pendingProcess)),
                ]
            ),
            (.unload(b), [.answer(.state(.pendingProcess))]),
            (.unload(c), [.stop, .answer(.state(.unloaded))]),
        ]),
    DriverCase(
        name: "who ends gives up its reload",
        steps: [
            loaded, opened(b, 0), pendingForPort,
            (.userEnded(a), [.drop, .tell(ticket: 1, .loadCancelled), .answer(.done)]),
            (.close(port: 0), [.closePort(0), .answer(.done), .stop]),
        ]),
    DriverCase(
        name: "who ends while it waits for a load",
        steps: [
            loaded, opened(a, 0), pendingForPort,
            (.load(b, killPorts: false, ticket: 2), [.answer(.state(.pendingDriver))]),
            (.userEnded(b), [.tell(ticket: 2, .loadCancelled), .answer(.done)]),
            (.close(port: 0), [.closePort(0), .answer(.done), .swap, .tell(ticket: 1, .loaded)]),
            (.unload(a), [.stop, .answer(.state(.unloaded))]),
        ]),
]

private let failing: [DriverCase] = [
    DriverCase(
        name: "the old version is kept",
        steps: [
            loaded,
            (.reload(a, .pendingDriver), [.fetch, .swap, .fail(.loadFailure("bad"))]),
            opened(a, 0),
            (.close(port: 0), [.closePort(0), .answer(.done)]),
            (.unload(a), [.stop, .answer(.state(.unloaded))]),
        ], outcomes: [.swap: .kept("bad")]),
    DriverCase(
        name: "kept, after others waited for the new one",
        steps: [
            loaded, opened(a, 0), pendingForPort,
            (.load(b, killPorts: false, ticket: 2), [.answer(.state(.pendingDriver))]),
            (
                .close(port: 0),
                [
                    .closePort(0), .answer(.done), .swap, .tell(ticket: 2, .loadFailure("bad")),
                    .tell(ticket: 1, .loadFailure("bad")),
                ]
            ),
            (.unload(b), [.fail(.notLoadedByThisProcess)]),
            (.unload(a), [.stop, .answer(.state(.unloaded))]),
        ], outcomes: [.swap: .kept("bad")]),
    DriverCase(
        name: "both are lost",
        steps: [
            loaded, loadedToo, pendingForUser,
            (
                .unload(b, ticket: 2),
                [
                    .answer(.state(.pendingProcess)), .swap, .tell(ticket: 1, .loadFailure("both")),
                    .tell(ticket: 2, .unloaded),
                ]
            ),
            (.unload(a), [.fail(.notLoaded)]),
            loaded,
        ], outcomes: [.swap: .lost("both")]),
]

@Suite struct DriverTableTests {
    private func check(_ item: DriverCase) {
        var table = DriverTable()
        for (event, expected) in item.steps { #expect(table.run(event, item.outcomes) == expected, "\(event)") }
    }

    @Test(arguments: loading) func loads(_ item: DriverCase) { check(item) }
    @Test(arguments: reloading) func reloads(_ item: DriverCase) { check(item) }
    @Test(arguments: failing) func reloadsThatFail(_ item: DriverCase) { check(item) }

    @Test func aReloadWhoseLibraryCantBeHadChangesNothing() {
        var table = DriverTable()
        _ = table.run(load)
        let none = table.run(.reload(a, .pendingDriver), [.fetch: .notFetched("none")])
        #expect(none == [.fetch, .fail(.loadFailure("none"))])
        #expect(table.run(.reload(a, .pendingDriver)) == [.fetch, .swap, .answer(.state(.loaded))])
    }

    @Test func driversAreCountedApart() {
        var table = DriverTable()
        _ = table.run(load)
        #expect(table.handle(.unload(a), of: "other") == [.fail(.notLoaded)])
        #expect(table.handle(load, of: "other") == [.fetch])
        #expect(table.handle(.notFetched("none"), of: "other") == [.fail(.loadFailure("none"))])
        #expect(table.drivers.keys.sorted() == ["counter"])
    }

    @Test func limits() {
        var table = DriverTable(limits: .init(drivers: 1, ports: 1, waiting: 1))
        _ = table.run(load)
        _ = table.run(.load(b, killPorts: false))
        #expect(table.handle(load, of: "other") == [.fail(.systemLimit("1 drivers"))])
        _ = table.run(.open(a))
        #expect(table.run(.open(a)) == [.fail(.systemLimit("1 ports"))])
        _ = table.run(.reload(a, .pending))
        _ = table.run(.load(c, killPorts: false))
        #expect(table.run(.load(c, killPorts: false)) == [.fail(.systemLimit("1 loads that wait"))])
    }
}
