import Host
import ReleaseHandling
import Wire

/// Whether the daemon and the machine have room for the standbys that a script starts.
extension InstallPreflight {
    /// Files of /proc say so, one for each worker: they are read beside the node's own thread.
    func checkRoom(_ objectCode: [LoadedCode], _ census: [WorkerInfo]) async throws(InstallRefusal) {
        let workers = machine.handedOver(to: objectCode.map(\.version), census: census)
        guard !workers.isEmpty else { return }
        guard await room(for: workers).problem != nil else { return }
        // What the last handoffs have replaced may be on its way out, and what it has comes free with it.
        await site.tree.launcher.departures.untilAllLeft(withinMilliseconds: Self.departureMilliseconds)
        guard let problem = await room(for: workers).problem else { return }
        throw InstallRefusal(.init(index: nil, instruction: nil, error: problem))
    }

    /// Longer than one takes that is killed for not leaving, also where thousands do at once.
    private static let departureMilliseconds = 10_000

    private func room(for workers: [ChildAddress]) async -> StandbyRoom {
        let pids = workers.compactMap { site.tree.places[$0]?.current?.pid }
        let needed = await DiskWork.map(pids) { ProcessMemory.rssWithoutFilesKiB(pid: $0) ?? 0 }.reduce(0, +)
        let (open, available) = await DiskWork.run { (DescriptorLimit.openCount(), AvailableMemory.read()) }
        return StandbyRoom(
            workers: workers, openFiles: .init(open: open, limit: DescriptorLimit.current),
            memory: available.map {
                .init(neededKiB: needed, availableKiB: $0.kibibytes, group: $0.group)
            })
    }
}
