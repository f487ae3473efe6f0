import Host
import Supervision
import Terms

/// Who waits for what becomes of an application.
struct ApplicationWaiters {
    typealias Answer = @HostActor (Term) -> Void

    var starts: [Answer] = []
    var stops: [Answer] = []
    /// `load` and `unload`, which are answered at once.
    var loads: [Answer] = []
    /// Whoever has to wait until its stop is done.
    var rests: [@HostActor () -> Void] = []
}

extension Node {
    /// Starts, stops, loads or unloads an application; `then` gets what OTP's function answers.
    ///
    /// OTP's controller handles one request at a time. So a start that is asked for while one is under way is told what
    /// becomes of that one, and what is asked for while the application stops comes after the stop.
    func control(_ event: ApplicationController.Event, _ name: Atom, then: @escaping ApplicationWaiters.Answer) {
        switch (event, applications?.state(of: name) ?? .stopped) {
        case (.start, .stopping), (.stop, .stopping):
            whenAtRest(name) { [weak self] in
                guard let self, !isStopping else { return then(.tuple([.error, .shutdown])) }
                control(event, name, then: then)
            }
        case (.start, .starting):
            applicationWaiters[name, default: ApplicationWaiters()].starts.append(then)
        case (.start, _):
            applicationWaiters[name, default: ApplicationWaiters()].starts.append(then)
            feed(event)
        case (.stop, _):
            applicationWaiters[name, default: ApplicationWaiters()].stops.append(then)
            feed(event)
        case (_, _):
            applicationWaiters[name, default: ApplicationWaiters()].loads.append(then)
            feed(event)
        }
    }

    func whenAtRest(_ name: Atom, _ then: @escaping @HostActor () -> Void) {
        applicationWaiters[name, default: ApplicationWaiters()].rests.append(then)
    }

    func settle(
        _ name: Atom, _ waiters: WritableKeyPath<ApplicationWaiters, [ApplicationWaiters.Answer]>, _ answer: Term
    ) {
        guard let waiting = applicationWaiters[name]?[keyPath: waiters] else { return }
        applicationWaiters[name]?[keyPath: waiters] = []
        for waiter in waiting { waiter(answer) }
    }

    func settleRest(_ name: Atom) {
        guard let waiting = applicationWaiters[name]?.rests else { return }
        applicationWaiters[name]?.rests = []
        for waiter in waiting { waiter() }
    }

    private var isStopping: Bool {
        switch phase {
        case .stopping, .ended: true
        case .idle, .starting, .running, .upgrading: false
        }
    }
}
