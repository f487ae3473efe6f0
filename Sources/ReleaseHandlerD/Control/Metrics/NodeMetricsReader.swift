import Host
import ReleaseHandling
import Wire

/// The node's metrics for who scrapes them: from the state that there is; nothing is counted for them alone that is counted already.
///
/// Who asks while they are read gets what is read: however many scrape, it is no more work than one who does so without a pause. Of a scrape
/// the node's own thread looks at its own state; `/proc` and control groups are read, and all of it is put into text, by threads that wait.
@HostActor
final class NodeMetricsReader {
    private let node: Node
    private let traffic: [ControlTraffic]
    /// Lines of the log, since this program was executed.
    private let droppedLogLines: @Sendable () -> Int
    private var reading: Task<MetricExposition, Never>?

    nonisolated init(_ node: Node, _ traffic: [ControlTraffic], droppedLogLines: @escaping @Sendable () -> Int) {
        self.node = node
        self.traffic = traffic
        self.droppedLogLines = droppedLogLines
    }

    func read() async -> MetricExposition {
        if let reading { return await reading.value }
        let task = Task { @HostActor [self] in
            let exposition = await readAnew()
            reading = nil
            return exposition
        }
        reading = task
        return await task.value
    }

    private func readAnew() async -> MetricExposition {
        var exposition = MetricExposition()
        addNode(to: &exposition)
        let readings = node.view.readings()
        let (known, traffic, dropped) = (exposition, self.traffic, droppedLogLines())
        return await DiskWork.run {
            var exposition = known
            exposition.add(Metrics.node.logLinesDropped, dropped)
            for reading in readings.supervisors {
                exposition.add(Metrics.workers.supervisorRestarts, reading.restarts, [reading.address.description])
            }
            for reading in readings.workers { reading.add(to: &exposition) }
            for interface in traffic { interface.add(to: &exposition) }
            Self.addProcess(to: &exposition)
            return exposition
        }
    }

    private func addNode(to exposition: inout MetricExposition) {
        let metrics = Metrics.node
        let status = node.status()
        exposition.add(info: metrics.info, [status.node, status.name, status.release, status.erts])
        exposition.add(metrics.state, is: status.state)
        for release in node.store.summaries {
            exposition.add(metrics.releaseStatus, is: release.status, [release.vsn])
        }
        let probation = node.probation.status()
        exposition.add(metrics.probationActive, probation.state == .none ? 0 : 1)
        exposition.add(metrics.probationRemaining, Double(probation.remainingMilliseconds ?? 0) / 1_000)
        exposition.add(metrics.probationRestarts, probation.restarts ?? 0)
        exposition.add(metrics.waitingRestarts, status.waitingRestarts ?? 0)
        let counts = node.installer.counts
        for outcome in UpgradeCounts.Outcome.allCases {
            exposition.add(metrics.upgrades, counts.count(outcome), [outcome.rawValue])
        }
        exposition.add(metrics.upgradePause, counts.pauses)
        exposition.add(metrics.events, node.events.posted)
    }

    private nonisolated static func addProcess(to exposition: inout MetricExposition) {
        let metrics = Metrics.process
        let usage = ProcessUsage.own
        if let seconds = usage.cpuSeconds { exposition.add(metrics.cpu, seconds) }
        if let bytes = usage.residentBytes { exposition.add(metrics.resident, bytes) }
        if let bytes = usage.virtualBytes { exposition.add(metrics.virtual, bytes) }
        if let seconds = usage.startSecondsSince1970 { exposition.add(metrics.startTime, seconds) }
        exposition.add(metrics.openDescriptors, DescriptorLimit.openCount())
        exposition.add(metrics.maxDescriptors, DescriptorLimit.current)
    }
}
