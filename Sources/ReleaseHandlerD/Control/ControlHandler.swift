import NIOCore
import Wire

/// A request whose form was checked, from a peer that may ask this.
struct ControlRequest<Parameters: ControlParameters, Body: ControlBody>: Sendable {
    let parameters: Parameters
    let body: Body
    let peer: Peer
    let connection: ControlConnection
    /// Whether the peer may change things, where it asks for something that others may look at, too.
    let mayChange: @Sendable () async -> Bool
    /// The operation and what it is about, as `releasectl` is told it: `terminate-child kv/kv_sup store`.
    let subject: String
}

/// What is sent back for a request.
enum ControlReply: Sendable {
    /// One JSON document.
    case whole(ByteBuffer)
    /// As the client would have them.
    case metrics(MetricExposition)
    /// Progress, then exactly one last line, then the stream's end; it goes on when nobody reads.
    case progress(AsyncStream<InstallProgress>)
    /// A long change: with how far it is, for who wants to know that.
    case work(LongWork)
    /// For as long as the client listens.
    case events(EventSubscription)
}

/// Long work that is not begun: it answers with one JSON document, or with lines of how far it is and that document at
/// last. It goes on when nobody reads.
struct LongWork: Sendable {
    enum Line: Sendable {
        case step(ByteBuffer)
        case result(ByteBuffer)
        case failed(ControlError)
    }

    let whole: @Sendable () async throws -> ByteBuffer
    /// `ended` is told what it came to, whether or not anybody reads the lines.
    let lines: @Sendable (_ ended: @escaping @Sendable (ControlError?) -> Void) -> AsyncStream<Line>
}

/// What one request asks for, read and not done yet.
struct ControlWork: Sendable {
    /// For the audit log.
    let target: String
    let place: AuditedPlace?
    /// The operation and what it is about, as `releasectl` is told it.
    let subject: String
    let perform:
        @Sendable (Peer, ControlConnection, _ mayChange: @escaping @Sendable () async -> Bool) async throws ->
            ControlReply
}

/// An operation with what does it, its types forgotten: the server handles all alike.
struct ControlHandler: Sendable {
    let row: ControlRow
    /// Of whom the path alone speaks, for the audit log.
    let place: @Sendable (_ values: [String]) -> AuditedPlace?
    /// Checks a request's form, and finds the places that it names.
    ///
    /// - Parameter values: as many as the path has parameters, percent-decoded.
    let read:
        @Sendable (_ values: [String], _ body: ByteBuffer, _ places: PlaceLookup) async throws(ControlError) ->
            ControlWork

    private init<Parameters, Body, Answer>(
        _ operation: ControlOperation<Parameters, Body, Answer>,
        replying perform: @escaping @Sendable (ControlRequest<Parameters, Body>) async throws -> ControlReply
    ) {
        row = operation.row
        place = { operation.worker(Parameters($0), nil) }
        read = { (given, bytes, places) async throws(ControlError) in
            let asked = try Self.body(Body.self, from: bytes)
            for (parameter, value) in zip(Parameters.described, given) { try parameter.check(value) }
            try asked.check()
            let (values, body) = try await Self.found(Parameters.described, given, asked, places)
            let parameters = Parameters(values)
            let subject = ([operation.row.name] + values).joined(separator: " ")
            return ControlWork(
                target: operation.target(parameters, body).joined(separator: " "),
                place: operation.worker(parameters, body), subject: subject
            ) { peer, connection, mayChange in
                try await perform(
                    ControlRequest(
                        parameters: parameters, body: body, peer: peer, connection: connection, mayChange: mayChange,
                        subject: subject))
            }
        }
    }

    private static func body<Body: ControlBody>(_: Body.Type, from bytes: ByteBuffer) throws(ControlError) -> Body {
        if let absent = Body.absent, bytes.readableBytes == 0 || Body.self == NoBody.self { return absent }
        return try ControlJSON.decode(Body.self, from: bytes)
    }

