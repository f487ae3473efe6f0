import Foundation
import Glibc
import Synchronization
import Testing

@testable import TestSupport

/// Clients that keep their connections and ask all the time, on a thread of their own.
///
/// Each answer is held against the one before on the same connection: the connection's number is the same, its count is
/// one more, the worker's total has grown. What is otherwise is a complaint, and so is a connection that ends.
final class ConnectionLoad: Sendable {
    enum Language: Sendable {
        /// A line for a line.
        case lines
        /// HTTP, keep-alive.
        case http
    }

    private struct Waiter {
        let counts: [Int]
        let answered: CheckedContinuation<Void, Never>
    }

    private struct State {
        var counts: [Int]
        var complaints: [String] = []
        var waiters: [Waiter] = []
        /// Those that answered last.
        var versions: [String]
        var isStopping = false
        var isOver = false
        var stopped: CheckedContinuation<Void, Never>?
    }

    private let state: Mutex<State>

    /// Connects them all, and asks.
    init(_ groups: [(port: UInt16, count: Int, language: Language)]) throws {
        var clients: [LoadClient] = []
        for group in groups {
            for _ in 0..<group.count {
                clients.append(LoadClient(try LineClient(port: group.port), group.language, number: clients.count))
            }
        }
        state = Mutex(
            State(
                counts: [Int](repeating: 0, count: clients.count),
                versions: [String](repeating: "", count: clients.count)))
        let all = Mutex(clients)
        Thread.detachNewThread { [self] in all.withLock { run(&$0) } }
    }

    /// Returns once every client has had another two answers, the first of which may have been on its way; false where one
    /// complains.
    func untilAllAreAnswered() async -> Bool {
        await withCheckedContinuation { continuation in
            state.withLock { state in
                let counts = state.counts.map { $0 + 2 }
                state.waiters.append(Waiter(counts: counts, answered: continuation))
                Self.tell(&state)
            }
        }
        return state.withLock { $0.complaints.isEmpty }
    }

    /// What the clients have to complain of, once nobody waits for an answer.
    func stop() async -> [String] {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                state.isStopping = true
                if !state.isOver { state.stopped = continuation }
                return state.isOver
            }
            if isOver { continuation.resume() }
        }
        return state.withLock { $0.complaints }
    }

    /// Which versions have answered last, and how many clients each.
    var versions: [String: Int] {
        state.withLock { state in state.versions.reduce(into: [:]) { $0[$1, default: 0] += 1 } }
    }

    private static func tell(_ state: inout State) {
        let hasEnded = state.isOver || !state.complaints.isEmpty
        let counts = state.counts
        state.waiters.removeAll { waiter in
            guard hasEnded || zip(counts, waiter.counts).allSatisfy({ $0 >= $1 }) else { return false }
            waiter.answered.resume()
            return true
        }
    }

    /// No answer for so long is a complaint.
    private static let limitMilliseconds: Int32 = 60_000

    private func run(_ clients: inout [LoadClient]) {
        for index in clients.indices { clients[index].ask() }
        while true {
            let isStopping = state.withLock { $0.isStopping }
            var polled = clients.map { client in
                pollfd(
                    fd: client.isWaiting ? client.connection.descriptor : -1, events: Int16(POLLIN), revents: 0)
            }
            guard polled.contains(where: { $0.fd >= 0 }) else { break }
            guard poll(&polled, nfds_t(polled.count), Self.limitMilliseconds) > 0 else {
                complain("nobody was answered within \(Self.limitMilliseconds) ms")
                break
            }
            for index in clients.indices where polled[index].revents != 0 {
                clients[index].receive()
                if let complaint = clients[index].complaint { complain("client \(index): \(complaint)") }
                let (count, version) = (clients[index].count, clients[index].version)
                state.withLock { state in
                    state.counts[index] = count
                    state.versions[index] = version
                }
                if !isStopping, clients[index].complaint == nil { clients[index].askAgain() }
            }
            state.withLock { Self.tell(&$0) }
        }
        state.withLock { state in
            state.isOver = true
            Self.tell(&state)
            state.stopped?.resume()
        }
    }

    private func complain(_ complaint: String) {
        state.withLock { state in
            state.complaints.append(complaint)
            Self.tell(&state)
        }
    }
}

