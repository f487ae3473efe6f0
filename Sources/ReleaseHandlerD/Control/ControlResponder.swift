import HTTPTypes
import HummingbirdCore
import NIOCore
import Wire

/// Finds the operation, checks the peer's right to it and the request's form, has it done, and answers in JSON.
struct ControlResponder: Sendable {
    let handlers: ControlHandlers
    let authorization: ControlAuthorization
    let rates: ControlRates
    let maxBodyBytes: Int
    let audit: AuditLog
    let traffic: ControlTraffic

    func respond(to request: Request, on channel: any Channel) async -> Response {
        let response = await answer(to: request, on: channel)
        traffic.answered(response.status.code)
        return response
    }

    private func answer(to request: Request, on channel: any Channel) async -> Response {
        let match = handlers.match(request.method.rawValue, path: request.uri.path)
        do {
            let (peer, connection) = try await Peer.connected(to: channel)
            return await answer(to: request, match, from: peer, on: connection, channel)
        } catch {
            return ControlError(.internalError, "the request could not be served: \(error)").response()
        }
    }

    /// - Parameter isCounted: whether its rate was looked at already.
    func answer(
        to request: Request, _ match: ControlHandlers.Match, from peer: Peer, on connection: ControlConnection,
        _ channel: any Channel, isCounted: Bool = false
    ) async -> Response {
        do {
            if !isCounted { try await refuseOverRate(peer, match, channel) }
            if let refusal = connection.refusal {
                await recordRefusal(peer, match, refusal)
                throw refusal
            }
            switch match {
            case .handler(let handler, let values):
                return try await respond(
                    to: request, handler: handler, values: values, channel: channel, peer: peer, connection: connection)
            case .methodNotAllowed(let allowed):
                let names = allowed.map(\.rawValue).joined(separator: ", ")
                return ControlError(
                    .methodNotAllowed, "\(request.uri.path) has no \(request.method.rawValue): use \(names)",
                    details: ["allow": names]
                ).response(headers: [.allow: names])
            case .notFound:
                throw ControlError(
                    .notFound, "there is no \(request.uri.path): see /v1/openapi.json for what there is")
            }
        } catch let error as ControlError {
            return error.response()
        } catch {
            return ControlError(.internalError, "the request could not be served: \(error)").response()
        }
    }

    /// Whoever may look only: of a change that it asks for too often the audit log says no less than of any other.
    func refuseOverRate(_ peer: Peer, _ match: ControlHandlers.Match, _ channel: any Channel) async throws {
        guard !authorization.mayWellChange(peer), let (error, delay) = rates.refusal(of: peer) else { return }
        try await channel.eventLoop.scheduleTask(in: .milliseconds(Int64(delay))) {}.futureResult.get()
        await recordRefusal(peer, match, error)
        throw error
    }

    /// Of one that has asked too much at all, whatever for.
    private func recordRefusal(_ peer: Peer, _ match: ControlHandlers.Match, _ error: ControlError) async {
        guard case .handler(let handler, let values) = match, handler.row.right == .change,
            var line = await line(handler, await known(peer), Self.named(values), nil)
        else { return }
        line.outcome = .failed(error)
        audit.record(line, isSummed: true)
    }

    /// With what it has to do with a worker.
    private func known(_ peer: Peer) async -> Peer {
        var peer = peer
        peer.origin = await handlers.origin(peer)
        return peer
    }

