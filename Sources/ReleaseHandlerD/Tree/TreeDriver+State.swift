import DequeModule
import Host
import Supervision
import Wire

extension TreeDriver {
    /// The tree and what stands in it, for another daemon that goes on in this one's place.
    struct State: Codable {
        struct Start: Codable {
            let id: StartID
            let address: ChildAddress
            let spec: ChildSpec
        }

        let tree: SupervisionTree
        let places: [Place.State]
        let waiting: Deque<SupervisionTree.Event>
        let failedStarts: [SupervisionTree.Event]
        let lastRequest: Int
        let lastReference: Int
        /// Supervisors that are to end until then. Monotonic milliseconds.
        let deadlines: [StartID: Int]
        /// Whose needs are being seen to: nothing of them is done yet.
        let preparing: [Start]

        /// All that are to be open in the next program.
        var descriptors: [Int32] { places.flatMap(\.descriptors) }
    }

    /// What is under way that can't be handed on: a sentence; nil where there is nothing.
    var obstacle: String? {
        guard requests.isEmpty, startWaiters.isEmpty, restWaiters.isEmpty else {
            return "somebody waits for what a supervisor does"
        }
        guard heldModules.isEmpty, permitted.isEmpty, expectation == .none else { return "an upgrade holds workers" }
        guard launcher.departures.isEmpty else { return "processes of before a handoff are on their way out" }
        return nil
    }

    /// With the first place where something is under way that can't be handed on.
    func state() throws(HandoverObstacle) -> State {
        if let obstacle { throw HandoverObstacle(obstacle) }
        var states: [Place.State] = []
        for (address, place) in places {
            guard let state = place.state(specInTree: child(at: address)?.spec) else {
                throw HandoverObstacle("\(address) is in the middle of something: \(place.unsettled)")
            }
            states.append(state)
        }
        return State(
            tree: tree, places: states, waiting: waiting, failedStarts: failedStarts, lastRequest: lastRequest,
            lastReference: launcher.references.last, deadlines: deadlines,
            preparing: preparing.map { State.Start(id: $0.key, address: $0.value.address, spec: $0.value.spec) })
    }

    /// Goes on where the daemon before stood; nothing is told of it.
    func goOn(_ state: State) throws {
        tree = state.tree
        waiting = state.waiting
        failedStarts = state.failedStarts
        lastRequest = state.lastRequest
        for place in state.places {
            guard let spec = place.spec ?? child(at: place.address)?.spec else {
                throw HandoverObstacle("\(place.address) has no child spec")
            }
            places[place.address] = try Place(place, spec: spec, launcher: launcher, observer: self)
        }
        for (address, place) in places where place.startID == nil { vacancies.emptied(address) }
        for place in places.values where place.outputBudget.isDropping {
            tellLossLater(place, now: Reactor.nowMilliseconds())
        }
        vacancies.question(.all)
        for (id, time) in state.deadlines { schedule(id, at: time) }
        for start in state.preparing { startWorker(start.id, start.address, start.spec) }
        for (id, address, module) in tree.reading { readSupervisor(id, address, module) }
        if !waiting.isEmpty { feedRestSoon() }
        if !failedStarts.isEmpty { feedFailedStartsSoon() }
    }
}
