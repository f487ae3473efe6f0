/// A bound on all that a child and what it starts may use together, by the name of the control group's file with an underscore.
///
/// Source: Linux, admin-guide/cgroup-v2.rst, "Controllers".
public struct CgroupBound: Hashable, Sendable, Codable {
    public enum Resource: String, Hashable, Sendable, Codable, CaseIterable {
        case cpuMax = "cpu_max"
        case cpuWeight = "cpu_weight"
        case ioWeight = "io_weight"
        case memoryHigh = "memory_high"
        case memoryMax = "memory_max"
        case pidsMax = "pids_max"
    }

    public enum Value: Hashable, Sendable, Codable {
        /// No bound.
        case max
        /// Bytes, tasks, or a weight.
        case number(Int)
        /// So many microseconds of a processor in each period of so many.
        case time(Int, period: Int)
    }

    public let resource: Resource
    public let value: Value

    public init(resource: Resource, value: Value) {
        self.resource = resource
        self.value = value
    }

    /// That of `cpu_max` where none is given, in microseconds: the kernel's own.
    static let standardPeriod = 100_000
    /// What a weight may be; 100 is what everybody has.
    static let weights = 1...10_000
    /// Of a period of `cpu_max`, in microseconds.
    static let periods = 1_000...1_000_000

    /// What is written, to which file of the group.
    public var setting: (file: String, text: String) {
        let name = resource.rawValue.split(separator: "_")
        let file = name.joined(separator: ".")
        return switch value {
        case .max: (file, "max")
        case .number(let number): (file, "\(number)")
        case .time(let time, let period): (file, "\(time) \(period)")
        }
    }
}
