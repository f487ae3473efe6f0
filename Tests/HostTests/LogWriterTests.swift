import Dispatch
import Glibc
import Synchronization
import Testing
import Wire

@testable import Host

/// The writer with a real pipe behind it, which the test reads when it likes.
@Suite(.timeLimit(.minutes(15))) struct LogWriterTests {
    /// A pipe, and what writes to it.
    private final class Log: Sendable {
        let writer: LogWriter
        private let (readEnd, writeEnd): (OwnedDescriptor, OwnedDescriptor)
        private let pending = Mutex<[UInt8]>([])

        init(_ limits: LogQueue.Limits = .init()) throws {
            (readEnd, writeEnd) = try OwnedDescriptor.pipe()
            let terminal = TerminalLog(descriptor: writeEnd.raw)
            writer = LogWriter(limits: limits) { terminal.write($0) }
        }

        func say(_ text: String, _ level: LogLevel = .info) {
            writer.append(LogEntry(millisecondsSince1970: 0, level: level, message: text, fields: [:]))
        }

        /// The next line without its time; waits for it.
        func line() throws -> String {
            while true {
                let line: String? = pending.withLock { pending in
                    guard let end = pending.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
                    defer { pending.removeFirst(end + 1) }
                    return String(decoding: pending[..<end], as: UTF8.self)
                }
                if let line { return String(line.drop { $0 != " " }.dropFirst()) }
                var chunk = [UInt8](repeating: 0, count: 4096)
                let count = read(readEnd.raw, &chunk, chunk.count)
                try #require(count > 0)
                pending.withLock { $0 += chunk[..<count] }
            }
        }
    }

    @Test func `nobody who logs waits for who reads, and what was dropped is told`() throws {
        let log = try Log(.init(entries: 1000, bytes: 1 << 20))
        // Far more than the pipe and the queue hold; nothing is read yet, and this returns.
        for number in 0..<20_000 { log.say("line \(number)") }
        #expect(!log.writer.flush(idleMilliseconds: 50))
        var seen: [Int] = []
        var dropped = 0
        while seen.count + dropped < 20_000 {
            let line = try log.line()
            if let number = line.split(separator: " ").last.flatMap({ Int($0) }) {
                #expect(line == "INFO line \(number)")
                #expect(number == seen.count + dropped)
                seen.append(number)
            } else {
                let told = try #require(line.split(separator: " ").first { $0.hasPrefix("DROPPED=") })
                let count = try #require(Int(told.dropFirst("DROPPED=".count)))
                #expect(
                    line.hasPrefix("WARNING \(count) lines of the log, ")
                        && line.contains(" bytes, were dropped here: it was not read in time DROPPED="), "\(line)")
                #expect(line.hasSuffix(" EVENT=log_dropped"), "\(line)")
                dropped += count
            }
        }
        #expect(seen.count >= 750 && dropped > 0)
        log.say("and on")
        #expect(try log.line() == "INFO and on")
        #expect(log.writer.flush())
    }

    @Test func `a flush waits for a reader that is slow`() async throws {
        let log = try Log()
        for number in 0..<5000 { log.say("line \(number)") }
        async let flushed = withCheckedContinuation { done in
            DispatchQueue.global().async {
                done.resume(returning: log.writer.flush(idleMilliseconds: 60_000, milliseconds: 60_000))
            }
        }
        for number in 0..<5000 { #expect(try log.line() == "INFO line \(number)") }
        #expect(await flushed)
    }

    @Test func `the lines of several threads are whole, and each thread's in order`() throws {
        let log = try Log()
        DispatchQueue.concurrentPerform(iterations: 4) { thread in
            for number in 0..<500 { log.say("\(thread) \(number)") }
        }
        var next = [0, 0, 0, 0]
        for _ in 0..<2000 {
            let words = try log.line().split(separator: " ")
            let (thread, number) = (try #require(Int(words[1])), try #require(Int(words[2])))
            #expect(number == next[thread])
            next[thread] += 1
        }
        #expect(next == [500, 500, 500, 500])
    }

    @Test func `a terminal that another has made non-blocking gets whole lines`() throws {
        let (readEnd, writeEnd) = try OwnedDescriptor.pipe()
        try #require(fcntl(writeEnd.raw, F_SETFL, O_NONBLOCK) == 0)
        // Together more than a pipe holds.
        let text = String(repeating: "x", count: 60_000)
        let terminal = TerminalLog(descriptor: writeEnd.raw)
        let writer = LogWriter { terminal.write($0) }
        writer.append(LogEntry(millisecondsSince1970: 0, level: .error, message: text, fields: ["A": text]))
        var read: [UInt8] = []
        while read.last != UInt8(ascii: "\n") {
            var chunk = [UInt8](repeating: 0, count: 4096)
            let count = Glibc.read(readEnd.raw, &chunk, chunk.count)
            try #require(count > 0)
            read += chunk[..<count]
        }
        #expect(String(decoding: read, as: UTF8.self) == "1970-01-01T00:00:00.000Z ERROR \(text) A=\(text)\n")
        // The end of the pipe outlives the writer's work on it.
        #expect(writer.flush())
    }

    @Test func `what nobody can be told is lost, and nothing is held up by it`() throws {
        let (readEnd, writeEnd) = try OwnedDescriptor.pipe()
        try #require(fcntl(readEnd.raw, F_GETFD) >= 0)
        // Open for reading only: write(2) says EBADF.
        let terminal = TerminalLog(descriptor: readEnd.raw)
        let writer = LogWriter { terminal.write($0) }
        for _ in 0..<10 { writer.append(LogEntry(level: .info, message: "x", fields: [:])) }
        #expect(writer.flush())
        withExtendedLifetime(writeEnd) {}
    }
}
