/// The drivers of one process: libraries in C with state of their own, which exist in one version only.
///
/// One worker owns a driver and answers for all who need it, as `file_server` does in OTP; this is what it owns it with. A process
/// makes one `Drivers`. Who uses a driver, how often it was loaded and which ports are open is counted by `DriverUser`.
///
/// Any thread may call. Calls to one driver are served one after the other, those to different drivers are not held up by each other.
/// While a reload swaps the versions every use of that driver waits, and goes to the new version. Drivers
/// must not call back into the `Drivers` that they are of, nor may the closure that has the libraries.
///
/// Limits: 256 drivers, 65,536 ports of each, 4,096 loads and as many unloads of each that wait. Source: erl_ddll.
public final class Drivers: @unchecked Sendable {
    // All of it is guarded by `lock`, but for what a library does, which is guarded by its driver's turn.
    let lock = DriverLock()
    var table = DriverTable()
    /// Who has a driver's turn, by its thread.
    var turns: [String: UInt] = [:]
    /// Threads that wait for one.
    var waiting = 0
    var libraries: [String: DriverLibrary] = [:]
    /// What a reload that is pending will load.
    var fetched: [String: Int32] = [:]
    var ports: [Int: UnsafeMutableRawPointer?] = [:]
    var told: [Int: @Sendable (DriverOutcome) -> Void] = [:]
    var nextTicket = 0
    let library: @Sendable (String) throws -> Int32

    /// `library` has the library of the driver named: a descriptor that is open for reading, of a file that does not change while it is
    /// mapped. It is closed here. What it throws is the reason of a `.loadFailure`. It is asked for each time that a driver is
    /// loaded or that its reload is accepted, by the thread that asks for that.
    public init(library: @escaping @Sendable (String) throws -> Int32) { self.library = library }

    deinit {
        for (port, name) in table.drivers.flatMap({ name, state in state.ports.keys.sorted().map { ($0, name) } }) {
            if let pointer = ports[port] { libraries[name]?.close(pointer) }
        }
        for library in libraries.values {
            library.stop()
            library.close()
        }
        for descriptor in fetched.values { Self.close(descriptor) }
    }

    // MARK: Loading

    /// Loads the driver for the user, or counts it as one more user's. Where a reload is pending it waits for that, and for all
    /// that this waits for: a worker's one thread rather asks `tryLoad`.
    ///
    /// `killPorts`: its ports are closed when its last user unloads it or has ended. It is the same in all loads of a driver,
    /// else `.inconsistent`. Throws also `.loadFailure`, `.loadCancelled`, `.systemLimit`. Source: erl_ddll, load/2, and with `killPorts` load_driver/2.
    public func load(_ name: String, by user: DriverUser, killPorts: Bool = false) throws(DriverError) {
        try outcome(name) { wait throws(DriverError) in
            try tryLoad(name, by: user, killPorts: killPorts, whenDone: wait)
        }
    }

    /// As `load`, and does not wait for a reload: `.loaded`, `.alreadyLoaded`, and of a reload that is pending `.pendingDriver` or
    /// `.pendingProcess`. In each case the user has to unload it once more.
    ///
    /// `whenDone` is called once where the answer is a pending one: with `.loaded`, `.loadFailure` (the user has not loaded it) or
    /// `.loadCancelled`, on the thread that brought it about, which may use drivers then. Source: erl_ddll, try_load/3.
    @discardableResult
    public func tryLoad(
        _ name: String, by user: DriverUser, killPorts: Bool = false,
        whenDone: (@Sendable (DriverOutcome) -> Void)? = nil
    ) throws(DriverError) -> DriverAnswer {
        try state(name, whenDone) { .load(user, killPorts: killPorts, ticket: $0) }
    }

    /// Takes one load of the user back. Of the last one of all users the driver is finished and unmapped, at once where no port is
    /// open, else when the last one is closed; loaded again before that, it stays. It never waits for that.
    ///
    /// `killPorts`: where this is the last one, ports are closed. Throws `.notLoaded`, `.notLoadedByThisProcess`.
    /// Source: erl_ddll, unload/1, and with `killPorts` unload_driver/1.
    public func unload(_ name: String, by user: DriverUser, killPorts: Bool = false) throws(DriverError) {
        try tryUnload(name, by: user, killPorts: killPorts)
    }

