import Host
import Terms

/// What a worker gave to `log`, cut to what one message may take of the log. Source: docs/worker-protocol.md, Limits.
struct WorkerLogMessage: Equatable {
    /// Bytes (UTF-8) of the text; as those of a captured line.
    static let textLimit = 8 * 1024
    static let fieldLimit = 64
    /// Bytes (UTF-8) of the names and values of all fields.
    static let fieldBytesLimit = 8 * 1024

    /// What the daemon says by its own fields, and the journal by those that it knows, no worker says.
    static let reserved: Set<String> = [
        "AUDIT", "EVENT", "INSTRUCTION", "MESSAGE", "MESSAGE_ID", "OBJECT_PID", "PEER_WORKER", "PRIORITY", "RELEASE",
        "SYSLOG_FACILITY",
        "SYSLOG_IDENTIFIER", "SYSLOG_PID", "SYSLOG_TIMESTAMP", "UID", "UNIT", "USER_UNIT", "WORKER",
    ]

    let text: String
    private(set) var fields: [String: String] = [:]
    /// Of the text and the fields.
    private(set) var byteCount: Int

    init(_ text: String, _ metadata: [Term: Term]) {
        var cut = text.cut(toBytes: Self.textLimit)
        var fieldBytes = 0
        // Not even looked at where there are too many: whoever floods the log is not to have them sorted, too.
        if metadata.count <= Self.fieldLimit {
            let named = metadata.map { ($0.key.asAtom?.name ?? Self.text($0.key), $0.value) }.sorted { $0.0 < $1.0 }
            for (name, term) in named {
                let value = Self.text(term)
                let bytes = name.utf8.count + value.utf8.count
                guard fieldBytes + bytes <= Self.fieldBytesLimit, !Self.reserved.contains(name.uppercased()) else {
                    continue
                }
                fields[name] = value
                fieldBytes += bytes
            }
        }
        let missing = metadata.count - fields.count
        if missing > 0 { cut += " [fields left out: \(missing)]" }
        self.text = cut
        byteCount = cut.utf8.count + fieldBytes
    }

    private static func text(_ term: Term) -> String { term.asText ?? term.description }
}
