import Terms
import WorkerKit

/// A worker that owns the driver `counter` and counts with a port of it. Its state is the count.
///
/// Once another version of the driver is there it is reloaded as soon as nobody else uses it. While that is pending, each `add` opens a
/// port for itself; what is open then belongs to others.
///
/// ARGUMENTS: `stays` (goes on with the driver that it has).
/// CALLS: add (the new count), vsn, {open, User}, {use, User} (the vsn of the user's port), {close, User}, {user_ended, User},
///   reload (how far it came); versions: `{Vsn, [{User, Ports}], [Waiting]}`: what runs, who has it loaded, who waits for a reload.
///
/// All of it is on the worker's one thread, what the drivers tell included.
final class DrivingServer: GenServer, @unchecked Sendable {
    static let vsn: Term = .string(FixturePlace.vsn)

    private static let driver = "counter"
    private static let own = DriverUser("own")
    private static let addOne: UInt32 = 1
    private static let askVsn: UInt32 = 2

    private let drivers: Drivers
    private let stays: Bool
    private var count: UInt8
    private var port: DriverPort?
    private var others: [DriverUser: DriverPort] = [:]

    private init(count: UInt8, stays: Bool, _ context: WorkerContext) throws {
        drivers = context.drivers
        self.stays = stays
        self.count = count
        try drivers.load(Self.driver, by: Self.own)
        try openOwn()
    }

    convenience init(arguments: [Term], context: WorkerContext) throws {
        try self.init(count: 0, stays: arguments.contains(.atom("stays")), context)
    }

    func handleCall(_ request: Term, from: CallReference, context: WorkerContext) throws -> CallResult {
        let fields = request.asTuple ?? [request]
        let user = DriverUser(fields.count > 1 ? fields[1].asAtom?.name ?? "" : "")
        switch fields[0].asAtom?.name {
        case "add": return .reply(try add())
        case "vsn": return .reply(Self.vsn)
        case "versions": return .reply(versions)
        case "open":
            // Not `load`, which would wait here for a reload that waits for others' calls.
            _ = try drivers.tryLoad(Self.driver, by: user)
            others[user] = try drivers.open(Self.driver, by: user)
        case "use": return .reply(try others[user].map { try drivers.control($0, Self.askVsn) } ?? .undefined)
        case "close":
            if let port = others.removeValue(forKey: user) { try drivers.close(port) }
            try drivers.unload(Self.driver, by: user)
        case "user_ended":
            others[user] = nil
            drivers.userEnded(user)
        case "reload": return .reply(try reload())
        default: throw WorkerError(.tuple([.atom("bad_call"), request]))
        }
        return .reply(.ok)
    }

    private func add() throws -> Term {
        let used = try port ?? drivers.open(Self.driver, by: Self.own, command: [count])
        let answer = try drivers.control(used, Self.addOne)
        count = UInt8(answer.asInt ?? 0)
        if port == nil { try drivers.close(used) }
        return answer
    }

    private func openOwn() throws {
        port = try drivers.open(Self.driver, by: Self.own, command: [count])
    }

    /// Its own port would be waited for: what it holds is in `count` already.
    private func reload() throws -> Term {
        try port.map(drivers.close)
        port = nil
        if drivers.info(Self.driver)?.awaitingLoad.isEmpty == false {
            // Of a version that is not the last any more: given up.
            try drivers.unload(Self.driver, by: Self.own)
            try drivers.load(Self.driver, by: Self.own)
        }
        let answer = try drivers.tryReload(Self.driver, by: Self.own, waitingFor: .pending) { [self] outcome in
            if outcome == .loaded { try? openOwn() }
        }
        if answer == .loaded { try openOwn() }
        return .atom(Atom(answer.rawValue))
    }

    private var versions: Term {
        guard let info = drivers.info(Self.driver) else { return .undefined }
        let users = info.users.keys.map(\.name).sorted().map { name -> Term in
            .tuple([.atom(Atom(name)), .integer(info.ports[DriverUser(name)] ?? 0)])
        }
        return .tuple([
            .text(info.vsn), .list(users), .list(info.awaitingLoad.map { .atom(Atom($0.name)) }),
        ])
    }

    // MARK: Code

    func codeLoaded(_ module: Atom, _ result: Result<Term, WorkerError>, context: WorkerContext) throws {
        if case .success = result, module.name == Self.driver, !stays { _ = try reload() }
    }

    /// The port stays open: the change may yet be called off.
    func exportState(into writer: inout ExternalTermWriter) throws { writer.term(.integer(Int(count))) }

    static func codeChange(
        from vsn: FromVsn, state: inout ExternalTermReader, extra: Term, context: WorkerContext
    ) throws -> DrivingServer {
        try DrivingServer(count: UInt8(state.term().asInt ?? 0), stays: false, context)
    }
}
