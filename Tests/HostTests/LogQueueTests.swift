import Testing
import Wire

@testable import Host

struct LogQueueTests {
    private static func entry(_ text: String, _ level: LogLevel = .info) -> LogEntry {
        LogEntry(millisecondsSince1970: 0, level: level, message: text, fields: [:])
    }

    /// All that comes out: texts, and `-N/B` for N entries of B bytes that are missing.
    private static func drain(_ queue: inout LogQueue, atMost limit: Int = .max) -> [String] {
        var out: [String] = []
        while out.count < limit, let item = queue.next() {
            switch item {
            case .entry(let entry): out.append(entry.message)
            case .loss(let loss): out.append("-\(loss.entries)/\(loss.bytes)")
            }
        }
        return out
    }

    @Test func `entries come out in their order, also when some come in meanwhile`() {
        var queue = LogQueue()
        for text in ["a", "b", "c"] { queue.append(Self.entry(text)) }
        #expect(Self.drain(&queue, atMost: 1) == ["a"])
        for text in ["d", "e"] { queue.append(Self.entry(text)) }
        #expect(Self.drain(&queue) == ["b", "c", "d", "e"])
        #expect(queue.count == 0)
    }

    @Test func `a full queue drops what comes until half of it is written, and tells it in its place`() {
        var queue = LogQueue(limits: .init(entries: 8, bytes: 1000))
        for text in ["1", "2", "3", "4", "5", "6", "7", "8"] { queue.append(Self.entry(text)) }
        // The last quarter is for what is more than information.
        queue.append(Self.entry("N", .notice))
        #expect(queue.count == 7)
        #expect(Self.drain(&queue, atMost: 2) == ["1", "2"])
        queue.append(Self.entry("nine"))
        #expect(Self.drain(&queue, atMost: 1) == ["3"])
        queue.append(Self.entry("10"))
        #expect(Self.drain(&queue) == ["4", "5", "6", "-2/2", "N", "-1/4", "10"])
        // What is missing at the end is told, too, once all before it is written.
        for number in 1...9 { queue.append(Self.entry("\(number)")) }
        #expect(Self.drain(&queue) == ["1", "2", "3", "4", "5", "6", "-3/3"])
        #expect(Self.drain(&queue) == [])
    }

    @Test func `bytes are bounded as entries are`() {
        var queue = LogQueue(limits: .init(entries: 1000, bytes: 40))
        for _ in 1...4 { queue.append(Self.entry("ten bytes ")) }
        #expect(queue.count == 3)
        for _ in 1...4 { queue.append(Self.entry("ten bytes!", .error)) }
        #expect(queue.count == 4)
        #expect(Self.drain(&queue).filter { $0.hasPrefix("-") } == ["-1/10", "-3/30"])
    }

    @Test func `more than there is room for at all is dropped, and the next is not`() {
        var queue = LogQueue(limits: .init(entries: 8, bytes: 20))
        queue.append(Self.entry(String(repeating: "x", count: 21), .critical))
        queue.append(Self.entry("y"))
        #expect(Self.drain(&queue) == ["-1/21", "y"])
    }

    @Test func `long texts are cut at a character, and marked`() {
        let long = String(repeating: "é", count: LogEntry.textLimit)
        let entry = LogEntry(level: .info, message: "x" + long, fields: ["A": long, "B": "short"])
        #expect(entry.message == "x" + String(repeating: "é", count: 32_767) + " [cut: 131073 bytes]")
        #expect(entry.fields.map(\.name) == ["A", "B"])
        #expect(entry.fields[0].value.hasSuffix("é [cut: 131072 bytes]"))
        #expect(entry.fields[1].value == "short")
        #expect("abc".cut(toBytes: 3) == "abc")
        #expect("abc".cut(toBytes: 2) == "ab [cut: 3 bytes]")
        #expect("\u{1F600}".cut(toBytes: 3) == " [cut: 4 bytes]")
    }
}
