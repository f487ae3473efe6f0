import Foundation
import Testing

@testable import TestSupport

/// The daemon as the service that systemd/release-handlerd.service makes of it, under a real service manager: systemd as
/// PID 1 of a container. The steps are in Tests/Fixtures/systemd/checks/cases.py, a function for each test here.
@Suite(
    .enabled(if: ServiceManagerRun.obstacle == nil, Comment(rawValue: ServiceManagerRun.obstacle ?? "")),
    .timeLimit(.minutes(15)))
struct ServiceManagerTests {
    @Test("systemctl start returns once the release runs, and the status line names it")
    func start() async throws { try await check("start_returns_once_the_release_runs") }

    @Test("192 processes that hide are ended by terminate-child")
    func hiding() async throws { try await check("whoever_hides_ends_with_its_worker") }

    @Test("the journal's entries have RELEASE= and WORKER=")
    func journal() async throws { try await check("journal_has_fields") }

    @Test("logs shows a worker's lines from the journal, and nobody else's")
    func logs() async throws { try await check("logs_of_a_worker") }

    @Test("workers get nothing of what the service manager gave the daemon")
    func environment() async throws { try await check("workers_get_nothing_of_the_daemons") }

    @Test("an upgrade keeps an open connection, and the daemon its process")
    func upgrade() async throws { try await check("upgrade_keeps_a_connection") }

    @Test("the unit's exposure is 3.0 at the most, with unprivileged.conf 1.5")
    func exposure() async throws { try await check("unit_is_hardened") }

    @Test("a worker of another user has its user, sockets and limits, and reads nothing that is for root and the group")
    func otherUser() async throws { try await check("worker_of_another_user") }

    @Test("a worker of root has what the unit leaves the daemon, and no more")
    func rootsWorker() async throws { try await check("worker_of_root_is_bounded") }

    @Test("capabilities and system calls of workers are bounded, and with private-workers.conf what they see of files")
    func confined() async throws { try await check("workers_are_confined") }

    @Test("nginx and redis-server run as workers of the hardened unit")
    func realPrograms() async throws { try await check("real_programs_run") }

    @Test("a daemon without a privilege runs, upgrades, goes back, re-executes and restarts")
    func unprivileged() async throws { try await check("unprivileged_daemon") }

    @Test("the watchdog ends a stopped daemon, and the permanent release boots")
    func watchdog() async throws { try await check("watchdog_restarts_into_the_permanent_release") }

    @Test("a killed daemon is restarted, its workers are gone, and the permanent release boots")
    func kill() async throws { try await check("killed_daemon_is_restarted") }

    @Test("a node whose permanent application ends is restarted by the service manager")
    func giveUp() async throws { try await check("node_that_gives_up_is_restarted") }

    @Test("systemctl stop stops the tree in order and is a success")
    func stop() async throws { try await check("stop_ends_the_tree_in_order") }

    @Test("systemctl restart boots the permanent release, whichever ran")
    func restart() async throws { try await check("restart_boots_the_permanent_release") }

    @Test("an upgrade that can't be undone restarts the node in the same process")
    func restartInPlace() async throws { try await check("restart_in_place") }

    @Test("a re-execution under load is none to the service manager, the workers and their clients")
    func reexecution() async throws { try await check("reexecution_keeps_the_workers") }

    @Test("another emulator takes over under load, and boots what is made permanent")
    func newEmulator() async throws { try await check("another_emulator_takes_over") }

    @Test("an emulator that is none is refused, and nobody has noticed")
    func noEmulator() async throws { try await check("emulator_that_is_none") }

    @Test("an emulator that hangs, ends or crashes is followed by the permanent release")
    func failingEmulator() async throws { try await check("emulator_that_fails") }

    @Test("three nodes upgrade in step under load, and none where one is killed")
    func nodes() async throws { try await check("three_nodes_in_step") }

    @Test("a root that can't boot fails systemctl start, says why, and is not tried for ever")
    func noBoot() async throws { try await check("root_that_cannot_boot") }

    @Test("a root whose RELEASES or start_erl.data is gone, empty or damaged boots what stands, and says so")
    func rootFiles() async throws { try await check("root_files_are_repaired") }

    @Test("neither a fault of ten minutes nor an administrator's restarts end the service for good")
    func startLimit() async throws { try await check("long_fault_and_many_restarts") }

    @Test("who connects while the daemon is down is answered by the next one")
    func descriptorStore() async throws { try await check("connect_while_the_daemon_is_down") }

    @Test("a journal that stands still holds up nobody, and nothing is lost by it")
    func journalStandsStill() async throws { try await check("journal_stands_still") }

    @Test("nothing was written past the log")
    func log() async throws { try await check("log_has_all_that_was_written") }

    @Test("every check of the container has a test here")
    func complete() async throws {
        let run = try await ServiceManagerRun.shared.value
        let source = try String(contentsOfFile: #filePath, encoding: .utf8)
        let untold = run.outcomes.keys.filter { !source.contains("check(\"\($0)\")") }
        #expect(untold.sorted() == [])
    }

    private func check(_ name: String, _ location: SourceLocation = #_sourceLocation) async throws {
        try await ServiceManagerRun.shared.value.check(name, location)
    }
}

extension ServiceManagerRun {
    func check(_ name: String, _ location: SourceLocation) {
        guard let outcome = outcomes[name] else {
            let ending = "exit status \(exitStatus)\n\(console)\n\(transcript)"
            Issue.record("the container ended without \(name): \(ending)", sourceLocation: location)
            return
        }
        guard let failure = outcome.failure else { return }
        Issue.record("\(name): \(failure)\n\(transcript(of: name))", sourceLocation: location)
    }

    /// The part of the transcript from the check's name to its end.
    func transcript(of name: String) -> String {
        let lines = transcript.split(separator: "\n", omittingEmptySubsequences: false)
        guard let first = lines.firstIndex(of: name[...]) else { return transcript }
        let end = lines[(first + 1)...].firstIndex { !$0.hasPrefix(" ") } ?? lines.endIndex
        return lines[first..<end].joined(separator: "\n")
    }
}
