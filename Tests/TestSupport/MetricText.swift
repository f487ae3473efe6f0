import Foundation
import Wire

/// Metrics read back from their text, strictly: what a scraper might let pass is an error here.
///
/// Source: OpenMetrics 1.0, "ABNF" and what it says of each type; Prometheus, "Exposition formats".
struct MetricText: Sendable {
    struct Sample: Hashable, Sendable {
        let name: String
        let labels: [String: String]
        let value: Double
    }

    struct Malformed: Error, CustomStringConvertible {
        let line: Int
        let message: String
        var description: String { "line \(line): \(message)" }
    }

    private(set) var samples: [Sample] = []
    /// By the family's name.
    private(set) var types: [String: String] = [:]
    private(set) var helps: [String: String] = [:]
    private(set) var units: [String: String] = [:]

    func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        samples.first { sample in
            sample.name == name && labels.allSatisfy { sample.labels[$0.key] == $0.value }
        }?.value
    }

    private let format: MetricFormat
    private var line = 0
    private var family = ""
    private var hasSamples = false
    private var seen: Set<String> = []

    init(_ text: String, _ format: MetricFormat) throws {
        self.format = format
        guard text.hasSuffix("\n") else { throw Malformed(line: 0, message: "the last line has no end") }
        var lines = text.dropLast().split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if format == .openMetrics, lines.popLast() != "# EOF" { throw Malformed(line: 0, message: "no # EOF") }
        for text in lines {
            line += 1
            if text.hasPrefix("#") { try metadata(text) } else { try sample(text) }
        }
        try checkHistograms()
    }

    private func malformed(_ message: String) -> Malformed { Malformed(line: line, message: message) }

    private static func isName(_ text: String) -> Bool {
        text.wholeMatch(of: /[a-zA-Z_][a-zA-Z0-9_]*/) != nil
    }

    private mutating func metadata(_ text: String) throws {
        let parts = text.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 4, parts[0] == "#", Self.isName(parts[2]) else { throw malformed("no metadata: \(text)") }
        if parts[2] != family {
            guard types[parts[2]] == nil else { throw malformed("\(parts[2]) comes twice") }
            (family, hasSamples) = (parts[2], false)
        }
        guard !hasSamples else { throw malformed("metadata behind the samples of \(family)") }
        switch parts[1] {
        case "TYPE":
            let known =
                format == .openMetrics ? ["counter", "gauge", "histogram", "info"] : ["counter", "gauge", "histogram"]
            guard known.contains(parts[3]) else { throw malformed("type \(parts[3])") }
            guard types.updateValue(parts[3], forKey: family) == nil else { throw malformed("two types") }
        case "HELP":
            guard helps.updateValue(try unescaped(parts[3]), forKey: family) == nil else {
                throw malformed("two helps")
            }
        case "UNIT" where format == .openMetrics:
            guard family.hasSuffix("_\(parts[3])") else { throw malformed("\(family) does not end with its unit") }
            units[family] = parts[3]
        default: throw malformed("no metadata: \(text)")
        }
    }

    private mutating func sample(_ text: String) throws {
        let name = String(text.prefix { $0 != "{" && $0 != " " })
        guard Self.isName(name) else { throw malformed("no name: \(text)") }
        var rest = text.dropFirst(name.count)
        let labels = try labels(&rest)
        guard rest.first == " " else { throw malformed("no single blank before the value: \(text)") }
        let number = String(rest.dropFirst())
        guard number.wholeMatch(of: /[+-]?(Inf|[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?)|NaN/) != nil else {
            throw malformed("no number: \(number)")
        }
        let value = number.hasSuffix("Inf") ? (number.hasPrefix("-") ? -1 : 1) * Double.infinity : Double(number)
        guard let value else { throw malformed("no number: \(number)") }
        guard let type = types[family], helps[family] != nil, suffixes(type).contains(where: { family + $0 == name })
        else { throw malformed("\(name) is no sample of \(family)") }
        if type == "counter", !(value >= 0) { throw malformed("a counter of \(value)") }
        if type == "info", value != 1 { throw malformed("an info of \(value)") }
        let key = name + labels.sorted { $0.key < $1.key }.map { "\u{0}\($0.key)\u{0}\($0.value)" }.joined()
        guard seen.insert(key).inserted else { throw malformed("twice: \(text)") }
        hasSamples = true
        samples.append(Sample(name: name, labels: labels, value: value))
    }

    private func suffixes(_ type: String) -> [String] {
        switch type {
        case "histogram": ["_bucket", "_count", "_sum"]
        case "counter": [format == .openMetrics ? "_total" : ""]
        case "info": ["_info"]
        default: [""]
        }
    }

    private func labels(_ rest: inout Substring) throws -> [String: String] {
        guard rest.first == "{" else { return [:] }
        rest = rest.dropFirst()
        var labels: [String: String] = [:]
        while true {
            let name = String(rest.prefix { $0 != "=" })
            guard Self.isName(name), rest.dropFirst(name.count).hasPrefix("=\"") else {
                throw malformed("no label: \(rest)")
            }
            rest = rest.dropFirst(name.count + 2)
            var raw = ""
            while let character = rest.popFirst(), character != "\"" {
                raw.append(character)
                if character == "\\", let next = rest.popFirst() { raw.append(next) }
            }
            guard labels.updateValue(try unescaped(raw), forKey: name) == nil else { throw malformed("two of \(name)") }
            switch rest.popFirst() {
            case "}": return labels
            case ",": continue
            default: throw malformed("the labels have no end")
            }
        }
    }

    private func unescaped(_ text: String) throws -> String {
        var text = text[...]
        var plain = ""
        while let character = text.popFirst() {
            guard character == "\\" else {
                plain.append(character)
                continue
            }
            switch text.popFirst() {
            case "n": plain.append("\n")
            case "\\": plain.append("\\")
            case "\"": plain.append("\"")
            default: throw malformed("a backslash that escapes nothing")
            }
        }
        return plain
    }

    private func checkHistograms() throws {
        for (family, type) in types where type == "histogram" {
            let buckets = samples.filter { $0.name == "\(family)_bucket" }
            // A family may have none.
            if !samples.contains(where: { $0.name.hasPrefix("\(family)_") }) { continue }
            let bounds = buckets.map {
                $0.labels["le"] == "+Inf" ? Double.infinity : Double($0.labels["le"] ?? "") ?? .nan
            }
            guard bounds == bounds.sorted(), Set(bounds).count == bounds.count, bounds.last == .infinity,
                buckets.map(\.value) == buckets.map(\.value).sorted(), let count = value("\(family)_count"),
                buckets.last?.value == count, value("\(family)_sum") != nil
            else { throw Malformed(line: 0, message: "\(family) is no histogram") }
        }
    }
}
