import DequeModule
import Host
import Terms

/// Old processes on their way out after a handoff: they stand suspended and run no more user code.
///
/// While others still wait for their resume none is asked to end, since ends cost the processor time that those wait for.
@HostActor
final class Departures {
    /// How long one may take to end.
    private static let leaveMilliseconds = 2_000
    /// So many are asked in one turn.
    private static let askedInATurn = 32

    private var isHeld = false
    private var waiting: Deque<Generation> = []
    /// Those that have not ended, asked or not.
    private var leaving: Set<ObjectIdentifier> = []
    /// Who waits until none is left.
    private var awaiting: [@HostActor () -> Void] = []

    nonisolated init() {}

    var isEmpty: Bool { leaving.isEmpty && waiting.isEmpty && !isHeld }

    func letGo(_ process: Generation) {
        guard process.isAlive else { return }
        leaving.insert(ObjectIdentifier(process))
        guard !isHeld, waiting.isEmpty else { return waiting.append(process) }
        ask(process)
    }

    /// Whichever process has ended.
    func ended(_ process: Generation) {
        guard leaving.remove(ObjectIdentifier(process)) != nil, leaving.isEmpty else { return }
        let told = awaiting
        awaiting = []
        for then in told { then() }
    }

    /// Returns once all have ended, or the time is over.
    func untilAllLeft(withinMilliseconds milliseconds: Int) async {
        guard !leaving.isEmpty else { return }
        await withCheckedContinuation { continuation in
            let first = Gather<Void>(count: 1) { _ in continuation.resume() }
            let timer = Reactor.shared.schedule(afterMilliseconds: milliseconds) { first.set(0, ()) }
            awaiting.append {
                timer.cancel()
                first.set(0, ())
            }
        }
    }

    func hold() { isHeld = true }

    func release() {
        guard isHeld else { return }
        isHeld = false
        askSome()
    }

    private func askSome() {
        for _ in 0..<Self.askedInATurn {
            guard !isHeld, let process = waiting.popFirst() else { return }
            ask(process)
        }
        if !waiting.isEmpty { Reactor.shared.schedule(afterMilliseconds: 0) { [weak self] in self?.askSome() } }
    }

    private func ask(_ process: Generation) {
        process.terminate(.atom("handoff"))
        Reactor.shared.schedule(afterMilliseconds: Self.leaveMilliseconds) { [weak process] in
            process?.kill(reason: .atom("killed"))
        }
    }
}
