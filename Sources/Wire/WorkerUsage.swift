/// What a worker's process and all that it has started use, as its control group counts it. Source: Linux, admin-guide/cgroup-v2.rst.
public struct WorkerUsage: Hashable, Sendable, Codable {
    /// With the file pages that it has brought in; where the memory controller is there.
    public var memoryKiB: Int?
    /// User and system time.
    public var cpuMilliseconds: Int?
    /// Processes and threads.
    public var tasks: Int?

    public init(memoryKiB: Int? = nil, cpuMilliseconds: Int? = nil, tasks: Int? = nil) {
        self.memoryKiB = memoryKiB
        self.cpuMilliseconds = cpuMilliseconds
        self.tasks = tasks
    }

    private enum CodingKeys: String, CodingKey {
        case memoryKiB = "memory_kib"
        case cpuMilliseconds = "cpu_ms"
        case tasks
    }
}

extension WorkerUsage: ControlShape {
    public static var schema: String {
        #"""
        {"type": "object", "additionalProperties": false,
          "description": "of the process and all that it has started, as its control group counts it", "properties": {
          "memory_kib": {"type": "integer"},
          "cpu_ms": {"type": "integer", "description": "user and system time"},
          "tasks": {"type": "integer", "description": "processes and threads"}}}
        """#
    }
}
