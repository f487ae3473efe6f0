import Terms

/// The value of a child spec's `cgroup`.
extension SpecNode {
    func cgroupBounds() throws(SpecError) -> [CgroupBound] {
        let known = CgroupBound.Resource.allCases.map(\.rawValue)
        guard case .map = term else {
            throw SpecError("invalid_cgroup", self, expected: "a map as #{memory_max => 268435456, pids_max => 64}")
        }
        var bounds: [CgroupBound] = []
        for index in stride(from: 0, to: children.count - 1, by: 2) {
            let key = children[index]
            guard case .atom(let atom) = key.term, let resource = CgroupBound.Resource(rawValue: atom.name) else {
                throw SpecError.unknownKey(key, in: "cgroup", known: known)
            }
            bounds.append(CgroupBound(resource: resource, value: try children[index + 1].cgroupValue(resource)))
        }
        return bounds.sorted { $0.resource.rawValue < $1.resource.rawValue }
    }

    private func cgroupValue(_ resource: CgroupBound.Resource) throws(SpecError) -> CgroupBound.Value {
        switch resource {
        case .memoryMax, .memoryHigh: try maximum("\(resource.rawValue) => bytes from 1, or max")
        case .pidsMax: try maximum("pids_max => a number of processes and threads from 1, or max")
        case .cpuWeight, .ioWeight: try weight(resource)
        case .cpuMax: try processorTime()
        }
    }

    private func maximum(_ expected: String) throws(SpecError) -> CgroupBound.Value {
        if term == .atom("max") { return .max }
        guard let number = term.asInt, number >= 1 else { throw SpecError("invalid_cgroup", self, expected: expected) }
        return .number(number)
    }

    private func weight(_ resource: CgroupBound.Resource) throws(SpecError) -> CgroupBound.Value {
        guard let number = term.asInt, CgroupBound.weights.contains(number) else {
            let (least, most) = (CgroupBound.weights.lowerBound, CgroupBound.weights.upperBound)
            throw SpecError(
                "invalid_cgroup", self, expected: "\(resource.rawValue) => a weight from \(least) to \(most)")
        }
        return .number(number)
    }

    /// The kernel takes no less than a millisecond of either.
    private func processorTime() throws(SpecError) -> CgroupBound.Value {
        if term == .atom("max") { return .max }
        let least = CgroupBound.periods.lowerBound
        if let time = term.asInt, time >= least { return .time(time, period: CgroupBound.standardPeriod) }
        if case .tuple(let elements) = term, elements.count == 2, let time = elements[0].asInt, time >= least,
            let period = elements[1].asInt, CgroupBound.periods.contains(period)
        {
            return .time(time, period: period)
        }
        throw SpecError(
            "invalid_cgroup", self,
            expected: """
                cpu_max => microseconds from \(least) in each \(CgroupBound.standardPeriod), {Microseconds, Period} with a period from \
                \(least) to \(CgroupBound.periods.upperBound), or max
                """)
    }
}