/// One connection: what was asked on it, and what was answered.
private struct LoadClient {
    let connection: LineClient
    private let request: String
    private let language: ConnectionLoad.Language
    /// How it asks: a request at once, one in two halves, two behind each other.
    private let manner: Int
    /// Of a request of which the first half was sent.
    private var rest = ""
    private var outstanding = 0
    private var received: [UInt8] = []
    private var number: Int?
    private(set) var count = 0
    private var total = 0
    private(set) var version = ""
    private(set) var complaint: String?

    init(_ connection: LineClient, _ language: ConnectionLoad.Language, number: Int) {
        self.connection = connection
        self.language = language
        switch language {
        case .lines: request = "next\n"
        case .http: request = "GET /next HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        }
        manner = number % 3
    }

    var isWaiting: Bool { complaint == nil && outstanding > 0 }

    mutating func ask() {
        let half = request.count / 2
        switch manner {
        case 0: send(request, requests: 1)
        case 1: send(request + request.prefix(half), requests: 1, rest: String(request.dropFirst(half)))
        default: send(request + request, requests: 2)
        }
    }

    /// What is next, where all of it is answered; of a half request the other half always comes.
    mutating func askAgain() {
        guard outstanding == 0 else { return }
        guard !rest.isEmpty else { return ask() }
        let half = request.count - rest.count
        send(rest + request.prefix(half), requests: 1, rest: rest)
    }

    private mutating func send(_ text: String, requests: Int, rest: String = "") {
        self.rest = rest
        outstanding += requests
        do {
            try connection.send(text)
        } catch {
            complaint = "it can't ask: \(error)"
        }
    }

    mutating func receive() {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(connection.descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        if count < 0, errno == EAGAIN || errno == EINTR { return }
        guard count > 0 else {
            complaint =
                "its connection ended (\(count == 0 ? "end of stream" : "errno \(errno)")) after \(self.count) answers"
            return
        }
        received += buffer[..<count]
        while complaint == nil, let answer = nextAnswer() { check(answer) }
    }

    /// Answers of both languages end with a line of their own; HTTP has a head before it.
    private mutating func nextAnswer() -> String? {
        var begin = 0
        if language == .http {
            guard let head = Self.end(of: received) else { return nil }
            begin = head
        }
        guard let end = received[begin...].firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        defer { received.removeSubrange(...end) }
        if language == .http, !received.starts(with: Array("HTTP/1.1 200 OK\r\n".utf8)) { return "no head" }
        return String(decoding: received[begin..<end], as: UTF8.self)
    }

    private static func end(of bytes: [UInt8]) -> Int? {
        let blank = Array("\r\n\r\n".utf8)
        guard bytes.count >= blank.count else { return nil }
        return (0...(bytes.count - blank.count)).first { bytes[$0..<($0 + blank.count)].elementsEqual(blank) }
            .map { $0 + blank.count }
    }

    private mutating func check(_ answer: String) {
        let words = answer.split(separator: " ")
        let numbers = words.prefix(3).compactMap { Int($0) }
        guard words.count == 4, numbers.count == 3 else { return complaint = "it was answered with \(answer)" }
        let expected = number ?? numbers[0]
        guard outstanding > 0, numbers[0] == expected, numbers[1] == count + 1, numbers[2] > total else {
            complaint =
                "after \(expected) \(count) \(total), with \(outstanding) to come, it was answered with \(answer)"
            return
        }
        number = numbers[0]
        count = numbers[1]
        total = numbers[2]
        version = String(words[3])
        outstanding -= 1
    }
}
