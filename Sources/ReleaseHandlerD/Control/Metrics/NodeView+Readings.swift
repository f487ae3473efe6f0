import Host
import Supervision
import Wire

/// What the node itself knows of a worker, without asking anybody; what its process uses is read elsewhere.
struct WorkerReading: Sendable {
    struct Process: Sendable {
        let pid: Int32
        let cgroupPath: String?
        let generation: Int
        let module: String
        let vsn: String
    }

    let address: ChildAddress
    let state: TreeNode.State
    let restarts: Int
    let process: Process?
    let statistics: PlaceStatistics
    let mailbox: Int
    let openCalls: Int
}

struct SupervisorReading: Sendable {
    let address: ChildAddress
    let restarts: Int
}

extension NodeView {
    func readings() -> (workers: [WorkerReading], supervisors: [SupervisorReading]) {
        var workers: [WorkerReading] = []
        var supervisors: [SupervisorReading] = []
        for child in tree.allChildren() {
            guard isWorker(child) else {
                supervisors.append(SupervisorReading(address: child.address, restarts: child.restarts))
                continue
            }
            let place = tree.places[child.address]
            workers.append(
                WorkerReading(
                    address: child.address, state: state(of: child, place), restarts: child.restarts,
                    process: place?.current.map { process in
                        WorkerReading.Process(
                            pid: process.pid, cgroupPath: process.cgroupPath, generation: process.number,
                            module: module(of: child), vsn: process.vsnText ?? "")
                    },
                    statistics: place?.statistics ?? PlaceStatistics(), mailbox: place?.mailbox.count ?? 0,
                    openCalls: place.map { $0.calls.count - $0.mailbox.count } ?? 0))
        }
        return (workers, supervisors)
    }
}

extension WorkerReading {
    /// Reads what the process uses: on a thread that may wait.
    func add(to exposition: inout MetricExposition) {
        let metrics = Metrics.workers
        let worker = [address.description]
        exposition.add(metrics.state, is: state, worker)
        exposition.add(metrics.restarts, restarts, worker)
        guard let process else { return }
        exposition.add(info: metrics.info, worker + [process.module, process.vsn])
        exposition.add(metrics.generation, process.generation, worker)
        exposition.add(metrics.startTime, Double(statistics.startedAtMilliseconds) / 1_000, worker)
        exposition.add(metrics.mailbox, mailbox, worker)
        exposition.add(metrics.openCalls, openCalls, worker)
        exposition.add(metrics.calls, statistics.messagesIn, worker)
        exposition.add(metrics.replies, statistics.messagesOut, worker)
        exposition.add(metrics.outputLines, statistics.logged, worker)
        exposition.add(metrics.outputLinesDropped, statistics.dropped, worker)
        let group = process.cgroupPath.flatMap { CgroupUsage(path: $0) }
        if let bytes = group?.memoryBytes ?? ProcessUsage.residentBytes(pid: process.pid) {
            exposition.add(metrics.memory, bytes, worker)
        }
        if let milliseconds = group?.cpuMilliseconds ?? ProcessMemory.cpuMilliseconds(pid: process.pid) {
            exposition.add(metrics.cpu, Double(milliseconds) / 1_000, worker)
        }
    }
}
