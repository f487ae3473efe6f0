/// Who uses drivers: what erl_ddll counts by process. A name of the worker's choice, for whatever has an end in it: a connection, a
/// client, the worker itself. It needs no beginning; `Drivers.userEnded` is its end.
public struct DriverUser: Hashable, Sendable, CustomStringConvertible {
    public let name: String

    public init(_ name: String) { self.name = name }

    public var description: String { name }
}

/// A port that was opened, good until it is closed: by `Drivers.close`, by its user's end, or with its driver. It may be passed on:
/// anyone may use it, and it counts for the user that opened it.
public struct DriverPort: Hashable, Sendable {
    /// The driver's name.
    public let driver: String
    /// Never used twice by one `Drivers`.
    let id: Int
}

/// How far a request came. Source: erl_ddll, try_load/3 and try_unload/2.
public enum DriverAnswer: String, Hashable, Sendable {
    /// The driver is loaded, or reloaded, with this request.
    case loaded
    /// It was there already, and is used by one more.
    case alreadyLoaded = "already_loaded"
    /// The driver is gone.
    case unloaded
    /// It waits until the ports are closed that are open.
    case pendingDriver = "pending_driver"
    /// It waits for other users; an unload is done for its user with that.
    case pendingProcess = "pending_process"
}

/// What came of a request that was pending. Source: erl_ddll, monitor/2.
public enum DriverOutcome: Hashable, Sendable {
    /// The version asked for is loaded, or the reload that was waited for was given up and the version that is there is used.
    case loaded
    /// The version asked for can't be loaded, for this reason. What was loaded before is loaded still, unless the text says otherwise.
    case loadFailure(String)
    /// Who had asked unloaded it meanwhile, or ended.
    case loadCancelled
    /// The version that was unloaded is gone.
    case unloaded
    /// The driver was loaded once more before its last port was closed.
    case unloadCancelled
}

/// What a reload may wait for. Source: erl_ddll, the option reload of try_load/3.
public enum DriverReload: Hashable, Sendable {
    /// For ports that are open, with no other user; where there is one, the reload is an error.
    case pendingDriver
    /// For all other users, too.
    case pending
}

/// What is known of a loaded driver. Source: erl_ddll, info/1.
public struct DriverInfo: Hashable, Sendable {
    /// What the running version calls itself.
    public let vsn: String
    /// Users that loaded it, with how often.
    public let users: [DriverUser: Int]
    /// Ports that are open, by user.
    public let ports: [DriverUser: Int]
    /// Whether ports are closed when the last user has unloaded it.
    public let killsPorts: Bool
    /// Who waits for the version to come; the first is who asked for the reload. Empty where no reload is pending.
    public let awaitingLoad: [DriverUser]
    /// Whether nobody has it loaded, and it is only there until its ports are closed.
    public let isAwaitingUnload: Bool
}
