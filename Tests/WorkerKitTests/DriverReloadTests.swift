import Terms
import Testing

@testable import WorkerKit

private let a = DriverUser("a")
private let b = DriverUser("b")
private let c = DriverUser("c")
private let one: Term = .binary(Array("1.0.0".utf8))
private let two: Term = .binary(Array("2.0.0".utf8))

/// Reloads of a real library, with several users and threads.
@Suite struct DriverReloadTests {
    private let fixture: DriverFixture
    private let drivers: Drivers

    init() throws {
        fixture = try DriverFixture.withTwoVersions()
        drivers = fixture.drivers()
    }

    /// Two users have version 1; what is loaded next is version 2.
    private func loadForTwo() throws {
        try drivers.load("counter", by: a)
        try drivers.load("counter", by: b)
        fixture.use("2.so")
    }

    @Test func reloadsAreRefusedInWords() throws {
        try loadForTwo()
        #expect { try drivers.reload("counter", by: a) } throws: {
            "\($0)" == "driver counter: it has other users; wait for them with tryReload(waitingFor: .pending)"
        }
        #expect(try drivers.tryReload("counter", by: a, waitingFor: .pending) == .pendingProcess)
        for user in [a, b] {
            #expect { try drivers.tryReload("counter", by: user, waitingFor: .pending) } throws: {
                "\($0)"
                    == "driver counter: a reload is pending already; wait for it, or unload what asked for it"
            }
        }
        expectFailure(.pendingReload) { try drivers.reload("counter", by: a) }
        #expect(drivers.info("counter")?.awaitingLoad == [a])
    }

    @Test func aPendingReloadIsDoneWhenTheLastOtherUserIsGone() throws {
        try loadForTwo()
        let done = DriverWait()
        let held = try drivers.open("counter", by: b)
        #expect(
            try drivers.tryReload("counter", by: a, waitingFor: .pending, whenDone: { done.set($0) })
                == .pendingProcess)
        // The version that runs goes on, and may be opened.
        let port = try drivers.open("counter", by: b)
        #expect(try drivers.control(port, 2) == one)
        // Who loads it meanwhile has to wait, and holds nothing up.
        let later = DriverThread { [drivers] in try drivers.load("counter", by: c) }
        drivers.awaitLoads([a, c])
        try drivers.unload("counter", by: b)
        #expect(drivers.info("counter")?.vsn == "1.0.0")
        drivers.userEnded(b)
        #expect(done.get() == .loaded)
        try later.value()
        #expect(drivers.info("counter")?.vsn == "2.0.0" && drivers.info("counter")?.users == [a: 1, c: 1])
        for closed in [held, port] { expectFailure(.notOpen) { try drivers.control(closed, 1) } }
        let new = try drivers.open("counter", by: a)
        #expect(try drivers.control(new, 2) == two)
    }

    @Test func aReloadThatWaitsReturnsWhenTheNewVersionRuns() throws {
        try drivers.load("counter", by: a)
        fixture.use("2.so")
        let own = try drivers.open("counter", by: a)
        expectFailure(.pendingDriver) { try drivers.reload("counter", by: a) }
        try drivers.close(own)
        let port = try drivers.open("counter", by: b)
        let reload = DriverThread { [drivers] in try drivers.reload("counter", by: a) }
        drivers.awaitLoads([a])
        #expect(try drivers.control(port, 2) == one)
        try drivers.close(port)
        try reload.value()
        #expect(drivers.info("counter")?.vsn == "2.0.0")
    }

    @Test func aUserThatEndsGivesUpItsReload() throws {
        try drivers.load("counter", by: a)
        fixture.use("2.so")
        let port = try drivers.open("counter", by: b)
        let reload = DriverThread { [drivers] in try drivers.reload("counter", by: a) }
        drivers.awaitLoads([a])
        drivers.userEnded(a)
        expectFailure(.loadCancelled) { try reload.value() }
        #expect(try drivers.control(port, 2) == one)
        #expect(drivers.info("counter")?.isAwaitingUnload == true)
        drivers.userEnded(b)
        #expect(drivers.info("counter") == nil)
        #expect(try fixture.openDescriptors() == 0)
    }

    @Test func aPendingReloadThatFailsTellsSoAndKeepsTheOldOne() throws {
        try loadForTwo()
        try fixture.build("refuses.so", vsn: "2.0.0", ["-DREFUSE=9"])
        fixture.use("refuses.so")
        let done = DriverWait()
        try drivers.tryReload("counter", by: a, waitingFor: .pending) { done.set($0) }
        try drivers.unload("counter", by: b)
        #expect(done.get() == .loadFailure("its init refuses: 9"))
        let port = try drivers.open("counter", by: a)
        #expect(try drivers.control(port, 2) == one)
    }

    @Test func killPortsClosesThoseOfOthers() throws {
        try drivers.load("counter", by: a, killPorts: true)
        let ports = try [drivers.open("counter", by: a), drivers.open("counter", by: b)]
        fixture.use("2.so")
        expectFailure(.inconsistent) { try drivers.reload("counter", by: a) }
        try drivers.reload("counter", by: a, killPorts: true)
        for port in ports { expectFailure(.notOpen) { try drivers.control(port, 1) } }
        #expect(drivers.info("counter")?.vsn == "2.0.0")
        #expect(drivers.info("counter")?.killsPorts == true)
    }

    @Test func aUsersEndClosesItsPortsAndNoOthers() throws {
        try loadForTwo()
        let closed = try drivers.open("counter", by: a)
        let port = try drivers.open("counter", by: b)
        #expect(try drivers.control(port, 3) == 2)
        drivers.userEnded(a)
        drivers.userEnded(c)
        expectFailure(.notOpen) { try drivers.control(closed, 1) }
        #expect(try drivers.control(port, 3) == 1)
        #expect(drivers.info("counter")?.users == [b: 1])
        drivers.userEnded(b)
        #expect(drivers.info("counter") == nil)
    }

    /// The old version is held in its finish: whatever is asked of the driver then is answered by the new one, and another driver
    /// is not held up.
    @Test func usesDuringTheSwapWaitAndGoToTheNewVersion() throws {
        try fixture.build("gauge.so", ["-DNAME=\"gauge\""])
        fixture.use("gauge.so")
        try drivers.load("gauge", by: c)
        let gauge = try drivers.open("gauge", by: c)
        fixture.use("1.so")
        try drivers.load("counter", by: a)
        let gate = DriverGate()
        let port = try drivers.open("counter", by: a, command: gate.command)
        try drivers.control(port, 11)
        try drivers.close(port)
        fixture.use("2.so")
        let reload = DriverThread { [drivers] in try drivers.reload("counter", by: a) }
        gate.arrive()
        let open = DriverThread { [drivers] in
            let port = try drivers.open("counter", by: b)
            return try drivers.control(port, 2)
        }
        let load = DriverThread { [drivers] in try drivers.tryLoad("counter", by: b) }
        let late = DriverThread { [drivers] in try drivers.control(port, 2) }
        let info = DriverThread { [drivers] in drivers.info("counter")?.vsn }
        drivers.awaitWaiting(4)
        #expect(try drivers.control(gauge, 1) == 1)
        gate.open()
        try reload.value()
        #expect(try open.value() == two)
        #expect(try load.value() == .alreadyLoaded)
        #expect(try info.value() == "2.0.0")
        expectFailure(.notOpen) { _ = try late.value() }
    }

    /// One thread is in a driver at a time, and a reload waits for it.
    @Test func aCallUnderWayIsWaitedFor() throws {
        try drivers.load("counter", by: a, killPorts: true)
        let gate = DriverGate()
        let port = try drivers.open("counter", by: b, command: gate.command)
        let call = DriverThread { [drivers] in try drivers.control(port, 8) }
        gate.arrive()
        fixture.use("2.so")
        let reload = DriverThread { [drivers] in try drivers.reload("counter", by: a, killPorts: true) }
        drivers.awaitWaiting(1)
        gate.open()
        #expect(try call.value() == one)
        try reload.value()
        #expect(drivers.info("counter")?.vsn == "2.0.0")
    }

    @Test func callsOfManyThreadsAreServedOneByOne() throws {
        try drivers.load("counter", by: a)
        let port = try drivers.open("counter", by: a)
        let threads = (0..<4).map { index in
            DriverThread { [drivers] in
                for _ in 0..<500 { try drivers.control(port, 1) }
                let user = DriverUser("thread \(index)")
                for _ in 0..<50 {
                    try drivers.load("counter", by: user)
                    _ = try drivers.open("counter", by: user)
                    drivers.userEnded(user)
                }
            }
        }
        for thread in threads { try thread.value() }
        #expect(try drivers.control(port, 1) == .integer(2001 % 256))
        #expect(drivers.info("counter")?.users == [a: 1])
    }

    /// What is told may ask drivers for more.
    @Test func whatIsToldMayUseDrivers() throws {
        try loadForTwo()
        let done = DriverWait()
        try drivers.tryReload("counter", by: a, waitingFor: .pending) { [drivers] outcome in
            if (try? drivers.tryUnload("counter", by: a)) == .unloaded { done.set(outcome) }
        }
        drivers.userEnded(b)
        #expect(done.get() == .loaded)
        #expect(drivers.info("counter") == nil)
    }
}
