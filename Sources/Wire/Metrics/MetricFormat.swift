/// The text in which metrics are told. Source: OpenMetrics 1.0; Prometheus, "Exposition formats".
public enum MetricFormat: String, Hashable, Sendable, CaseIterable {
    case openMetrics = "openmetrics"
    /// The older one, which tools such as node_exporter's textfile collector read.
    case prometheus

    public var contentType: String {
        switch self {
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
        }
    }

    /// Which of them a client prefers, by its `Accept`. OpenMetrics where it says nothing, or nothing that is known here: a scraper that can't
    /// read it says what it can.
    ///
    /// Source: RFC 9110, section 12.5.1; OpenMetrics 1.0, "Protocol Negotiation".
    public static func negotiated(accept: String?) -> Self {
        var best: (format: Self, quality: Double)?
        for clause in (accept ?? "").split(separator: ",") {
            let parts = clause.split(separator: ";").map(trimmed)
            guard let type = parts.first?.lowercased() else { continue }
            var quality = 1.0
            var version: String?
            for parameter in parts.dropFirst() {
                let pair = parameter.split(separator: "=", maxSplits: 1).map(trimmed)
                guard pair.count == 2 else { continue }
                switch pair[0].lowercased() {
                case "q": quality = Double(pair[1]) ?? 0
                case "version": version = pair[1].filter { $0 != "\"" }
                default: continue
                }
            }
            guard let format = format(of: type, version), quality > best?.quality ?? 0 else { continue }
            best = (format, quality)
        }
        return best?.format ?? .openMetrics
    }

    private static func format(of type: String, _ version: String?) -> Self? {
        switch type {
        case "application/openmetrics-text": version == nil || version == "1.0.0" ? .openMetrics : nil
        case "text/plain": version == nil || version == "0.0.4" ? .prometheus : nil
        case "text/*": .prometheus
        case "*/*", "application/*": .openMetrics
        default: nil
        }
    }

    private static func trimmed(_ text: Substring) -> String {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        return String(text.drop(while: isBlank).reversed().drop(while: isBlank).reversed())
    }
}
