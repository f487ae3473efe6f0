import Host
import Instructions
import Logging
import ReleaseHandling
import Supervision
import Terms

/// Boot and stop: the driver of the application controller.
extension Node {
    /// Boots the permanent release; returns once every application of it has started.
    public func boot() async throws(BootError) {
        await endEarlierRun()
        guard case .idle = phase else { throw BootError("the node was stopped before it booted") }
        let result: Result<Void, BootError> = await withCheckedContinuation { continuation in
            bootWaiter = { continuation.resume(returning: $0) }
            beginBoot()
        }
        try result.get()
    }

    /// A program that outlived the daemon's run before would run beside its successor.
    private func endEarlierRun() async {
        let (found, remaining) = await EarlierRun.end(
            mark: store.earlierRun, withinMilliseconds: Self.earlierRunMilliseconds)
        func list(_ survivors: [EarlierRun.Survivor]) -> String {
            survivors.prefix(5).map(\.description).joined(separator: ", ") + (survivors.count > 5 ? ", …" : "")
        }
        if !remaining.isEmpty {
            events.post(
                "earlier_run_remains",
                "the daemon's run before left \(list(remaining)), which SIGKILL did not end: it runs beside what starts now",
                level: .error, fields: ["count": "\(remaining.count)"])
        } else if !found.isEmpty {
            events.post(
                "earlier_run_ended", "the daemon's run before left \(list(found)): ended before anything starts",
                level: .warning, fields: ["count": "\(found.count)"])
        }
        do {
            try store.beginRun()
        } catch {
            events.post(
                "earlier_run_unknown", "the next run will not know what this one leaves behind: \(error)",
                level: .warning)
        }
    }

    /// As long as a worker has for its shutdown where its spec says nothing.
    private static let earlierRunMilliseconds = 5_000

    /// Suspends until the node has ended and says why.
    public func ended() async -> NodeEnd {
        await withCheckedContinuation { continuation in
            if case .ended(let end) = phase { return continuation.resume(returning: end) }
            endWaiters.append { continuation.resume(returning: $0) }
        }
    }

    private func beginBoot() {
        do {
            guard let permanent = releases.permanent else {
                throw BootError("\(root.releasesFile): no release is permanent, so nothing can boot")
            }
            let release = try root.load(permanent)
            applications = try ApplicationController(release.applicationSpecs)
            self.release = release
            events.release = release.vsn
            codeServer.use(release, in: root)
            events.post("boot", "booting release \(release.resource.name) \(release.vsn)", level: .notice)
            phase = .starting
            feed(.boot)
        } catch {
            end(.failed("\(error)"))
        }
    }

    // MARK: The application controller's driver

    func feed(_ event: ApplicationController.Event) {
        for action in applications?.handle(event) ?? [] { perform(action) }
    }

    private func perform(_ action: ApplicationController.Action) {
        switch action {
        case .startRoot(let address, let module, let arguments):
            feed(.startRoot(address: address, module: module, arguments: arguments))
        case .stopRoot(let address): feed(.stopRoot(address))
        case .runStartPhases(let name, let steps): runStartPhases(of: name, steps)
        case .loaded(let names): changeEnvironments(of: names, areLoaded: true)
        case .unloaded(let names): changeEnvironments(of: names, areLoaded: false)
        case .answer(let name, let term): settle(name, \.loads, term)
        case .started(let name):
            events.post("application_started", "application \(name.name) started")
            tellUnknownStartPhases(of: name)
            settle(name, \.starts, .ok)
        case .startFailed(let name, let reason):
            if reason != .tuple([.atom("already_started"), .atom(name)]) {
                events.post(
                    "application_failed", "application \(name.name) could not start: \(explained(reason))",
                    level: .error,
                    fields: ["reason": reason.reasonText])
            }
            settle(name, \.starts, .tuple([.error, reason]))
            settleRest(name)
        case .stopped(let name):
            events.post("application_stopped", "application \(name.name) stopped")
            // It was stopped before its start was done: whoever asked for the start did not get it.
            settle(name, \.starts, .tuple([.error, .shutdown]))
            settle(name, \.stops, .ok)
            settleRest(name)
        case .stopFailed(let name, let reason): settle(name, \.stops, .tuple([.error, reason]))
        case .exited(let name, let type, let reason):
            events.post(
                "application_exited", "application \(name.name) (\(type.atom.name)) ended: \(reason.reasonText)",
                level: .error,
                fields: ["reason": reason.reasonText])
        case .booted: booted()
        case .terminateNode(let reason): stop(endOfNode("the node ends: \(explained(reason))"))
        case .allStopped: treeIsDown()
        }
    }

    private func booted() {
        guard case .starting = phase else { return }
        phase = .running
        sockets.forgetUnclaimed()
        events.post("running", statusLine, level: .notice)
        finishBoot(.success(()))
    }

    // MARK: End

    /// Stops the tree in order; `ended()` returns once it is down.
    public func stop(_ end: NodeEnd) {
        switch phase {
        case .stopping, .ended: return
        case .upgrading(let upgrade):
            phase = .stopping(end)
            upgrade.overtakenByStop()
        case .idle, .starting, .running:
            phase = .stopping(end)
        }
        purgeTimer?.cancel()
        judge(.nodeStopping)
        events.post("stopping", "stopping: \(end)", level: .notice)
        if applications == nil { return treeIsDown() }
        feed(.stopAll)
    }

    /// The tree is down; what still ends are old generations and standbys, which nobody needs.
    private func treeIsDown() {
        guard case .stopping(let end) = phase else { return }
        for generation in generations.values { generation.kill(reason: .atom("killed")) }
        guard generations.isEmpty, probation.runningCommands == 0 else { return }
        self.end(end)
    }

    func generationStarted(_ generation: Generation) { generations[ObjectIdentifier(generation)] = generation }

    /// No process is left behind: the node has ended when its last process has.
    func generationEnded(_ generation: Generation) {
        generations[ObjectIdentifier(generation)] = nil
        processEnded()
    }

    /// A process that was no worker's counts too.
    func processEnded() {
        if generations.isEmpty, applications?.running.isEmpty != false { treeIsDown() }
    }

    private func end(_ end: NodeEnd) {
        phase = .ended(end)
        switch end {
        case .restart: break  // They go on into the daemon's next run.
        case .stopped, .failed: sockets.closeAll()
        }
        events.post("stopped", "the node is down")
        events.finish()
        finishBoot(.failure(BootError("\(end)")))
        let waiters = endWaiters
        endWaiters = []
        for waiter in waiters { waiter(end) }
    }

    /// What the service manager shows of a node that runs.
    var statusLine: String { "release \(release?.vsn ?? "") runs" }

    private func finishBoot(_ result: Result<Void, BootError>) {
        let waiter = bootWaiter
        bootWaiter = nil
        waiter?(result)
    }
}
