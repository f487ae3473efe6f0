import CModules
import Glibc

// The part that performs what the table decides.
extension Drivers {
    static var maxCommand: Int { Int(RHD_MAX_COMMAND) }

    /// Has the driver's turn, and the lock.
    func takeTurn(_ name: String) {
        lock.lock()
        while let holder = turns[name] {
            precondition(
                holder != UInt(pthread_self()), "driver \(name): a call from within itself waits for its own end")
            waiting += 1
            lock.wait()
            waiting -= 1
        }
        turns[name] = UInt(pthread_self())
    }

    /// With the lock held, which is let go of.
    func endTurn(_ name: String) {
        turns[name] = nil
        if waiting > 0 { lock.wakeAll() }
        lock.unlock()
    }

    /// Feeds the event to the table, performs what comes of it, and what comes of that. In its driver's turn, so that nobody
    /// else is in the driver; without the lock wherever a library, a closure or a system call runs.
    func handle(
        _ event: DriverTable.Event, of name: String, command: [UInt8] = [],
        whenDone: (@Sendable (DriverOutcome) -> Void)? = nil, ticket: Int? = nil
    ) -> Result<DriverTable.Answer, DriverError> {
        takeTurn(name)
        if let ticket, let whenDone { told[ticket] = whenDone }
        var result: Result<DriverTable.Answer, DriverError>?
        var outcomes: [(@Sendable (DriverOutcome) -> Void, DriverOutcome)] = []
        var next: DriverTable.Event? = event
        while let event = next {
            next = nil
            for action in table.handle(event, of: name) {
                switch action {
                case .answer(let answer): result = .success(answer)
                case .fail(let reason): result = .failure(DriverError(driver: name, reason: reason))
                case .tell(let ticket, let outcome):
                    if let whenDone = told.removeValue(forKey: ticket) { outcomes.append((whenDone, outcome)) }
                default: next = perform(action, name, command)
                }
            }
        }
        if let ticket, !isPending(result) { told[ticket] = nil }
        endTurn(name)
        for (whenDone, outcome) in outcomes { whenDone(outcome) }
        guard let result else { preconditionFailure("\(event) has no answer") }
        return result
    }

    private func isPending(_ result: Result<DriverTable.Answer, DriverError>?) -> Bool {
        result == .success(.state(.pendingDriver)) || result == .success(.state(.pendingProcess))
    }

    /// The outcome, of an action that has one.
    private func perform(_ action: DriverTable.Action, _ name: String, _ command: [UInt8]) -> DriverTable.Event? {
        switch action {
        case .fetch: return fetch(name)
        case .start: return start(name)
        case .swap: return swap(name)
        case .drop:
            if let descriptor = fetched.removeValue(forKey: name) { Self.close(descriptor) }
            return nil
        case .stop:
            guard let library = libraries.removeValue(forKey: name) else { return nil }
            unlocked {
                library.stop()
                library.close()
            }
            return nil
        case .openPort(let id):
            guard let library = libraries[name] else { preconditionFailure("\(name) is not loaded") }
            switch unlocked({ library.open(command) }) {
            case .success(let pointer):
                ports[id] = .some(pointer)
                return .portOpened
            case .failure(let refusal): return .portRefused(refusal.code)
            }
        case .closePort(let id):
            guard let pointer = ports.removeValue(forKey: id), let library = libraries[name] else { return nil }
            unlocked { library.close(pointer) }
            return nil
        case .answer, .fail, .tell: return nil
        }
    }

    private func fetch(_ name: String) -> DriverTable.Event {
        let descriptor: Int32
        do {
            descriptor = try unlocked { try library(name) }
        } catch {
            return .notFetched("\(error)")
        }
        if let why = unlocked({ DriverLibrary.check(descriptor) }) {
            Self.close(descriptor)
            return .notFetched(why)
        }
        fetched[name] = descriptor
        return .fetched
    }

    private func start(_ name: String) -> DriverTable.Event {
        guard let descriptor = fetched.removeValue(forKey: name) else { preconditionFailure("\(name) was not fetched") }
        defer { Self.close(descriptor) }
        do throws(DriverLibraryError) {
            libraries[name] = try unlocked { () throws(DriverLibraryError) in
                let library = try DriverLibrary(name, descriptor)
                try Self.start(library)
                return library
            }
            return .started
        } catch {
            return .notStarted(error.text)
        }
    }

    /// The new version is checked before the old one is touched, and started when that is finished: of the two one is between
    /// its init and its finish at any time.
    private func swap(_ name: String) -> DriverTable.Event {
        guard let descriptor = fetched.removeValue(forKey: name), let old = libraries[name] else {
            preconditionFailure("\(name) was not fetched")
        }
        defer { Self.close(descriptor) }
        let new: DriverLibrary
        do throws(DriverLibraryError) {
            new = try unlocked { () throws(DriverLibraryError) in try DriverLibrary(name, descriptor) }
        } catch {
            return .kept(error.text)
        }
        unlocked { old.stop() }
        do throws(DriverLibraryError) {
            try unlocked { () throws(DriverLibraryError) in try Self.start(new) }
            libraries[name] = new
            unlocked { old.close() }
            return .swapped
        } catch {
            return comeBack(name, old, error)
        }
    }

    /// After the new version refused, and is gone.
    private func comeBack(_ name: String, _ old: DriverLibrary, _ refusal: DriverLibraryError) -> DriverTable.Event {
        do throws(DriverLibraryError) {
            try unlocked { () throws(DriverLibraryError) in try Self.start(old) }
            return .kept(refusal.text)
        } catch {
            libraries[name] = nil
            return .lost("\(refusal.text); the version before, started again, is gone, too: \(error.text)")
        }
    }

    /// One that refuses is unmapped.
    private static func start(_ library: DriverLibrary) throws(DriverLibraryError) {
        do {
            try library.start()
        } catch {
            library.close()
            throw error
        }
    }

    private func unlocked<Value, Failure>(_ body: () throws(Failure) -> Value) throws(Failure) -> Value {
        lock.unlock()
        defer { lock.lock() }
        return try body()
    }

    static func close(_ descriptor: Int32) { _ = Glibc.close(descriptor) }
}

// The part between requests and the table.
extension Drivers {
    /// A request that is answered by how far it came.
    @discardableResult
    func state(
        _ name: String, _ whenDone: (@Sendable (DriverOutcome) -> Void)?, _ event: (_ ticket: Int?) -> DriverTable.Event
    ) throws(DriverError) -> DriverAnswer {
        var ticket: Int?
        if whenDone != nil {
            lock.lock()
            ticket = nextTicket
            nextTicket += 1
            lock.unlock()
        }
        let result = handle(event(ticket), of: name, whenDone: whenDone, ticket: ticket)
        guard case .state(let state) = try result.get() else { preconditionFailure("no state") }
        return state
    }

    /// Waits for what a request comes to.
    func outcome(
        _ name: String,
        _ request: (@escaping @Sendable (DriverOutcome) -> Void) throws(DriverError) -> DriverAnswer
    ) throws(DriverError) {
        let wait = DriverWait()
        switch try request({ wait.set($0) }) {
        case .loaded, .alreadyLoaded, .unloaded: return
        case .pendingDriver, .pendingProcess: break
        }
        switch wait.get() {
        case .loaded, .unloaded, .unloadCancelled: return
        case .loadFailure(let why): throw DriverError(driver: name, reason: .loadFailure(why))
        case .loadCancelled: throw DriverError(driver: name, reason: .loadCancelled)
        }
    }
}
