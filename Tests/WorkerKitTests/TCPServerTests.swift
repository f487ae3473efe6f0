import Glibc
import Terms
import Testing
import Wire

@testable import TestSupport

struct TCPServerTests {
    @Test func pipelinedRequestsAreAnsweredInOrder() throws {
        let listener = try Listener()
        let worker = try WorkerProbe.started(.swift, listening: [listener.descriptor])
        let client = try LineClient(port: listener.port)
        try client.send(String(repeating: "add 1\n", count: 20_000))
        for index in 1...20_000 { #expect(try client.line() == "\(index)") }
        #expect(try worker.call("get") == 20_000)
    }

    @Test func requestsCutAtEveryByte() throws {
        let listener = try Listener()
        let worker = try WorkerProbe.started(.swift, listening: [listener.descriptor])
        let client = try LineClient(port: listener.port)
        let request = "add 1\nget\n"
        #expect(try client.ask("get") == "0")
        for cut in 1..<request.count {
            try client.send(String(request.prefix(cut)))
            #expect(try worker.call("connections") == 1)
            try client.send(String(request.dropFirst(cut)))
            #expect(try client.line() == "\(cut)")
            #expect(try client.line() == "\(cut)")
        }
    }

    @Test func quitAndErrorsCloseOneConnection() throws {
        let listener = try Listener()
        let worker = try WorkerProbe.started(.swift, listening: [listener.descriptor])
        let staying = try LineClient(port: listener.port)
        let quitting = try LineClient(port: listener.port)
        let wrong = try LineClient(port: listener.port)
        #expect(try staying.ask("add 1") == "1")
        #expect(try quitting.ask("quit\nget") == "bye")
        #expect(try quitting.line() == nil)
        try wrong.send("get\nnonsense\nget\n")
        #expect(try wrong.line() == "1")
        #expect(try wrong.line() == nil)
        #expect(try staying.ask("get") == "1")
        #expect(try worker.call("connections") == 1)
        #expect(worker.logs == ["socket0: a connection is closed: {bad_line,<<\"unknown line\">>}"])
    }

    @Test func aClientThatDoesNotReadIsNotReadFrom() throws {
        let listener = try Listener()
        let worker = try WorkerProbe.started(.swift, listening: [listener.descriptor])
        let slow = try LineClient(port: listener.port)
        // 60 answers of 1 MB: one at a time waits in the worker, not all of them.
        try slow.send(String(repeating: "big 1000000\n", count: 60))
        let other = try LineClient(port: listener.port)
        #expect(try other.ask("add 1") == "1")
        #expect(try worker.call("connections") == 2)
        #expect(residentKilobytes(worker.pid) < 60_000)
        for _ in 0..<60 { #expect(try slow.longLineCount() == 1_000_000) }
        #expect(try slow.ask("get") == "1")
    }

    @Test func halfCloseIsAnsweredThenClosed() throws {
        let listener = try Listener()
        let worker = try WorkerProbe.started(.swift, listening: [listener.descriptor])
        let client = try LineClient(port: listener.port)
        try client.send("add 1\nget\nhalf")
        client.closeWriting()
        #expect(try client.line() == "1")
        #expect(try client.line() == "1")
        #expect(try client.line() == nil)
        #expect(try worker.call("connections") == 0)
    }

    @Test func outOfDescriptorsPausesAccepting() throws {
        let listener = try Listener()
        let worker = try WorkerProbe.started(.swift, listening: [listener.descriptor], descriptorLimit: 16)
        var clients = try (0..<20).map { _ in try LineClient(port: listener.port) }
        for client in clients { try client.send("get\n") }
        // The first ones are served, and calls are too.
        #expect(try clients[0].line() == "0")
        let served = try #require(try worker.call("connections").asInt)
        #expect(served > 0 && served < 20)
        // Whoever goes makes room for one who waits.
        for _ in 1..<20 {
            clients.removeFirst()
            #expect(try clients[0].line() == "0")
        }
        #expect(
            worker.logs.first?.hasPrefix(
                "socket0: accept4: Too many open files (errno 24); accepting is paused") == true, "\(worker.logs)")
    }

    private func residentKilobytes(_ pid: pid_t) -> Int {
        guard let file = fopen("/proc/\(pid)/status", "r") else { return .max }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 8192)
        let count = fread(&bytes, 1, bytes.count, file)
        for line in String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n")
        where line.hasPrefix("RssAnon:") {
            return Int(line.split { $0 == " " || $0 == "\t" }[1]) ?? .max
        }
        return .max
    }
}
