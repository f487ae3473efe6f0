import Foundation
import Glibc
import Terms
import Testing

@testable import WorkerKit

private let a = DriverUser("a")
private let b = DriverUser("b")
private let one: Term = .binary(Array("1.0.0".utf8))
private let two: Term = .binary(Array("2.0.0".utf8))

/// Real libraries in this process.
@Suite struct DriversTests {
    private let fixture: DriverFixture
    private let drivers: Drivers

    init() throws {
        fixture = try DriverFixture.withTwoVersions()
        drivers = fixture.drivers()
    }

    private func vsn(_ user: DriverUser = a) throws -> Term {
        let port = try drivers.open("counter", by: user)
        defer { try? drivers.close(port) }
        return try drivers.control(port, 2)
    }

    @Test func loadsControlsAndUnloads() throws {
        try drivers.load("counter", by: a)
        #expect(try drivers.tryLoad("counter", by: b) == .alreadyLoaded)
        let port = try drivers.open("counter", by: a)
        #expect(try drivers.control(port, 1) == 1)
        #expect(try drivers.control(port, 1, [.atom("arguments"), 2]) == 2)
        let info = try #require(drivers.info("counter"))
        #expect(info.vsn == "1.0.0" && info.users == [a: 1, b: 1] && info.ports == [a: 1])
        #expect(drivers.loadedDrivers == ["counter"])
        #expect(try fixture.mapped() == ["1.so"])
        #expect(try drivers.tryUnload("counter", by: a) == .pendingProcess)
        #expect(try drivers.tryUnload("counter", by: b) == .pendingDriver)
        #expect(drivers.info("counter")?.isAwaitingUnload == true)
        try drivers.close(port)
        #expect(drivers.info("counter") == nil && drivers.loadedDrivers.isEmpty)
        #expect(try fixture.mapped().isEmpty)
        #expect(try fixture.openDescriptors() == 0)
        expectFailure(.notLoaded) { try drivers.unload("counter", by: a) }
    }

    @Test func whatAControlFunctionAnswers() throws {
        try drivers.load("counter", by: a)
        expectFailure(.openFailed(42)) { _ = try drivers.open("counter", by: a, command: Array("refuse".utf8)) }
        expectFailure(.systemLimit("65536 bytes of a command")) {
            _ = try drivers.open("counter", by: a, command: [UInt8](repeating: 0, count: 65_537))
        }
        let port = try drivers.open("counter", by: a)
        #expect(try drivers.control(port, 7) == .atom("ok"))
        expectFailure(.failed(0)) { try drivers.control(port, 4) }
        expectFailure(.answerTooLarge) { try drivers.control(port, 5) }
        expectFailure(.failed(.atom("undefined"))) { try drivers.control(port, 6) }
        #expect { try drivers.control(port, 9) } throws: { error in
            if case .badAnswer = (error as? DriverError)?.reason { true } else { false }
        }
        try drivers.close(port)
        expectFailure(.notOpen) { try drivers.control(port, 1) }
        expectFailure(.notOpen) { try drivers.close(port) }
    }

    @Test func theDriverOfTheDocumentationCounts() throws {
        let page = DriverFixture.root.appending(path: "docs/drivers.md")
        let parts = try String(contentsOf: page, encoding: .utf8).components(separatedBy: "```c\n")
        let source = try #require(parts.dropFirst().first?.components(separatedBy: "```").first)
        try source.write(toFile: fixture.path("page.c"), atomically: false, encoding: .utf8)
        try fixture.build("page.so", source: fixture.path("page.c"))
        fixture.use("page.so")
        try drivers.load("counter", by: a)
        let port = try drivers.open("counter", by: a, command: [41])
        #expect(try drivers.control(port, 1) == 42)
        expectFailure(.openFailed(1)) { _ = try drivers.open("counter", by: a) }
        drivers.userEnded(a)
        #expect(drivers.loadedDrivers.isEmpty)
    }

    /// What is no driver is refused in words, and the one that runs goes on.
    @Test(arguments: BadLibrary.all) func aBadLibraryIsRefused(_ bad: BadLibrary) throws {
        try bad.make(fixture)
        fixture.use("bad.so")
        #expect { try drivers.load("counter", by: a) } throws: { error in "\(error)".contains(bad.says) }
        #expect(drivers.loadedDrivers.isEmpty)
        #expect(try fixture.mapped().isEmpty)

        fixture.use("1.so")
        try drivers.load("counter", by: a)
        fixture.use("bad.so")
        #expect { try drivers.reload("counter", by: a) } throws: { error in "\(error)".contains(bad.says) }
        #expect(try vsn() == one)
        #expect(try fixture.mapped() == ["1.so"])
        fixture.use("2.so")
        try drivers.reload("counter", by: a)
        #expect(try vsn() == two)
        #expect(try fixture.mapped() == ["2.so"])
        #expect(try fixture.openDescriptors() == 1)
    }

    @Test func aLibraryThatCantBeHad() throws {
        fixture.use("none.so")
        #expect { try drivers.load("counter", by: a) } throws: {
            "\($0)" == "driver counter: open: No such file or directory (errno 2)"
        }
        let broken = Drivers { _ in -1 }
        #expect(throws: DriverError.self) { try broken.load("counter", by: a) }
    }

    @Test func whereTheOldOneDoesNotComeBackEitherNothingIsLoaded() throws {
        try fixture.build("once.so", ["-DINIT_ONCE"])
        try fixture.build("refuses.so", vsn: "2.0.0", ["-DREFUSE=3"])
        fixture.use("once.so")
        try drivers.load("counter", by: a)
        fixture.use("refuses.so")
        expectFailure(
            .loadFailure(
                "its init refuses: 3; the version before, started again, is gone, too: its init refuses: 7")
        ) { try drivers.reload("counter", by: a) }
        expectFailure(.notLoaded) { try drivers.unload("counter", by: a) }
        #expect(try fixture.mapped().isEmpty)
    }

    @Test func reloadsAsOftenAsOneLikes() throws {
        try drivers.load("counter", by: a)
        for round in 0..<40 {
            fixture.use(round % 2 == 0 ? "2.so" : "1.so")
            try drivers.reload("counter", by: a)
            #expect(try vsn() == (round % 2 == 0 ? two : one))
        }
        #expect(try fixture.mapped() == ["1.so"])
        #expect(try fixture.openDescriptors() == 1)
        // The same file again: it is finished and starts anew.
        try drivers.reload("counter", by: a)
        let port = try drivers.open("counter", by: a)
        #expect(try drivers.control(port, 10) == 1)
        try drivers.close(port)
        fixture.use("2.so")
        try drivers.reload("counter", by: a)
        #expect(try vsn() == two)
        #expect(try fixture.mapped() == ["2.so"])
        #expect(try fixture.openDescriptors() == 1)
    }

    /// What the linker keeps mapped keeps its descriptor, whose number is its name.
    @Test func aLibraryThatStaysMappedHarmsNobody() throws {
        try fixture.build("stays.so", ["-Wl,-z,nodelete"])
        fixture.use("stays.so")
        try drivers.load("counter", by: a)
        fixture.use("2.so")
        try drivers.reload("counter", by: a)
        #expect(try vsn() == two)
        #expect(try fixture.mapped() == ["stays.so", "2.so"])
        #expect(try fixture.openDescriptors() == 2)
        fixture.use("stays.so")
        try drivers.reload("counter", by: a)
        #expect(try vsn() == one)
        #expect(try fixture.openDescriptors() == 1)
    }

    @Test func withItsDriversALibraryGoes() throws {
        do {
            let drivers = fixture.drivers()
            try drivers.load("counter", by: a)
            _ = try drivers.open("counter", by: b)
            #expect(try drivers.tryReload("counter", by: a) == .pendingDriver)
            #expect(try fixture.mapped() == ["1.so"])
        }
        #expect(try fixture.mapped().isEmpty)
        #expect(try fixture.openDescriptors() == 0)
    }
}

