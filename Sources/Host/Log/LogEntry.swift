public import Wire

/// One entry of the daemon's log.
public struct LogEntry: Sendable {
    /// Bytes (UTF-8) that the message, and each field's value, may have; what is longer is cut, and marked.
    public static let textLimit = 64 * 1024

    /// When it was said, not when it is written.
    public let millisecondsSince1970: Int
    public let level: LogLevel
    public let message: String
    /// By name. Names are those of systemd.journal-fields(7).
    public let fields: [(name: String, value: String)]
    /// What it counts for in the queue: the message, and the names and values of its fields.
    let byteCount: Int

    public init(
        millisecondsSince1970: Int = WallClock.milliseconds(), level: LogLevel, message: String,
        fields: [String: String]
    ) {
        self.millisecondsSince1970 = millisecondsSince1970
        self.level = level
        self.message = message.cut(toBytes: Self.textLimit)
        self.fields = fields.sorted { $0.key < $1.key }.map { ($0.key, $0.value.cut(toBytes: Self.textLimit)) }
        byteCount = self.fields.reduce(self.message.utf8.count) { $0 + $1.name.utf8.count + $1.value.utf8.count }
    }
}

extension LogLevel {
    /// syslog(3)'s number: 0 is the most severe, 7 the least.
    var priority: Int { Self.allCases.firstIndex(of: self) ?? 7 }
}

extension String {
    /// The first `limit` bytes of its UTF-8 at most, no character of it in part, with a mark of what it was behind them;
    /// itself where it is no longer than that.
    public func cut(toBytes limit: Int) -> String {
        let count = utf8.count
        guard count > limit else { return self }
        var end = utf8.index(startIndex, offsetBy: limit)
        while end > startIndex, utf8[end] & 0xc0 == 0x80 { end = utf8.index(before: end) }
        return "\(self[..<end]) [cut: \(count) bytes]"
    }
}
