import Glibc
import Host
import Instructions
public import Logging
public import ReleaseHandling
import ServiceLifecycle
import Wire

/// The daemon: one node and its control server, from start to end.
public struct Daemon: Sendable {
    public struct Configuration: Sendable {
        /// Absolute path of the release root, without links: one that leads elsewhere later changes nothing for who runs.
        public var root: String
        public var control: ControlConfiguration
        /// Where the page is served; nowhere where it is nil.
        public var page: PageAddress?
        /// Who it is among the nodes of its machine.
        public var node: NodeOptions
        /// What its command line says; it counts before what the release that runs says.
        public var options: DaemonOptions
        /// Has the log begin at another level.
        public var setLogLevel: @Sendable (DaemonOptions.LogLevel?) -> Void
        /// Has what was logged written, before another program takes this one's place.
        public var flush: @Sendable () -> Void
        /// How many lines of the log were dropped so far.
        public var droppedLogLines: @Sendable () -> Int

        public init(
            root: String, control: ControlConfiguration, page: PageAddress? = nil, node: NodeOptions = NodeOptions(),
            options: DaemonOptions = DaemonOptions(),
            setLogLevel: @escaping @Sendable (DaemonOptions.LogLevel?) -> Void = { _ in },
            flush: @escaping @Sendable () -> Void = {}, droppedLogLines: @escaping @Sendable () -> Int = { 0 }
        ) {
            self.root = root
            self.control = control
            self.page = page
            self.node = node
            self.options = options
            self.setLogLevel = setLogLevel
            self.flush = flush
            self.droppedLogLines = droppedLogLines
        }
    }

    let configuration: Configuration
    let logger: Logger

    public init(configuration: Configuration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    /// How a run ended, and the listening sockets that a restart goes on with.
    public struct Ending: Sendable {
        public let end: NodeEnd
        public let sockets: [InheritedDescriptor]
        /// What restarts the daemon in its place. Source: OTP sasl(6), `start_prg`.
        public let startProgram: String?
        let root: ReleaseRoot
    }

    /// Runs until the node has ended. Throws where it could not even begin.
    public func run() async throws -> Ending {
        do {
            try DaemonThreads.start(page: configuration.page != nil)
        } catch {
            throw ThreadsRefused(error)
        }
        // The service manager's clock runs already: whatever takes its time comes after that.
        if Self.goesOn { SystemdNotify.watchdog() }
        let handover = try Handover.take()
        let start = try Self.takeStart()
        // What was handed over is the other one's, where there is one to be executed first.
        if handover == nil { await executeEmulator(for: start) }
        // Before anything else is opened: what was handed over lies at fixed numbers.
        let received = SystemdNotify.receivedDescriptors().map {
            InheritedDescriptor(name: $0.name, descriptor: $0.descriptor)
        }
        let control = try handover.map { try GivenControlSocket(of: $0.control) } ?? GivenControlSocket(among: received)
        let inherited = received.filter { $0.descriptor !== control.inherited?.descriptor }
        if let warning = control.warning(unlessAt: configuration.control.socketPath) { logger.warning("\(warning)") }
        // A worker that is gone must not end the daemon by a write to it.
        signal(SIGPIPE, SIG_IGN)
        // The watchdog's signal is to end the daemon: Swift's own handler prints a backtrace and lets it go on.
        signal(SIGABRT, SIG_DFL)
        if let handover { await OwnProcesses.goOn(handover.node.processes) }
        _ = DescriptorLimit.raise()
        do {
            try await Subreaper.begin()
        } catch {
            logger.warning("what workers leave behind can't be found: \(error)")
        }
        await Cgroups.shared.begin()
        let node = try await node(handover, start)
        if handover == nil, let reason = await Self.otherEmulator(node.store) {
            // It has not begun to boot, so this is none of its boots.
            try? await node.store.endsRun(reason, isFailure: false)
            await node.history.written()
            return Ending(
                end: .restart(reason: reason), sockets: control.all + inherited, startProgram: nil, root: node.root)
        }
        await node.sockets.inherit(inherited)
        let reexecution = await Reexecution(node: node, logger: logger, flush: configuration.flush)
        if let handover { await reexecution.tookOver(handover) }
        let readiness = Readiness(isReady: handover != nil)
        let audit = logger
        let (traffic, pageTraffic) = (ControlTraffic(), ControlTraffic("http"))
        let handlers = ControlHandlers(
            node, reexecution: reexecution, traffic: configuration.page == nil ? [traffic] : [traffic, pageTraffic],
            droppedLogLines: configuration.droppedLogLines)
        let server = ControlServer(
            configuration: configuration.control, handlers: handlers,
            audit: { record in
                var metadata: Logger.Metadata = ["AUDIT": "\(record.operation)", "UID": "\(record.peer.uid)"]
                metadata["WORKER"] = record.worker.map { .string($0) }
                metadata["PEER_WORKER"] = record.peer.origin?.worker.map { .string($0) }
                audit.notice("\(record)", metadata: metadata)
            },
            logger: logger, inherited: handover?.control, given: control.inherited?.descriptor, traffic: traffic,
            onListening: { await readiness.reached(.control) },
            onHeartbeat: { readiness.controlHeartbeat.beat() })
        let page = configuration.page.map { address in
            PageServer(
                address, handlers: handlers, authorization: server.authorization, audit: server.audit,
                traffic: pageTraffic, logger: logger, inherited: handover?.page)
        }
        await reexecution.serves(server.connections, server.audit, page: page?.connections)
        await follow(node.running, server)
        let stop = StopRequest()
        let runner = NodeRunner(node: node, readiness: readiness, isBooted: handover != nil, stop: stop)
        // Shut down from the last to the first: the tree goes first, while questions are still answered.
        let own: [any Service] = [server, runner]
        var services = own.map { service in
            ServiceGroupConfiguration.ServiceConfiguration(
                service: service, successTerminationBehavior: .gracefullyShutdownGroup,
                failureTerminationBehavior: .gracefullyShutdownGroup)
        }
        if let page {
            // The node goes on without it.
            services.insert(
                .init(service: page, successTerminationBehavior: .ignore, failureTerminationBehavior: .ignore), at: 1)
        }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(services: services, logger: Self.quiet(logger)))
        let signals = try await Self.signals(node, stop) { await group.triggerGracefulShutdown() }
        var failure: String?
        do {
            try await group.run()
        } catch {
            // The tree is down by now; what made the group end is what there is to say.
            failure = "\(error)"
            await node.stop(.failed("\(error)"))
        }
        await node.endIsNoted()
        var end = await Self.overtaken(await node.ended(), by: stop, signals)
        // Where the control server failed, the group has asked the node to stop: that is no success.
        if let failure, end == .stopped { end = .failed(failure) }
        SystemdNotify.flush()
        return Ending(
            end: end, sockets: control.all + (await node.sockets.all),
            startProgram: await node.running.current?.startProgram, root: node.root)
    }

