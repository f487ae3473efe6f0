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
    /// For as long as the client listens.
    case events(EventSubscription)
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
    /// Checks a request's form.
    ///
    /// - Parameter values: as many as the path has parameters, percent-decoded.
    let read: @Sendable (_ values: [String], _ body: ByteBuffer) throws(ControlError) -> ControlWork

    private init<Parameters, Body, Answer>(
        _ operation: ControlOperation<Parameters, Body, Answer>,
        replying perform: @escaping @Sendable (ControlRequest<Parameters, Body>) async throws -> ControlReply
    ) {
        row = operation.row
        place = { operation.worker(Parameters($0), nil) }
        read = { (values, bytes) throws(ControlError) in
            let body = try Self.body(Body.self, from: bytes)
            for (parameter, value) in zip(Parameters.described, values) { try parameter.check(value) }
            try body.check()
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
        return try ControlJSON.decode(Body.self, from: bytes, example: Body.example)
    }

    /// An operation that answers with one JSON document.
    init<Parameters, Body, Answer: Encodable>(
        _ operation: ControlOperation<Parameters, Body, Answer>,
        _ perform: @escaping @Sendable (ControlRequest<Parameters, Body>) async throws(ControlError) -> Answer
    ) {
        self.init(operation, replying: { .whole(try ControlJSON.encode(try await perform($0))) })
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
