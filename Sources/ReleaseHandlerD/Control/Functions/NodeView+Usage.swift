import Host
import Wire

/// What workers use, read on a thread that may wait.
extension NodeView {
    func workerList() async -> WorkerList {
        let list = WorkerList(workers: workerSummaries())
        return list.with(await Self.usage(groups()))
    }

    func applicationList() async -> ApplicationList {
        let nodes = treeNodes()
        let usage = await Self.usage(groups())
        return ApplicationList(applications: nodes.map { $0.with(usage) })
    }

    /// Of those that have a control group, by the worker's address.
    private func groups() -> [String: String] {
        var groups: [String: String] = [:]
        for (address, place) in tree.places { groups[address.description] = place.current?.cgroupPath }
        return groups
    }

    private static func usage(_ groups: [String: String]) async -> [String: WorkerUsage] {
        guard !groups.isEmpty else { return [:] }
        return await DiskWork.run {
            groups.compactMapValues { path in CgroupUsage(path: path).map(WorkerUsage.init) }
        }
    }
}

extension WorkerUsage {
    fileprivate init(_ usage: CgroupUsage) {
        self.init(
            memoryKiB: usage.memoryBytes.map { $0 / 1_024 }, cpuMilliseconds: usage.cpuMilliseconds, tasks: usage.tasks)
    }
}

extension WorkerList {
    fileprivate func with(_ usage: [String: WorkerUsage]) -> Self {
        var list = self
        for index in list.workers.indices { list.workers[index].usage = usage[list.workers[index].address] }
        return list
    }
}

extension TreeNode {
    fileprivate func with(_ usage: [String: WorkerUsage]) -> Self {
        var node = self
        if kind == .worker { node.usage = usage[address] }
        node.children = children.map { $0.with(usage) }
        return node
    }
}
