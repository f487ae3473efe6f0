import FoundationEssentials
import NIOCore
import NIOHTTP1
import NIOPosix
import Wire

/// HTTP/1.1 over the daemon's unix socket, one connection a request.
struct ControlClient {
    let socketPath: String
    /// The command as it was given, for errors.
    let subject: String

    /// More than any answer; a bound on what a strange server can make us hold.
    static let maxAnswerBytes = 64 << 20

    private typealias Connection = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    /// What the daemon answered instead of doing what it was asked for, and the JSON that said so.
    struct Refusal {
        var error: ControlError
        var body: [UInt8]
    }

    enum Answer {
        case complete([UInt8])
        case refused(Refusal)
    }

    /// The whole body of the answer.
    func send(
        _ method: ControlRow.Method, _ path: String, body: [UInt8]? = nil, accepting accept: String = Self.accepted
    ) async throws -> Answer {
        var collected: [UInt8] = []
        let refusal = try await exchange(method, path, body: body, accepting: accept) { chunk in
            collected += chunk
            guard collected.count <= Self.maxAnswerBytes else { throw tooLong() }
            return true
        }
        return refusal.map(Answer.refused) ?? .complete(collected)
    }

    /// Calls `onLine` with each line of the body, without its end, until it returns false.
    ///
    /// - Parameters:
    ///   - accept: what is asked for, the first named first.
    ///   - onOpen: called once the daemon has taken the request on and before its first line.
    /// - Returns: what the daemon answered with instead of a stream.
    func stream(
        _ method: ControlRow.Method, _ path: String, body: [UInt8]? = nil, accepting accept: String = Self.accepted,
        onOpen: () -> Void = {}, onLine: ([UInt8]) throws -> Bool
    ) async throws -> Refusal? {
        var pending: [UInt8] = []
        var isEnough = false
        let refusal = try await exchange(method, path, body: body, accepting: accept, onOpen: onOpen) { chunk in
            pending += chunk
            var lines = pending.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            pending = lines.popLast().map(Array.init) ?? []
            guard pending.count <= Self.maxAnswerBytes else { throw tooLong() }
            for line in lines where !line.isEmpty {
                guard try onLine(Array(line)) else {
                    isEnough = true
                    return false
                }
            }
            return true
        }
        // The last line may have no end.
        if !isEnough, refusal == nil, !pending.isEmpty { _ = try onLine(pending) }
        return refusal
    }

    static let accepted = "application/json, application/x-ndjson"

    private func exchange(
        _ method: ControlRow.Method, _ path: String, body: [UInt8]?, accepting accept: String = Self.accepted,
        onOpen: () -> Void = {}, onChunk: ([UInt8]) throws -> Bool
    ) async throws -> Refusal? {
        let connection = try await connect()
        do {
            return try await connection.executeThenClose { inbound, outbound in
                var headers: HTTPHeaders = ["host": "localhost", "accept": accept]
                if let body {
                    headers.add(name: "content-type", value: "application/json")
                    headers.add(name: "content-length", value: String(body.count))
                } else if method == .post {
                    headers.add(name: "content-length", value: "0")
                }
                try await outbound.write(
                    .head(
                        HTTPRequestHead(
                            version: .http1_1, method: HTTPMethod(rawValue: method.rawValue), uri: path,
                            headers: headers)))
                if let body { try await outbound.write(.body(.byteBuffer(ByteBuffer(bytes: body)))) }
                try await outbound.write(.end(nil))
                return try await read(inbound, onOpen: onOpen, onChunk: onChunk)
            }
        } catch let failure as Failure {
            throw failure
        } catch {
            throw lost("\(error)")
        }
    }

    private func read(
        _ inbound: NIOAsyncChannelInboundStream<HTTPClientResponsePart>, onOpen: () -> Void,
        onChunk: ([UInt8]) throws -> Bool
    ) async throws -> Refusal? {
        var refusal: [UInt8]?
        var status: UInt?
        for try await part in inbound {
            switch part {
            case .head(let head):
                status = head.status.code
                if (200..<300).contains(head.status.code) { onOpen() } else { refusal = [] }
            case .body(let buffer):
                if refusal != nil {
                    refusal? += Array(buffer.readableBytesView)
                    if let refusal, refusal.count > Self.maxAnswerBytes { throw tooLong() }
                } else if try !onChunk(Array(buffer.readableBytesView)) {
                    return nil
                }
            case .end:
                guard let refusal else { return nil }
                return Refusal(error: error(in: refusal, status: status ?? 0), body: refusal)
            }
        }
        throw lost("it closed the connection")
    }

    private func error(in body: [UInt8], status: UInt) -> ControlError {
        if let decoded = try? JSONDecoder().decode(ControlErrorBody.self, from: Data(body)) { return decoded.error }
        return ControlError(.internalError, "\(socketPath) answered with HTTP status \(status) and no reason")
    }

    private func connect() async throws -> Connection {
        do {
            return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(unixDomainSocketPath: socketPath) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHTTPClientHandlers()
                        return try Connection(wrappingChannelSynchronously: channel)
                    }
                }
        } catch let error as IOError {
            throw unreachable(errno: error.errnoCode)
        } catch {
            throw Failure(.unavailable, "\(socketPath): can't connect: \(error)")
        }
    }
}
