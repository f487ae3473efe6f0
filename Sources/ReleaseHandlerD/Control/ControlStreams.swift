import HTTPTypes
import HummingbirdCore
import NIOCore
import ServiceLifecycle
import Wire

/// The answers that are NDJSON streams.
extension Response {
    private static func lines(
        status: HTTPResponse.Status = .ok, _ write: @escaping @Sendable (any ResponseBodyWriter) async throws -> Void
    ) -> Response {
        Response(
            status: status, headers: [.contentType: "application/x-ndjson"],
            body: ResponseBody { writer in try await write(writer) })
    }

    // MARK: Events

    /// How long a follower has to read what is left when the server ends, in seconds.
    private static var drainSeconds: Int64 { 2 }

    /// Subscribed before the head goes out: whoever has seen the head misses nothing.
    ///
    /// When the server ends, what has happened until then still goes out, the node's end included; a follower that
    /// does not read it holds up nobody.
    static func events(_ subscription: EventSubscription, request: Request, channel: any Channel) -> Response {
        lines { writer in
            try await withGracefulShutdownHandler {
                try await request.body.consumeWithCancellationOnInboundClose { _ in
                    var writer = writer
                    for await event in subscription.events {
                        try await writer.write(try ControlJSON.line(event))
                        subscription.progress.write()
                    }
                    try await writer.finish(nil)
                }
            } onGracefulShutdown: {
                subscription.finish()
                channel.eventLoop.scheduleTask(in: .seconds(drainSeconds)) { channel.close(promise: nil) }
            }
        }
    }

    // MARK: Progress

    /// - Parameter vsn: what is installed.
    static func progress(
        _ progress: AsyncStream<InstallProgress>, of vsn: String,
        ended: @escaping @Sendable (ControlAuditRecord.Outcome) -> Void
    ) -> Response {
        let steps = followed(progress, of: vsn, ended)
        return lines { writer in
            var writer = writer
            for await step in steps { try await writer.write(try ControlJSON.line(step)) }
            try await writer.finish(nil)
        }
    }

    /// Read to its end also when nobody listens any more, or ever did: the audit log wants the outcome.
    private static func followed(
        _ progress: AsyncStream<InstallProgress>, of vsn: String,
        _ ended: @escaping @Sendable (ControlAuditRecord.Outcome) -> Void
    ) -> AsyncStream<InstallProgress> {
        AsyncStream { continuation in
            Task {
                var last: InstallProgress?
                for await step in progress {
                    switch step {
                    case .progress: continuation.yield(step)
                    case .result, .error: last = step
                    }
                }
                let end =
                    last
                    ?? .error(
                        ControlError(
                            .internalError, "the install of \(vsn) ended without a result: see the daemon's log"))
                ended(outcome(end))
                continuation.yield(end)
                continuation.finish()
            }
        }
    }

    // MARK: Long work

    /// - Parameter first: the line that was taken from it already.
    static func work(
        _ work: AsyncStream<LongWork.Line>, after first: LongWork.Line?, status: HTTPResponse.Status
    ) -> Response {
        lines(status: status) { writer in
            var writer = writer
            func send(_ line: LongWork.Line) async throws {
                switch line {
                case .step(let bytes), .result(let bytes): try await writer.write(bytes)
                case .failed(let error): try await writer.write(try ControlJSON.line(ControlErrorBody(error: error)))
                }
            }
            if let first { try await send(first) }
            for await line in work { try await send(line) }
            try await writer.finish(nil)
        }
    }

    private static func outcome(_ last: InstallProgress) -> ControlAuditRecord.Outcome {
        switch last {
        case .result(let result):
            let reason = result.reason ?? "no reason given"
            switch result.outcome {
            case .done: return .done
            case .restarting:
                return result.reason == nil ? .done : .failed(ControlError(.upgradeFailed, reason))
            case .refused: return .failed(ControlError(.upgradeRefused, reason))
            case .aborted: return .failed(ControlError(.upgradeAborted, reason))
            }
        case .error(let error): return .failed(error)
        case .progress: return .failed(ControlError(.internalError, "no result"))
        }
    }
}
