import Foundation
import Testing

@testable import TestSupport

/// The Debian package under a real service manager: installed, updated and removed in a container that has nothing of it. The steps are in
/// Tests/Fixtures/systemd/checks/package.py, a function for each test here.
@Suite(
    .enabled(if: PackageMachine.obstacle == nil, Comment(rawValue: PackageMachine.obstacle ?? "")),
    .timeLimit(.minutes(10)))
struct DebianPackageTests {
    /// The one boot, for whoever asks first.
    private static let run = Task {
        let machine = try await offPool { try PackageMachine() }
        defer { machine.remove() }
        return try await ServiceManagerRun.boot(machine.directory)
    }

    @Test("programs, units, user, manual, completions, headers and libraries are where they belong")
    func contents() async throws { try await check("everything_is_in_its_place") }

    @Test("nothing is started, and nothing fails, where no root was made; where one stands it starts")
    func start() async throws { try await check("nothing_starts_without_a_root") }

    @Test("who connects to the control socket of a stopped service starts it, and nothing takes the socket away")
    func controlSocket() async throws { try await check("control_socket_is_the_service_managers") }

    @Test("an update re-executes the daemon under load, with its workers")
    func update() async throws { try await check("update_keeps_the_workers") }

    @Test("so does one of a daemon without a privilege, whose root stays its own")
    func unprivileged() async throws { try await check("update_of_an_unprivileged_daemon") }

    @Test("a removal that would stop workers asks, and a purge leaves the releases")
    func removal() async throws { try await check("removal_asks") }

    @Test("every check of the container has a test here")
    func complete() async throws {
        let run = try await Self.run.value
        let source = try String(contentsOfFile: #filePath, encoding: .utf8)
        let untold = run.outcomes.keys.filter { !source.contains("check(\"\($0)\")") }
        #expect(untold.sorted() == [])
    }

    private func check(_ name: String, _ location: SourceLocation = #_sourceLocation) async throws {
        try await Self.run.value.check(name, location)
    }
}