    /// The request with whole places for what it names by their last parts: the one place at which that is done.
    private static func found<Body: ControlBody>(
        _ parameters: [ControlParameter], _ given: [String], _ asked: Body, _ places: PlaceLookup
    ) async throws(ControlError) -> ([String], Body) {
        var values = given
        var body = asked
        for (index, parameter) in parameters.enumerated() {
            switch parameter.kind {
            case .worker, .supervisor: values[index] = try await places(parameter.kind, values[index])
            case .name, .vsn, .status: break
            }
        }
        if let worker = body.namedWorker { body.namedWorker = try await places(.worker, worker) }
        return (values, body)
    }

    /// An operation that answers with one JSON document.
    init<Parameters, Body, Answer: Encodable>(
        _ operation: ControlOperation<Parameters, Body, Answer>,
        _ perform: @escaping @Sendable (ControlRequest<Parameters, Body>) async throws(ControlError) -> Answer
    ) {
        self.init(operation, replying: { .whole(try ControlJSON.encode(try await perform($0))) })
    }

    /// A long change, which tells how far it is and answers with one JSON document.
    init<Parameters, Body, Answer>(
        working operation: ControlOperation<Parameters, Body, Answer>,
        _ perform:
            @escaping @Sendable (ControlRequest<Parameters, Body>, WorkTeller?) async throws(ControlError) -> Answer
    ) where Answer: Codable & Hashable {
        self.init(
            operation,
            replying: { request in
                .work(
                    LongWork(
                        whole: { try ControlJSON.encode(try await perform(request, nil)) },
                        lines: { ended in Self.lines(request, perform, ended) }))
            })
    }

    /// A slow reader misses the oldest lines, and never the last one.
    private static func lines<Request: Sendable, Answer>(
        _ request: Request,
        _ perform: @escaping @Sendable (Request, WorkTeller?) async throws(ControlError) -> Answer,
        _ ended: @escaping @Sendable (ControlError?) -> Void
    ) -> AsyncStream<LongWork.Line> where Answer: ControlShape & Codable & Hashable {
        AsyncStream(bufferingPolicy: .bufferingNewest(256)) { continuation in
            Task {
                defer { continuation.finish() }
                do {
                    let answer = try await perform(request) { step in
                        guard let line = try? ControlJSON.line(WorkProgress<Answer>.progress(step)) else { return }
                        continuation.yield(.step(line))
                    }
                    let line = try ControlJSON.line(WorkProgress<Answer>.result(answer))
                    ended(nil)
                    continuation.yield(.result(line))
                } catch {
                    let failure =
                        error as? ControlError
                        ?? ControlError(.internalError, "the answer could not be written: \(error)")
                    ended(failure)
                    continuation.yield(.failed(failure))
                }
            }
        }
    }

    /// The one that answers with the description of all.
    init(
        _ operation: ControlOperation<NoParameters, NoBody, ControlDocument>,
        document: @escaping @Sendable () -> ControlDocument
    ) {
        self.init(operation, replying: { _ in .whole(ByteBuffer(string: document().text)) })
    }

    /// The one that answers with metrics.
    init(
        _ operation: ControlOperation<NoParameters, NoBody, MetricExposition>,
        read: @escaping @Sendable () async -> MetricExposition
    ) {
        self.init(operation, replying: { _ in .metrics(await read()) })
    }

    /// A long change that tells how it goes on.
    init<Parameters, Body>(
        progressOf operation: ControlOperation<Parameters, Body, InstallProgress>,
        _ perform:
            @escaping @Sendable (ControlRequest<Parameters, Body>) async throws(ControlError)
            -> AsyncStream<InstallProgress>
    ) {
        self.init(operation, replying: { .progress(try await perform($0)) })
    }

    /// A question that is answered for as long as the client listens.
    init<Parameters, Body>(
        following operation: ControlOperation<Parameters, Body, NodeEvent>,
        _ perform:
            @escaping @Sendable (ControlRequest<Parameters, Body>) async throws(ControlError) -> EventSubscription
    ) {
        self.init(operation, replying: { .events(try await perform($0)) })
    }
}
