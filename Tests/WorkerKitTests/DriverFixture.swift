import Foundation
import Glibc
import Synchronization
import Terms
import Testing

@testable import TestSupport
@testable import WorkerKit

/// The libraries of one test, in a directory of its own, and the one that `Drivers` gets next.
final class DriverFixture: Sendable {
    let directory: URL
    private let current = Mutex("")

    static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    init() throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "drivers-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    /// `1.so`, which is loaded next, and `2.so`.
    static func withTwoVersions() throws -> DriverFixture {
        let fixture = try DriverFixture()
        try fixture.build("1.so")
        try fixture.build("2.so", vsn: "2.0.0")
        fixture.use("1.so")
        return fixture
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    func path(_ name: String) -> String { directory.appending(path: name).path }

    /// Builds the counter and says where it is.
    @discardableResult
    func build(
        _ name: String, vsn: String = "1.0.0", _ flags: [String] = [],
        source: String = DriverFixture.root.appending(path: "Tests/Fixtures/drivers/counter_driver.c").path
    ) throws -> String {
        let arguments =
            [
                "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC",
                "-I\(Self.root.appending(path: "Sources/CModuleInterface/include").path)", "-DVSN=\"\(vsn)\"",
            ] + flags + [source, "-o", path(name)]
        try Spawned.run("/usr/bin/cc", arguments)
        return path(name)
    }

    /// What is loaded from here on.
    func use(_ name: String) { current.withLock { $0 = name } }

    /// Drivers, which get what was said last.
    func drivers() -> Drivers {
        Drivers { [self] _ in
            try SystemError.check(
                "open", open(path(current.withLock { $0 }), O_RDONLY | O_CLOEXEC).errnoIfFailed)
        }
    }

    /// Which of the test's libraries are mapped.
    func mapped() throws -> Set<String> {
        // In pieces: the file does not say its size.
        let file = try FileHandle(forReadingFrom: URL(filePath: "/proc/self/maps"))
        defer { try? file.close() }
        var bytes = Data()
        while let piece = try file.read(upToCount: 65_536), !piece.isEmpty { bytes += piece }
        let maps = String(decoding: bytes, as: UTF8.self)
        var names: Set<String> = []
        for line in maps.split(separator: "\n") {
            guard let found = line.range(of: directory.path + "/") else { continue }
            names.insert(String(line[found.upperBound...]))
        }
        return names
    }

    /// How many of this process' descriptors are of the test's libraries.
    func openDescriptors() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").filter {
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
            return target?.hasPrefix(directory.path) == true
        }.count
    }
}

extension Int32 {
    /// What `SystemError.check` takes.
    fileprivate var errnoIfFailed: Int32 { self < 0 ? -errno : self }
}

/// A thread, and what it comes to.
final class DriverThread<Value: Sendable>: Sendable {
    private let lock = DriverLock()
    private let result = Mutex<Result<Value, any Error>?>(nil)

    init(_ body: @escaping @Sendable () throws -> Value) {
        Thread.detachNewThread { [self] in
            let value = Result { try body() }
            lock.lock()
            result.withLock { $0 = value }
            lock.wakeAll()
            lock.unlock()
        }
    }

    func value() throws -> Value {
        lock.lock()
        defer { lock.unlock() }
        while true {
            if let value = result.withLock({ $0 }) { return try value.get() }
            lock.wait()
        }
    }
}

/// Where a driver waits for a test: it writes a byte, and reads one.
final class DriverGate: Sendable {
    private let fromDriver: [Int32]
    private let toDriver: [Int32]

    init() {
        func pipe() -> [Int32] {
            var descriptors: [Int32] = [0, 0]
            Glibc.pipe(&descriptors)
            return descriptors
        }
        fromDriver = pipe()
        toDriver = pipe()
    }

    deinit { for descriptor in fromDriver + toDriver { close(descriptor) } }

    /// The command of a port that uses it.
    var command: [UInt8] { [fromDriver[1], toDriver[0]].withUnsafeBytes { Array($0) } }

    /// Returns when a thread is there.
    func arrive() {
        var byte: UInt8 = 0
        #expect(read(fromDriver[0], &byte, 1) == 1)
    }

    func open() {
        var byte: UInt8 = 0
        #expect(write(toDriver[1], &byte, 1) == 1)
    }
}

extension Drivers {
    /// Returns when so many threads wait for a turn.
    func awaitWaiting(_ count: Int) {
        while true {
            lock.lock()
            let isThere = waiting >= count
            lock.unlock()
            if isThere { return }
            sched_yield()
        }
    }

    /// Returns when these wait for a reload of the counter.
    func awaitLoads(_ users: [DriverUser]) {
        while info("counter")?.awaitingLoad != users { sched_yield() }
    }
}

func expectFailure(
    _ reason: DriverError.Reason, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) {
    #expect(throws: DriverError(driver: "counter", reason: reason), sourceLocation: sourceLocation) { try body() }
}
