public import Terms

/// What is wrong with a request to `Drivers`. The names of the reasons are erl_ddll's where it has one. Source: erl_ddll, try_load/3.
public struct DriverError: Error, Hashable, CustomStringConvertible {
    public enum Reason: Hashable, Sendable {
        /// No such driver is loaded.
        case notLoaded
        /// This user has not loaded it.
        case notLoadedByThisProcess
        /// A reload of it is pending already.
        case pendingReload
        /// It has other users, and the reload was to wait for none.
        case pendingProcess
        /// The user's own ports are open, and the call would wait for them.
        case pendingDriver
        /// It is loaded with another `killPorts`.
        case inconsistent
        /// The library can't be had or is refused, for this reason. Nothing has changed, unless the text says otherwise.
        case loadFailure(String)
        /// The user unloaded it meanwhile, or ended.
        case loadCancelled
        /// The port is not open (any more).
        case notOpen
        /// The driver's open refused, with this value of its own.
        case openFailed(Int)
        /// The control function failed; the term is its reason.
        case failed(Term)
        /// The control function answered something that is no term.
        case badAnswer(String)
        /// The control function asked for more room than 16 MiB, or than there is memory.
        case answerTooLarge
        /// One of the limits of `Drivers` is reached; the text says which.
        case systemLimit(String)
    }

    /// The driver's name.
    public let driver: String
    public let reason: Reason

    public init(driver: String, reason: Reason) {
        self.driver = driver
        self.reason = reason
    }

    /// The reason as a term: an atom, or a tuple that begins with one.
    public var term: Term {
        switch reason {
        case .notLoaded: .atom("not_loaded")
        case .notLoadedByThisProcess: .atom("not_loaded_by_this_process")
        case .pendingReload: .atom("pending_reload")
        case .pendingProcess: .atom("pending_process")
        case .pendingDriver: .atom("pending_driver")
        case .inconsistent: .atom("inconsistent")
        case .loadFailure(let why): .tuple([.atom("load_failure"), text(why)])
        case .loadCancelled: .atom("load_cancelled")
        case .notOpen: .atom("badarg")
        case .openFailed(let code): .tuple([.atom("open_failed"), .integer(code)])
        case .failed(let reason): reason
        case .badAnswer(let why): .tuple([.atom("bad_answer"), text(why)])
        case .answerTooLarge: .atom("answer_too_large")
        case .systemLimit: .atom("system_limit")
        }
    }

    public var description: String {
        let says =
            switch reason {
            case .notLoaded: "it is not loaded"
            case .notLoadedByThisProcess: "this user has not loaded it"
            case .pendingReload: "a reload is pending already; wait for it, or unload what asked for it"
            case .pendingProcess: "it has other users; wait for them with tryReload(waitingFor: .pending)"
            case .pendingDriver:
                "ports of this user are open, and the call would wait for them; close them, or kill them"
            case .inconsistent: "it is loaded with another killPorts"
            case .loadFailure(let why): why
            case .loadCancelled: "its user unloaded it meanwhile, or ended"
            case .notOpen: "the port is not open"
            case .openFailed(let code): "its open refuses: \(code)"
            case .failed(let reason): "its control fails: \(reason)"
            case .badAnswer(let why): "its control answers no term: \(why)"
            case .answerTooLarge: "its control asks for more room than 16 MiB, or than there is memory"
            case .systemLimit(let what): "\(what) are the most that are allowed"
            }
        return "driver \(driver): \(says)"
    }
}
