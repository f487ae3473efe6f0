/// What is loaded, by whom, with which ports: decides what becomes of each request. No library is touched in here.
///
///                          load                     reload
///     absent --fetch, start--> loaded --fetch--> loaded, reload pending
///        ^                     |  ^ ^                 |        |
///        |    last unload, or  |  | | swapped, kept   |        | the last other user and the last port are gone
///        |     its user's end  |  | +---- swap <------+--------+
///        |                     v  | load
///        +----- stop ----- unloading: nobody has it loaded, ports are open
///           last port closed
///
/// The driver performs the actions of one list in their order. `fetch`, `start`, `swap` and `openPort` stand last in theirs; each is
/// answered by exactly one event of its own before any other event of the same driver. Of a request exactly one
/// `answer` comes. Source: erl_ddll, with the differences that docs/drivers.md names.
struct DriverTable {
    enum Event: Hashable {
        /// `ticket`: whom to tell where the answer is that it is pending.
        case load(DriverUser, killPorts: Bool, ticket: Int? = nil)
        case unload(DriverUser, killPorts: Bool = false, ticket: Int? = nil)
        /// `isWaiting`: the caller waits for the outcome, and can't close its own ports meanwhile.
        case reload(DriverUser, DriverReload, killPorts: Bool = false, isWaiting: Bool = false, ticket: Int? = nil)
        case open(DriverUser)
        case close(port: Int)
        case userEnded(DriverUser)

        /// Of `fetch`.
        case fetched
        case notFetched(String)
        /// Of `start`.
        case started
        case notStarted(String)
        /// Of `swap`: the new version runs; it is refused, and the old one runs; it is refused, and the old one does not come back.
        case swapped
        case kept(String)
        case lost(String)
        /// Of `openPort`.
        case portOpened
        case portRefused(Int)
    }

    enum Action: Hashable {
        /// Have the library, and check what can be checked while it does not run.
        case fetch
        /// Map what was fetched, and call its init.
        case start
        /// Map what was fetched, finish the running version, call the init of the new one, unmap the old one.
        case swap
        /// What was fetched is not needed.
        case drop
        /// Finish the running version and unmap it.
        case stop
        case openPort(Int)
        case closePort(Int)
        case answer(Answer)
        case fail(DriverError.Reason)
        case tell(ticket: Int, DriverOutcome)
    }

    enum Answer: Hashable {
        case state(DriverAnswer)
        case port(Int)
        case done
    }

    struct Limits {
        var drivers = 256
        /// Of one driver.
        var ports = 65_536
        /// Requests of one driver that are to be told of an outcome, loads and unloads each.
        var waiting = 4096
    }

    private(set) var drivers: [String: DriverState] = [:]
    private var nextPort = 0
    let limits: Limits

    init(limits: Limits = Limits()) { self.limits = limits }

    mutating func handle(_ event: Event, of driver: String) -> [Action] {
        var state = drivers[driver] ?? DriverState(limits: limits)
        if case .load = event, drivers[driver] == nil, drivers.count >= limits.drivers {
            return [.fail(.systemLimit("\(limits.drivers) drivers"))]
        }
        let actions: [Action]
        switch event {
        case .load(let user, let killPorts, let ticket):
            actions = state.load(user, killPorts: killPorts, ticket: ticket)
        case .unload(let user, let killPorts, let ticket):
            actions = state.unload(user, killPorts: killPorts, ticket: ticket)
        case .reload(let user, let option, let killPorts, let isWaiting, let ticket):
            actions = state.reload(user, option, killPorts: killPorts, isWaiting: isWaiting, ticket: ticket)
        case .open(let user):
            actions = state.open(user, port: nextPort)
            nextPort += 1
        case .close(let port): actions = state.close(port)
        case .userEnded(let user): actions = state.userEnded(user)
        case .fetched: actions = state.fetched()
        case .notFetched(let why): actions = state.notFetched(why)
        case .started: actions = state.started()
        case .notStarted(let why): actions = state.notStarted(why)
        case .swapped: actions = state.swapped()
        case .kept(let why): actions = state.kept(why)
        case .lost(let why): actions = state.lost(why)
        case .portOpened: actions = state.portOpened()
        case .portRefused(let code): actions = state.portRefused(code)
        }
        drivers[driver] = state.isAbsent ? nil : state
        return actions
    }
}
