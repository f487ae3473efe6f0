/// What was seen in one phase.
struct Phase {
    let name: String
    let beganNanoseconds: Int
    var endedNanoseconds: Int?
    var latencies = Histogram()
    /// Answers that were errors or not what the request asks for, and requests with no answer in time.
    var errors = 0
    var dropped = 0
    /// Keys whose acknowledged value was gone.
    var lost = 0
    /// Keys that had an older value than the acknowledged one.
    var stale = 0

    func json(now: Int) -> String {
        let seconds = Double((endedNanoseconds ?? now) - beganNanoseconds) / 1e9
        return """
            {"name": \(name.jsonQuoted), "seconds": \((seconds * 1000).rounded() / 1000), "requests": \(latencies.count), \
            "errors": \(errors), "dropped": \(dropped), "lost": \(lost), "stale": \(stale), \
            "p50Microseconds": \(latencies.percentile(0.5)), "p99Microseconds": \(latencies.percentile(0.99)), \
            "longestMicroseconds": \(latencies.longest)}
            """
    }
}

/// The phases of a run as they go on, and what went wrong in them.
struct Record {
    private static let maxNotes = 20

    private(set) var phases = [Phase(name: "start", beganNanoseconds: monotonicNanoseconds())]
    private(set) var notes: [String] = []
    /// What is told before the first note.
    var heading: String?

    /// The phase that goes on.
    var current: Int { phases.count - 1 }

    subscript(phase: Int) -> Phase {
        get { phases[phase] }
        set { phases[phase] = newValue }
    }

    mutating func begin(_ name: String) {
        let now = monotonicNanoseconds()
        phases[current].endedNanoseconds = now
        phases.append(Phase(name: name, beganNanoseconds: now))
    }

    mutating func judge(_ verdict: CheckedClient.Verdict, _ phase: Int) {
        switch verdict {
        case .right: return
        case .lost(let what):
            phases[phase].lost += 1
            note("lost: \(what)", phase)
        case .stale(let what):
            phases[phase].stale += 1
            note("stale: \(what)", phase)
        case .error(let what):
            phases[phase].errors += 1
            note("error: \(what)", phase)
        }
    }

    mutating func note(_ text: String, _ phase: Int) {
        if notes.isEmpty, let heading { notes.append(heading) }
        if notes.count < Self.maxNotes { notes.append("\(phases[phase].name): \(text)") }
    }
}

/// The whole run, and the JSON that says it.
struct Report {
    let connections: Int
    let phases: [Phase]
    /// What went wrong first, for the person who looks for it; bounded.
    let notes: [String]
    let now: Int

    var isClean: Bool {
        phases.allSatisfy { $0.errors == 0 && $0.dropped == 0 && $0.lost == 0 && $0.stale == 0 }
    }

    var json: String {
        let all = phases.map { $0.json(now: now) }.joined(separator: ", ")
        let notes = notes.map(\.jsonQuoted).joined(separator: ", ")
        return """
            {"connections": \(connections), "clean": \(isClean), "phases": [\(all)], "notes": [\(notes)]}
            """
    }
}

extension String {
    /// The string as JSON, in quotes.
    var jsonQuoted: String {
        var quoted = "\""
        for scalar in unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case _ where scalar.value < 0x20:
                let hex = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