    /// As `unload`, and says what it waits for: `.unloaded`, `.pendingDriver`, `.pendingProcess`. `whenDone` is called once where the
    /// answer is a pending one: with `.unloaded` or `.unloadCancelled`. Throws also `.systemLimit`. Source: erl_ddll, try_unload/2.
    @discardableResult
    public func tryUnload(
        _ name: String, by user: DriverUser, killPorts: Bool = false,
        whenDone: (@Sendable (DriverOutcome) -> Void)? = nil
    ) throws(DriverError) -> DriverAnswer {
        try state(name, whenDone) { .unload(user, killPorts: killPorts, ticket: $0) }
    }

    /// Replaces the driver by what the closure has now, and returns when the new version runs. The user has it loaded, and is the only
    /// one (`.pendingProcess`). Ports of other users are waited for, or closed where the driver was loaded with `killPorts`;
    /// the user's own would be waited for in vain (`.pendingDriver`).
    ///
    /// Where the new version can't be loaded the old one goes on (`.loadFailure`): it is finished, and where the new one's init
    /// refuses its own runs once more. Throws also `.notLoaded`, `.notLoadedByThisProcess`, `.pendingReload`, `.inconsistent`,
    /// `.loadCancelled`. Source: erl_ddll, reload/2, and with `killPorts` reload_driver/2.
    public func reload(_ name: String, by user: DriverUser, killPorts: Bool = false) throws(DriverError) {
        try outcome(name) { wait throws(DriverError) in
            try state(name, wait) {
                .reload(user, .pendingDriver, killPorts: killPorts, isWaiting: true, ticket: $0)
            }
        }
    }

    /// As `reload`, and does not wait: `.loaded`, `.pendingDriver`, `.pendingProcess`. With `.pending` other users are no error: the
    /// swap is when the last of them has unloaded it or ended, and the last port is closed, the user's own too. Until then all use the
    /// version that runs, ports may be opened, and who loads it waits for the version to come, without holding it up. The reload
    /// is given up where its user unloads the driver or ends.
    ///
    /// `whenDone` is called once where the answer is a pending one: with `.loaded`, `.loadFailure` or `.loadCancelled`. Source: erl_ddll,
    /// try_load/3 with `reload`.
    @discardableResult
    public func tryReload(
        _ name: String, by user: DriverUser, waitingFor option: DriverReload = .pendingDriver, killPorts: Bool = false,
        whenDone: (@Sendable (DriverOutcome) -> Void)? = nil
    ) throws(DriverError) -> DriverAnswer {
        try state(name, whenDone) { .reload(user, option, killPorts: killPorts, ticket: $0) }
    }

    /// The user is no more: its ports are closed, what it loaded is unloaded, what it waited for is cancelled. To be
    /// told of every user that ends; of one that holds nothing, too. Source: erl_ddll, "reference counting by process".
    public func userEnded(_ user: DriverUser) {
        lock.lock()
        let names = table.drivers.keys.sorted()
        lock.unlock()
        for name in names { _ = handle(.userEnded(user), of: name) }
    }

    // MARK: Looking

    /// The names of the drivers that are loaded, sorted. Source: erl_ddll, loaded_drivers/0.
    public var loadedDrivers: [String] {
        lock.lock()
        defer { lock.unlock() }
        return libraries.keys.sorted()
    }

    /// From which file a driver runs, and how often it is loaded and opened; nil where it is not loaded. Never waits for its turn.
    func usage(of name: String) -> (file: FileIdentity?, users: Int)? {
        lock.lock()
        defer { lock.unlock() }
        guard let library = libraries[name], let state = table.drivers[name] else { return nil }
        return (library.file, state.users.values.reduce(state.ports.count, +))
    }

    /// What is known of a driver; nil where it is not loaded. Source: erl_ddll, info/1.
    public func info(_ name: String) -> DriverInfo? {
        takeTurn(name)
        defer { endTurn(name) }
        guard let state = table.drivers[name], let library = libraries[name] else { return nil }
        var ports: [DriverUser: Int] = [:]
        for user in state.ports.values { ports[user, default: 0] += 1 }
        let waiting = state.reload.map { [$0.user] + $0.awaiting.map(\.user) } ?? []
        return DriverInfo(
            vsn: library.vsn, users: state.users, ports: ports, killsPorts: state.killPorts, awaitingLoad: waiting,
            isAwaitingUnload: state.users.isEmpty)
    }
}