/// A file that is no driver, or not this one.
struct BadLibrary: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Part of the error.
    let says: String
    let make: @Sendable (DriverFixture) throws -> Void

    init(_ name: String, says: String, _ make: @escaping @Sendable (DriverFixture) throws -> Void) {
        testDescription = name
        self.says = says
        self.make = make
    }

    /// A good library, with some of its bytes changed.
    static func changed(
        _ name: String, says: String, _ change: @escaping @Sendable (inout Data) -> Void
    ) -> BadLibrary {
        BadLibrary(name, says: says) { fixture in
            var bytes = try Data(contentsOf: URL(filePath: fixture.path("1.so")))
            change(&bytes)
            try bytes.write(to: URL(filePath: fixture.path("bad.so")))
        }
    }

    static let all: [BadLibrary] = [
        BadLibrary("no entry point", says: "it is no driver: it exports no rhd_driver_info") {
            try $0.build("bad.so", ["-DNO_ENTRY", "-Wno-unused-function"])
        },
        BadLibrary(
            "wrong abi",
            says: "it was made for version 2 of release_handler_driver.h, and this program has version 1"
        ) { try $0.build("bad.so", ["-DABI=2"]) },
        BadLibrary("wrong name", says: "it is the driver gauge") { try $0.build("bad.so", ["-DNAME=\"gauge\""]) },
        BadLibrary("init refuses", says: "its init refuses: 9") { try $0.build("bad.so", ["-DREFUSE=9"]) },
        BadLibrary("an undefined symbol", says: "undefined symbol: nowhere") {
            try $0.build("bad.so", ["-DMISSING=nowhere"])
        },
        BadLibrary("no name", says: "its name is not of 1 to 255 bytes") { try $0.build("bad.so", ["-DNAME=\"\""]) },
        BadLibrary("a directory", says: "it is no regular file") {
            try FileManager.default.createDirectory(atPath: $0.path("bad.so"), withIntermediateDirectories: false)
        },
        .changed("not ELF", says: "it is no ELF file") { $0 = Data("#!/bin/sh\n".utf8) },
        .changed("empty", says: "it is no ELF file") { $0 = Data() },
        .changed("cut off in its header", says: "it is cut off") { $0 = $0.prefix(100) },
        .changed("cut off in a segment", says: "it is cut off") { $0 = $0.prefix(4096) },
        .changed("another machine", says: "it is for another machine (e_machine 8)") { $0[18] = 8 },
        .changed("an object file", says: "it is no shared library (e_type 1)") { $0[16] = 1 },
        .changed("no program headers", says: "it has 0 program headers") { $0[56] = 0 },
    ]
}
