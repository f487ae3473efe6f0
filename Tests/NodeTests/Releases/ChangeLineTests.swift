import Host
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// Who has its turn when, of those that wait for the disk.
@Suite(.timeLimit(.minutes(15))) struct ChangeLineTests {
    /// A turn that lasts until it is told to end.
    @HostActor private final class Held {
        /// Who had a turn, in that order.
        var order: [String] = []
        private var continuation: CheckedContinuation<Void, Never>?
        private var isReleased = false

        nonisolated init() {}

        func wait() async {
            guard !isReleased else { return }
            await withCheckedContinuation { continuation = $0 }
        }

        func release() {
            isReleased = true
            continuation?.resume()
        }
    }

    @Test @HostActor func theNodesOwnComesBeforeAllOthersThatWait() async throws {
        let (line, held) = (ChangeLine(), Held())
        let first = Task { @HostActor in
            try await line.turn("first") { () async throws(ControlError) in await held.wait() }
        }
        while line.current == nil { await Task.yield() }
        let byHand = Task { @HostActor in
            try await line.turn("by hand") { () async throws(ControlError) in held.order.append("by hand") }
        }
        while line.waitingCount < 1 { await Task.yield() }
        let own = Task { @HostActor in
            try await line.turn("own", isOwn: true) { () async throws(ControlError) in held.order.append("own") }
        }
        while line.waitingCount < 2 { await Task.yield() }
        held.release()
        for task in [first, byHand, own] { try await task.value }
        #expect(held.order == ["own", "by hand"])
    }

    /// Nobody waits for who only looks, and what it read is of before a change or behind it.
    @Test @HostActor func whoLooksHasNoTurnAndBeginsAnewWhereOneCameInBetween() async throws {
        let (line, held) = (ChangeLine(), Held())
        var looks = 0
        let look = Task { @HostActor in
            try await line.look { () async throws(ControlError) -> Int in
                looks += 1
                if looks == 1 { await held.wait() }
                if looks == 1 { throw ControlError(.upgradeRefused, "half of it was gone") }
                return looks
            }
        }
        while looks == 0 { await Task.yield() }
        #expect(line.current == nil)
        try await line.turn("a change") { () async throws(ControlError) in held.order.append("changed") }
        held.release()
        #expect(try await look.value == 2)
        #expect(held.order == ["changed"])
    }

    @Test @HostActor func whoLooksWaitsForTheEndOfATurn() async throws {
        let (line, held) = (ChangeLine(), Held())
        let change = Task { @HostActor in
            try await line.turn("a change") { () async throws(ControlError) in
                await held.wait()
                held.order.append("changed")
            }
        }
        while line.current == nil { await Task.yield() }
        let look = Task { @HostActor in
            try await line.look { () async throws(ControlError) in held.order.append("looked") }
        }
        while line.lookingCount == 0 { await Task.yield() }
        held.release()
        try await change.value
        try await look.value
        #expect(held.order == ["changed", "looked"])
    }

    @Test @HostActor func changesWithoutEndAreSaid() async throws {
        let line = ChangeLine()
        let error = await #expect(throws: ControlError.self) {
            try await line.look { () async throws(ControlError) in
                try await line.turn("a change") { () async throws(ControlError) in }
            }
        }
        #expect(error?.code == .busy)
    }

    @Test @HostActor func oneTooManyIsTurnedAwayAndTheNodesOwnIsNot() async throws {
        let (line, held) = (ChangeLine(), Held())
        let first = Task { @HostActor in
            try await line.turn("unpack-release a") { () async throws(ControlError) in await held.wait() }
        }
        while line.current == nil { await Task.yield() }
        var waiting: [Task<Void, any Error>] = []
        for number in 1...ChangeLine.maxWaiting {
            waiting.append(Task { @HostActor in try await line.turn("\(number)") { () async throws(ControlError) in } })
        }
        while line.waitingCount < ChangeLine.maxWaiting { await Task.yield() }
        let error = await #expect(throws: ControlError.self) {
            try await line.turn("one more") { () async throws(ControlError) in }
        }
        #expect(
            error?.message
                == "unpack-release a is under way and \(ChangeLine.maxWaiting) others wait for it; try again later")
        let own = Task { @HostActor in try await line.turn("own", isOwn: true) { () async throws(ControlError) in } }
        while line.waitingCount == ChangeLine.maxWaiting { await Task.yield() }
        held.release()
        for task in waiting + [first, own] { try await task.value }
    }
}
