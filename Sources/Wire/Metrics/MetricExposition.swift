/// What all families are at, at one moment, and how that is written.
public struct MetricExposition: Sendable {
    private enum Value: Sendable {
        case number(Double)
        case histogram(MetricHistogram)
    }

    private struct Sample: Sendable {
        /// As many as the family has labels, in their order.
        let labels: [String]
        let value: Value
    }

    private var samples: [String: [Sample]] = [:]

    public init() {}

    /// - Parameter labels: the values of the family's labels, in their order; each set of them once.
    public mutating func add(_ family: MetricFamily, _ value: Double, _ labels: [String] = []) {
        append(family, Sample(labels: labels, value: .number(value)))
    }

    public mutating func add(_ family: MetricFamily, _ value: Int, _ labels: [String] = []) {
        add(family, Double(value), labels)
    }

    public mutating func add(_ family: MetricFamily, _ value: MetricHistogram, _ labels: [String] = []) {
        append(family, Sample(labels: labels, value: .histogram(value)))
    }

    /// What its labels say is all.
    public mutating func add(info family: MetricFamily, _ labels: [String]) { add(family, 1, labels) }

    /// 1 for the one that is, 0 for all others.
    public mutating func add<State: CaseIterable & RawRepresentable<String>>(
        _ family: MetricFamily, is state: State, _ labels: [String] = []
    ) {
        for other in State.allCases { add(family, other.rawValue == state.rawValue ? 1 : 0, labels + [other.rawValue]) }
    }

    private mutating func append(_ family: MetricFamily, _ sample: Sample) {
        precondition(sample.labels.count == family.labels.count, "\(family.name) has \(family.labels.count) labels")
        samples[family.name, default: []].append(sample)
    }

    // MARK: Writing

    public func text(_ format: MetricFormat) -> String {
        var text = ""
        for family in Metrics.all { write(family, format, to: &text) }
        if format == .openMetrics { text += "# EOF\n" }
        return text
    }

    private func write(_ family: MetricFamily, _ format: MetricFormat, to text: inout String) {
        let name: String
        switch format {
        case .openMetrics:
            name = family.name
            text += "# TYPE \(name) \(family.kind.rawValue)\n"
            if let unit = family.unit { text += "# UNIT \(name) \(unit)\n" }
        case .prometheus:
            // There a family has the name of its samples, and an info is a gauge that is 1.
            name = family.kind == .histogram ? family.name : family.sampleNames[0]
            text += "# TYPE \(name) \(family.kind == .info ? "gauge" : family.kind.rawValue)\n"
        }
        text += "# HELP \(name) \(Self.escaped(family.help, quotes: format == .openMetrics))\n"
        for sample in samples[family.name] ?? [] { write(sample, of: family, to: &text) }
    }

    private func write(_ sample: Sample, of family: MetricFamily, to text: inout String) {
        switch sample.value {
        case .number(let number):
            Self.write(family.sampleNames[0], family.labels, sample.labels, Self.text(of: number), to: &text)
        case .histogram(let histogram):
            for (bound, count) in histogram.cumulative {
                let le = bound.isInfinite ? "+Inf" : "\(bound)"
                Self.write(
                    "\(family.name)_bucket", family.labels + ["le"], sample.labels + [le], "\(count)", to: &text)
            }
            Self.write("\(family.name)_count", family.labels, sample.labels, "\(histogram.count)", to: &text)
            let sum = Self.text(of: histogram.sumSeconds)
            Self.write("\(family.name)_sum", family.labels, sample.labels, sum, to: &text)
        }
    }

    private static func write(
        _ name: String, _ labels: [String], _ values: [String], _ value: String, to text: inout String
    ) {
        text += name
        if !labels.isEmpty {
            text += "{"
            for index in labels.indices {
                if index > 0 { text += "," }
                text += labels[index]
                text += "=\""
                text += escaped(values[index], quotes: true)
                text += "\""
            }
            text += "}"
        }
        text += " "
        text += value
        text += "\n"
    }

    /// Source: OpenMetrics 1.0, "ABNF", `normal-char` and `escaped-char`.
    static func escaped(_ text: String, quotes: Bool) -> String {
        let isPlain = text.utf8.allSatisfy {
            $0 != UInt8(ascii: "\\") && $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\"")
        }
        if isPlain { return text }
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += #"\\"#
            case "\n": escaped += #"\n"#
            case "\"" where quotes: escaped += #"\""#
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// A count without a fraction.
    static func text(of number: Double) -> String {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return number < 0 ? "-Inf" : "+Inf" }
        if number.magnitude < 1e15, let integer = Int(exactly: number) { return "\(integer)" }
        return "\(number)"
    }
}

/// The answer to `GET /v1/metrics`.
extension MetricExposition: ControlShape {
    public static var schemaName: String { "Metrics" }
    public static var schema: String { #"{"type": "string"}"# }
    public static var mediaTypes: [String] { MetricFormat.allCases.map(\.contentType) }
}