    /// Why this emulator is not to go on: what was to boot was left for a release of another one, once the root was opened, or nothing had said
    /// until then which one boots.
    @HostActor
    private static func otherEmulator(_ store: ReleaseStore) -> String? {
        let hasFallenBack = store.findings.contains { if case .fellBack = $0 { true } else { false } }
        let data = store.table.startErlData
        // What is not written down would be found by the next one just so.
        guard hasFallenBack || !store.repairs.isEmpty, store.obstacle == nil, data.ertsVsn != Emulator.vsn,
            access(store.root.emulatorProgram(data.ertsVsn), X_OK) == 0
        else { return nil }
        let which = hasFallenBack ? "which boots in the place of another" : "which is permanent"
        return "release \(data.releaseVsn), \(which), is for erts \(data.ertsVsn)"
    }

    /// Goes by what the release that runs says of the daemon.
    @HostActor
    private func follow(_ running: RunningRelease, _ server: ControlServer) {
        let use: @HostActor (DaemonOptions) -> Void = { [configuration] said in
            let options = configuration.options.over(said)
            configuration.setLogLevel(options.logLevel)
            server.use(options)
        }
        running.onRunning = { use($0.daemon) }
        // One that goes on has it already; else the command line counts alone until the release is read.
        use(running.current?.daemon ?? DaemonOptions())
    }

    /// One that boots, or goes on where the daemon before stood.
    private func node(_ handover: Handover?, _ start: RunStart) async throws -> Node {
        let root = ReleaseRoot(path: configuration.root)
        guard let handover else {
            let node = try await Node(root: root, logger: logger, start, options: configuration.node)
            await { @HostActor in node.continued = start.continued }()
            return node
        }
        let followers = handover.control.connections.count { $0.claim == .events }
        return try await Node(
            root: root, logger: logger, goingOn: handover.node, options: configuration.node, followers: followers)
    }

    /// Whether somebody has asked for the daemon's end.
    @HostActor
    final class StopRequest {
        fileprivate(set) var came = false

        nonisolated init() {}
    }

    @HostActor
    private static func signals(
        _ node: Node, _ stop: StopRequest, shutDown: @escaping @Sendable () async -> Void
    ) throws(SystemError) -> ServiceSignals {
        try ServiceSignals { signal in
            switch signal {
            case .stop:
                stop.came = true
                // The group has its own order of ending; a node that is on its way down for a restart hears of it at once.
                node.stopInsteadOfRestart()
                Task { await shutDown() }
            case .reload: node.reloadBySignal()
            case .other(let name): node.events.post(.daemon(.signalIgnored(name: name)))
            }
        }
    }

    /// A request to stop overtakes a restart that has not happened yet.
    @HostActor
    private static func overtaken(_ end: NodeEnd, by stop: StopRequest, _ signals: ServiceSignals) -> NodeEnd {
        while let signal = signals.next() {
            if signal == .stop { stop.came = true }
        }
        return end.isRestart && stop.came ? .stopped : end
    }

    /// The libraries' notices about their own life are for their developers.
    private static func quiet(_ logger: Logger) -> Logger {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .error)
        return quiet
    }
}

/// The node as a service: booted, kept under the watchdog, stopped in order.
struct NodeRunner: Service, CustomStringConvertible {
    /// As of `ControlServer`.
    var description: String { "node" }
    let node: Node
    let readiness: Readiness
    /// By the daemon before.
    let isBooted: Bool
    let stop: Daemon.StopRequest

    func run() async throws {
        try await withGracefulShutdownHandler {
            // From before the boot on: after the daemon's own re-execution the service manager's clock runs already.
            let watchdog = await Watchdog(node: node, heartbeat: readiness.controlHeartbeat)
            // A group that does not run yet takes no notice of a request to stop.
            if await stop.came { await node.stop(.stopped) }
            do {
                if !isBooted { try await node.boot() }
            } catch {
                // A stop that came in the middle of the boot is no failure of it.
                if await node.ended() == .stopped { return }
                throw error
            }
            await readiness.reached(.node, status: node.statusLine)
            let end = await node.ended()
            await watchdog.stop()
            if case .failed(let reason) = end { throw BootError(reason) }
        } onGracefulShutdown: {
            Task { @HostActor in
                SystemdNotify.stopping()
                node.stop(.stopped)
            }
        }
    }
}
