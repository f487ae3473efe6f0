/// Cuts a stream of bytes into lines of text, and long lines into pieces.
struct LineCutter {
    /// Bytes of the longest line or piece.
    static let limit = 8 * 1024

    /// What has no newline yet; never longer than `limit`.
    private(set) var pending: [UInt8] = []

    /// `pending`: what another one had not cut yet.
    init(pending: [UInt8] = []) { self.pending = pending }

    /// The lines that `bytes` complete, without their newlines. Bytes that are no UTF-8 come as U+FFFD.
    mutating func append(_ bytes: UnsafeRawBufferPointer) -> [String] {
        var lines: [String] = []
        for segment in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            if segment.offset > 0 {
                lines.append(String(decoding: pending, as: UTF8.self))
                pending.removeAll(keepingCapacity: true)
            }
            pending.append(contentsOf: segment.element)
            while pending.count > Self.limit {
                let piece = Self.pieceLength(pending)
                lines.append(String(decoding: pending[..<piece], as: UTF8.self))
                pending.removeSubrange(..<piece)
            }
        }
        return lines
    }

    /// What is left when the stream ends: a line without a newline.
    mutating func finish() -> String? {
        guard !pending.isEmpty else { return nil }
        defer { pending = [] }
        return String(decoding: pending, as: UTF8.self)
    }

    /// Up to `limit`, but not within a character: at most three continuation bytes are left for the next piece.
    private static func pieceLength(_ bytes: [UInt8]) -> Int {
        var length = limit
        while length > limit - 4, bytes[length] & 0xc0 == 0x80 { length -= 1 }
        return length > limit - 4 ? length : limit
    }
}