    private func respond(
        to request: Request, handler: ControlHandler, values: [String], channel: any Channel, peer: Peer,
        connection: ControlConnection
    ) async throws -> Response {
        let peer = handler.row.right == .change ? await known(peer) : peer
        let work: ControlWork
        do {
            if let error = await authorization.refusal(of: handler.row, to: peer) { throw error }
            work = try await handler.read(values, try await body(of: request, for: handler.row), handlers.places)
            connection.works(handler.row.isRepeatable ? .look : .change(work.subject))
        } catch let error as ControlError {
            let line = await line(handler, peer, Self.named(values), handler.place(values))
            record(line, .failed(error))
            throw error
        }
        let line = await line(handler, peer, work.target, work.place)
        let reply: ControlReply
        do {
            reply = try await work.perform(peer, connection) { [authorization] in await authorization.mayChange(peer) }
        } catch let error as ControlError {
            record(line, .failed(error))
            throw error
        }
        switch reply {
        case .whole(let json):
            record(line, .done)
            return Response(
                status: .init(code: handler.row.status), headers: [.contentType: "application/json"],
                body: ResponseBody(byteBuffer: json))
        case .work(let work):
            return try await respond(with: work, to: request, handler.row, line)
        case .metrics(let exposition):
            let format = MetricFormat.negotiated(accept: request.headers[.accept])
            let text = await DiskWork.run { ByteBuffer(string: exposition.text(format)) }
            return Response(
                status: .ok, headers: [.contentType: format.contentType], body: ResponseBody(byteBuffer: text))
        case .progress(let progress):
            record(line, .started)
            connection.works(.installing(work.target))
            return .progress(progress, of: work.target) { record(line, $0) }
        case .events(let subscription):
            connection.works(.events(subscription.progress))
            return .events(subscription, request: request, channel: channel)
        }
    }

    /// In lines where the client prefers these; what fails before the first of them has its own status all the same.
    private func respond(
        with work: LongWork, to request: Request, _ row: ControlRow, _ line: ControlAuditRecord?
    ) async throws -> Response {
        let status = HTTPResponse.Status(code: row.status)
        guard row.progress != nil, Self.prefersLines(request.headers[.accept]) else {
            do {
                let json = try await work.whole()
                record(line, .done)
                return Response(
                    status: status, headers: [.contentType: "application/json"], body: ResponseBody(byteBuffer: json))
            } catch let error as ControlError {
                record(line, .failed(error))
                throw error
            }
        }
        let lines = work.lines { [self] error in record(line, error.map(ControlAuditRecord.Outcome.failed) ?? .done) }
        var iterator = lines.makeAsyncIterator()
        let first = await iterator.next()
        if case .failed(let error)? = first { throw error }
        return .work(lines, after: first, status: status)
    }

    /// What is named first; who names both takes one document. Source: RFC 9110, section 12.5.1.
    private static func prefersLines(_ accept: String?) -> Bool {
        let first = accept?.split(separator: ",").first?.split(separator: ";").first
        return first?.filter { $0 != " " }.lowercased() == "application/x-ndjson"
    }

    /// Of a path that nobody has checked.
    private static func named(_ values: [String]) -> String {
        let text = values.joined(separator: " ")
        return text.utf8.count <= maxNamedBytes ? text : "\(text.prefix(maxNamedBytes / 4))…"
    }

    private static let maxNamedBytes = 1024

    /// Of an operation that takes none it is read all the same, and not looked at; but behind the head of a stream nobody reads it any more.
    private func body(of request: Request, for row: ControlRow) async throws -> ByteBuffer {
        if row.streams, row.right == .look {
            let length = request.headers[.contentLength].flatMap { Int($0) } ?? 0
            guard length == 0, request.headers[.transferEncoding] == nil else {
                throw ControlError(.badRequest, "\(row.name) takes no body: send none")
            }
            return ByteBuffer()
        }
        let error = ControlError(
            .tooLarge, "the request's body has more than \(maxBodyBytes) bytes: send less",
            details: ["limit": String(maxBodyBytes)])
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > maxBodyBytes { throw error }
        do {
            return try await request.body.collect(upTo: maxBodyBytes)
        } catch is NIOTooManyBytesError {
            throw error
        }
    }

    // MARK: The audit log

    /// What of a line is known before anything is changed, the place above all; nil of a question, which has no line.
    private func line(
        _ handler: ControlHandler, _ peer: Peer, _ target: String, _ place: AuditedPlace?
    ) async -> ControlAuditRecord? {
        guard handler.row.right == .change else { return nil }
        let worker: String? =
            switch place {
            case .worker(let address): address
            case .child(let supervisor, let id): await handlers.childAddress(supervisor, id)
            case nil: nil
            }
        return ControlAuditRecord(
            peer: peer, operation: handler.row.name, target: target, worker: worker, outcome: .started)
    }

    private func record(_ line: ControlAuditRecord?, _ outcome: ControlAuditRecord.Outcome) {
        guard var line else { return }
        line.outcome = outcome
        audit.record(line)
    }
}
