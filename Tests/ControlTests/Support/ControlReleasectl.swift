import Foundation
import Glibc
import Testing

@testable import TestSupport
import Synchronization

extension ControlFixture {
    func releasectl(_ arguments: String...) async throws -> Releasectl { try await releasectl(arguments) }

    func releasectl(_ arguments: [String], environment: [String: String] = [:]) async throws -> Releasectl {
        try await Releasectl.run(
            arguments, environment: environment.merging(["RELEASE_HANDLER_SOCKET": socketPath]) { $1 })
    }

    /// As the user and group 65534 and no other group, by a name that this user can reach.
    func releasectlAsStranger(_ arguments: String...) async throws -> Releasectl {
        try await releasectlAsStranger(arguments)
    }

    func releasectlAsStranger(_ arguments: [String]) async throws -> Releasectl {
        try await releasectl(arguments, as: ["--reuid=65534", "--regid=65534", "--clear-groups"])
    }

    /// - Parameter credentials: as setpriv(1) takes them.
    func releasectl(_ arguments: [String], as credentials: [String]) async throws -> Releasectl {
        let copy = "\(directory)/releasectl"
        if access(copy, F_OK) != 0 { try ProgramFile.put(Releasectl.path, at: copy) }
        chmod(copy, 0o755)
        return try await Releasectl.run(
            credentials + [copy] + arguments, executable: "/usr/bin/setpriv",
            environment: ["RELEASE_HANDLER_SOCKET": socketPath])
    }

    /// All that it wrote to a terminal of 100 columns.
    func releasectlOnTerminal(
        _ arguments: [String], environment: [String: String] = [:], rows: UInt16 = 40, columns: UInt16 = 100
    ) async throws -> String {
        try await releasectlOnTerminal(
            arguments, environment: environment, rows: rows, columns: columns, interruptedAt: nil
        )
        .written
    }

    /// - Parameter text: once it has written that, it gets SIGINT.
    /// - Returns: its exit status too; of one that a signal ended, 128 and the signal's number.
    func releasectlOnTerminal(
        _ arguments: [String], environment: [String: String] = [:], rows: UInt16 = 40, columns: UInt16 = 100,
        interruptedAt text: String?
    ) async throws -> (written: String, exit: Int32) {
        let socketPath = socketPath
        return try await offPool {
            var (ours, theirs): (Int32, Int32) = (-1, -1)
            var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
            try #require(openpty(&ours, &theirs, nil, nil, &size) == 0)
            let child = try Spawned(
                Releasectl.path, arguments,
                environment: Releasectl.environment.merging(environment) { $1 }
                    .merging(["RELEASE_HANDLER_SOCKET": socketPath]) { $1 },
                descriptors: [nil, theirs, theirs])
            close(theirs)
            var beginning: [UInt8] = []
            if let text {
                beginning = PipeEnds.readUntil(text, ours)
                kill(child.pid, SIGINT)
            }
            let written = beginning + PipeEnds.readAll(ours)
            return (String(decoding: written, as: UTF8.self), child.waitForExit())
        }
    }
}
