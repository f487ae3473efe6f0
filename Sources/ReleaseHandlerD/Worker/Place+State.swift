import Host
import ReleaseHandling
import Supervision
import Terms
import Wire

extension Place {
    /// A place and what stands there, for another daemon that goes on in this one's place.
    struct State: Codable, Equatable {
        let address: ChildAddress
        /// Nil where it is what the tree says of the child.
        let spec: ChildSpec?
        let machine: PlaceMachine.Settled
        let outputs: OutputPipes.State
        /// Nil where nothing was said.
        let outputBudget: OutputBudget?
        let statistics: PlaceStatistics
        let calls: [Call]
        let processes: [Generation.State]

        /// One that the worker has not answered.
        struct Call: Codable, Equatable {
            let ref: Int
            /// The whole time that it may take.
            let milliseconds: Int
            /// Monotonic.
            let deadlineMilliseconds: Int
        }

        /// All that are to be open in the next program.
        var descriptors: [Int32] { outputs.descriptors + processes.flatMap(\.process.descriptors) }
    }

    /// What keeps `state` from being had, for people.
    var unsettled: String {
        if !launches.isEmpty { return "there is no room for its process yet" }
        if machine.settled == nil { return "its handoff" }
        if let busy = processes.first(where: \.isAwaited) {
            return "pid \(busy.pid) has not answered what it was asked"
        }
        return processes.contains { $0.wants > 0 } ? "a module that it wants is looked for" : "a process of it ends"
    }

    var callStates: [State.Call] {
        calls.map {
            State.Call(
                ref: $0.key, milliseconds: $0.value.milliseconds,
                deadlineMilliseconds: $0.value.timer.deadlineMilliseconds)
        }
    }

    /// Who made a call of the daemon before claims its reply; until then it is kept.
    func goOn(with states: [State.Call]) {
        for state in states {
            let adopted = AdoptedCall()
            let timer = Reactor.shared.schedule(atMilliseconds: state.deadlineMilliseconds) { [weak self] in
                self?.settle(state.ref, .failure(.timedOut(milliseconds: state.milliseconds)))
            }
            calls[state.ref] = PendingCall(milliseconds: state.milliseconds, timer: timer) { adopted.settle($0) }
            launcher.adoptedCalls[state.ref] = adopted
        }
    }
}

/// A call that was made through the daemon before: its reply and who waits for it find each other here, whichever comes first.
@HostActor
final class AdoptedCall {
    private var result: Result<Term, CallFailure>?
    private var reply: ((Result<Term, CallFailure>) -> Void)?

    fileprivate func settle(_ result: Result<Term, CallFailure>) {
        guard let reply else { return self.result = result }
        reply(result)
    }

    func claim(_ reply: @escaping @HostActor (Result<Term, CallFailure>) -> Void) {
        if let result { return reply(result) }
        self.reply = reply
    }
}
