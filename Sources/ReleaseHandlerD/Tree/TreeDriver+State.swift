import DequeModule
import Host
import Supervision
import Terms
import Wire

extension TreeDriver {
    /// The tree and what stands in it, for another daemon that goes on in this one's place.
    struct State: Codable {
        struct Start: Codable {
            let id: StartID
            let address: ChildAddress
            let spec: ChildSpec
        }

        let tree: WrittenTerm<SupervisionTree>
        let places: [WrittenTerm<Place.State>]
        let waiting: Deque<SupervisionTree.Event>
        let failedStarts: [SupervisionTree.Event]
        let lastRequest: Int
        let lastReference: Int
        /// Supervisors that are to end until then. Monotonic milliseconds.
        let deadlines: [StartID: Int]
        /// Whose needs are being seen to: nothing of them is done yet.
        let preparing: [Start]

        /// All that are to be open in the next program.
        var descriptors: [Int32] { places.flatMap(\.value.descriptors) }
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
    func state(like before: State? = nil) throws(HandoverObstacle) -> State {
        if let obstacle { throw HandoverObstacle(obstacle) }
        // In the order of then, as long as none came or went.
        var earlier = before?.places.makeIterator()
        var states: [WrittenTerm<Place.State>] = []
        for (address, place) in places {
            guard let state = place.state(specInTree: child(at: address)?.spec) else {
                throw HandoverObstacle("\(address) is in the middle of something: \(place.unsettled)")
            }
            states.append(try Self.written(state, like: earlier?.next()))
        }
        return State(
            tree: try Self.written(tree, like: before?.tree), places: states, waiting: waiting,
            failedStarts: failedStarts, lastRequest: lastRequest,
            lastReference: launcher.references.last, deadlines: deadlines,
            preparing: preparing.map { State.Start(id: $0.key, address: $0.value.address, spec: $0.value.spec) })
    }

    private static func written<Value: Codable & Equatable>(
        _ value: Value, like before: WrittenTerm<Value>?
    ) throws(HandoverObstacle) -> WrittenTerm<Value> {
        do {
            return try WrittenTerm(value, like: before)
        } catch {
            throw HandoverObstacle("\(error)", isLasting: true)
        }
    }

    /// Goes on where the daemon before stood; nothing is told of it.
    func goOn(_ state: State) throws {
        tree = state.tree.value
        waiting = state.waiting
        failedStarts = state.failedStarts
        lastRequest = state.lastRequest
        for place in state.places.lazy.map(\.value) {
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
        if let time = tree.firstRestartDueMilliseconds { scheduleRestarts(at: time) }
        for start in state.preparing { startWorker(start.id, start.address, start.spec) }
        for (id, address, module) in tree.reading { readSupervisor(id, address, module) }
        if !waiting.isEmpty { feedRestSoon() }
        if !failedStarts.isEmpty { feedFailedStartsSoon() }
    }
}

extension TreeDriver.State {
    private enum CodingKeys: String, CodingKey {
        case tree, places, waiting, failedStarts, lastRequest, lastReference, deadlines, preparing
    }

    /// What one processor reads.
    private enum Part: Sendable {
        case tree([UInt8])
        case places(ArraySlice<[UInt8]>)

        enum Read: Sendable {
            case tree(WrittenTerm<SupervisionTree>)
            case places([WrittenTerm<Place.State>])
        }

        func read() throws -> Read {
            switch self {
            case .tree(let bytes): .tree(try WrittenTerm(reading: bytes))
            case .places(let places): .places(try places.map { try WrittenTerm(reading: $0) })
            }
        }
    }

    /// The places are most of it all, and nobody is served while they are read: as many at a time as there are processors.
    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let bytes = try container.decode([[UInt8]].self, forKey: .places)
        let shares = stride(from: 0, to: bytes.count, by: 64).map { Part.places(bytes[$0..<min($0 + 64, bytes.count)]) }
        let parts = Processors.map([.tree(try container.decode([UInt8].self, forKey: .tree))] + shares) { part in
            Result { try part.read() }
        }
        var (tree, places): (WrittenTerm<SupervisionTree>?, [WrittenTerm<Place.State>]) = (nil, [])
        for part in parts {
            switch try part.get() {
            case .tree(let read): tree = read
            case .places(let read): places += read
            }
        }
        guard let tree else {
            throw DecodingError.dataCorruptedError(forKey: .tree, in: container, debugDescription: "none")
        }
        self.init(
            tree: tree, places: places,
            waiting: try container.decode(Deque<SupervisionTree.Event>.self, forKey: .waiting),
            failedStarts: try container.decode([SupervisionTree.Event].self, forKey: .failedStarts),
            lastRequest: try container.decode(Int.self, forKey: .lastRequest),
            lastReference: try container.decode(Int.self, forKey: .lastReference),
            deadlines: try container.decode([StartID: Int].self, forKey: .deadlines),
            preparing: try container.decode([Start].self, forKey: .preparing))
    }
}
