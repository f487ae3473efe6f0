import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import Wire

/// What a request comes with: its connection.
struct ControlContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}

/// Checks a request's form and the peer's right to it, asks the node, and answers in JSON.
struct ControlResponder: HTTPResponder {
    typealias Context = ControlContext

    let node: any NodeControl
    let authorization: ControlAuthorization
    let maxBodyBytes: Int
    let audit: ControlAudit

    func respond(to request: Request, context: ControlContext) async throws -> Response {
        switch ControlRoute.match(request.method, path: request.uri.path) {
        case .route(let route, let parameters):
            do {
                return try await respond(to: request, route: route, parameters: parameters, context: context)
            } catch let error as ControlError {
                return error.response()
            } catch {
                return ControlError(.internalError, "the request could not be served: \(error)").response()
            }
        case .methodNotAllowed(let allowed):
            let names = allowed.map(\.rawValue).joined(separator: ", ")
            return ControlError(
                .methodNotAllowed, "\(request.uri.path) has no \(request.method.rawValue): use \(names)",
                details: ["allow": names]
            ).response(headers: [.allow: names])
        case .notFound:
            return ControlError(
                .notFound, "there is no \(request.uri.path): see /v1/openapi.json for what there is"
            ).response()
        }
    }

    private func respond(
        to request: Request, route: ControlRoute, parameters: [String], context: ControlContext
    ) async throws -> Response {
        var peer = try await Peer.connected(to: context.channel)
        if authorization.needsGroups(of: peer, for: route) { peer = await peer.resolvingGroups() }
        if let error = authorization.refusal(of: route, to: peer) {
            if route.changes {
                let worker = await worker(route, parameters, nil)
                record(route, parameters.joined(separator: " "), peer, worker, .failed(error))
            }
            throw error
        }
        guard route.changes else {
            return try await look(route, parameters: parameters, request: request, context: context)
        }
        let change: ControlChange
        do {
            change = try await ControlChange(route, parameters: parameters, body: body(of: request))
        } catch let error as ControlError {
            let worker = await worker(route, parameters, nil)
            record(route, parameters.joined(separator: " "), peer, worker, .failed(error))
            throw error
        }
        let worker = await worker(route, parameters, change)
        do {
            let response = try await perform(change, route: route, peer: peer)
            if route != .installRelease { record(route, change.target, peer, worker, .done) }
            return response
        } catch let error as ControlError {
            record(route, change.target, peer, worker, .failed(error))
            throw error
        }
    }

    /// The place that the request is about, before it changes anything.
    private func worker(_ route: ControlRoute, _ parameters: [String], _ change: ControlChange?) async -> String? {
        switch route {
        case .getState, .replaceState: return parameters.first
        case .getChildspec, .terminateChild, .restartChild, .deleteChild:
            return await node.childAddress(supervisor: parameters[0], id: parameters[1])
        case .startChild:
            guard let id = change?.startedID else { return nil }
            return await node.childAddress(supervisor: parameters[0], id: id)
        case .call:
            if case .call(let call)? = change { return call.worker }
            return nil
        default: return nil
        }
    }

    private func body(of request: Request) async throws -> ByteBuffer {
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

    private func record(
        _ route: ControlRoute, _ target: String, _ peer: Peer, _ worker: String?,
        _ outcome: ControlAuditRecord.Outcome
    ) {
        audit(
            ControlAuditRecord(
                peer: peer, operation: route.operation, target: target, worker: worker, outcome: outcome))
    }
}

// MARK: - Looking

extension ControlResponder {
    private func look(
        _ route: ControlRoute, parameters: [String], request: Request, context: ControlContext
    ) async throws -> Response {
        switch route {
        case .status:
            return try ControlJSON.response(await node.status())
        case .whichReleases:
            return try ControlJSON.response(ReleaseList(releases: await node.whichReleases()))
        case .checkInstallRelease:
            return try ControlJSON.response(
                try await node.checkInstallRelease(vsn: try ControlChange.vsn(parameters)))
        case .tree:
            return try ControlJSON.response(ApplicationList(applications: await node.tree()))
        case .workers:
            return try ControlJSON.response(WorkerList(workers: await node.ps()))
        case .getStatus:
            return try ControlJSON.response(try await node.getStatus(worker: parameters[0]))
        case .statistics:
            return try ControlJSON.response(try await node.statistics(worker: parameters[0]))
        case .whichChildren:
            return try ControlJSON.response(try await node.whichChildren(supervisor: parameters[0]))
        case .countChildren:
            return try ControlJSON.response(try await node.countChildren(supervisor: parameters[0]))
        case .whichApplications:
            return try ControlJSON.response(await node.whichApplications())
        case .events:
            return await events(request, channel: context.channel)
        case .openAPI:
            return Response(
                status: .ok, headers: [.contentType: "application/json"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: ControlOpenAPI.document)))
        case .unpackRelease, .installRelease, .makePermanent, .removeRelease, .call, .getState, .replaceState,
            .getChildspec, .startChild, .deleteChild, .terminateChild, .restartChild, .startApplication,
            .stopApplication, .loadApplication, .unloadApplication, .getAllEnv, .getEnv, .setEnv, .unsetEnv:
            throw ControlError(.internalError, "\(route.operation) is a change and was treated as a question")
        }
    }

    /// How long a follower has to read what is left when the server ends, in seconds.
    private static let drainSeconds: Int64 = 2

    /// Subscribed before the head goes out: whoever has seen the head misses nothing.
    ///
    /// When the server ends, what has happened until then still goes out, the node's end included; a follower that
    /// does not read it holds up nobody.
    private func events(_ request: Request, channel: any Channel) async -> Response {
        let subscription = await node.events()
        return stream { writer in
            try await withGracefulShutdownHandler {
                try await request.body.consumeWithCancellationOnInboundClose { _ in
                    var writer = writer
                    for await event in subscription.events { try await writer.write(try ControlJSON.line(event)) }
                    try await writer.finish(nil)
                }
            } onGracefulShutdown: {
                subscription.finish()
                channel.eventLoop.scheduleTask(in: .seconds(Self.drainSeconds)) { channel.close(promise: nil) }
            }
        }
    }

    private func stream(_ write: @escaping @Sendable (any ResponseBodyWriter) async throws -> Void) -> Response {
        Response(
            status: .ok, headers: [.contentType: "application/x-ndjson"],
            body: ResponseBody { writer in try await write(writer) })
    }
}

// MARK: - Changing

extension ControlResponder {
    private func perform(_ change: ControlChange, route: ControlRoute, peer: Peer) async throws -> Response {
        switch change {
        case .unpackRelease(let package):
            return try ControlJSON.response(
                try await node.unpackRelease(package: package, peer: peer), status: .created)
        case .installRelease(let vsn):
            let progress = try await node.installRelease(vsn: vsn, peer: peer)
            record(route, vsn, peer, nil, .started)
            return install(vsn, progress: progress, peer: peer)
        case .makePermanent(let vsn):
            return try ControlJSON.response(try await node.makePermanent(vsn: vsn, peer: peer))
        case .removeRelease(let vsn):
            try await node.removeRelease(vsn: vsn, peer: peer)
            return try ControlJSON.response(RemovedRelease(removed: vsn))
        case .call(let call):
            let reply = try await node.call(
                worker: call.worker, request: call.request, timeoutMilliseconds: call.timeoutMilliseconds, peer: peer)
            return try ControlJSON.response(CallReply(reply: reply))
        case .getState(let worker):
            return try ControlJSON.response(try await node.getState(worker: worker, peer: peer))
        case .replaceState(let worker, let state):
            return try ControlJSON.response(try await node.replaceState(worker: worker, state: state, peer: peer))
        case .startChild(let supervisor, let spec):
            return try ControlJSON.response(
                try await node.startChild(supervisor: supervisor, spec: spec, peer: peer), status: .created)
        case .child(let what, let supervisor, let id):
            let answer: ChildAnswer
            switch what {
            case .getSpec:
                return try ControlJSON.response(try await node.getChildspec(supervisor: supervisor, id: id))
            case .terminate: answer = try await node.terminateChild(supervisor: supervisor, id: id, peer: peer)
            case .restart: answer = try await node.restartChild(supervisor: supervisor, id: id, peer: peer)
            case .delete: answer = try await node.deleteChild(supervisor: supervisor, id: id, peer: peer)
            }
            return try ControlJSON.response(answer)
        case .application(let what, let application):
            return try await perform(what, application, peer: peer)
        }
    }

    private func perform(
        _ change: ControlChange.ApplicationChange, _ application: String, peer: Peer
    ) async throws -> Response {
        switch change {
        case .start(let type):
            try ControlJSON.response(try await node.startApplication(application, type: type, peer: peer))
        case .stop: try ControlJSON.response(try await node.stopApplication(application, peer: peer))
        case .load: try ControlJSON.response(try await node.loadApplication(application, peer: peer))
        case .unload: try ControlJSON.response(try await node.unloadApplication(application, peer: peer))
        case .getAllEnv: try ControlJSON.response(try await node.getAllEnv(application))
        case .getEnv(let key): try ControlJSON.response(try await node.getEnv(application, key: key))
        case .setEnv(let key, let value):
            try ControlJSON.response(try await node.setEnv(application, key: key, value: value, peer: peer))
        case .unsetEnv(let key):
            try ControlJSON.response(try await node.unsetEnv(application, key: key, peer: peer))
        }
    }

    /// Reads the progress to its end also when nobody listens any more: the audit log wants the outcome.
    private func install(_ vsn: String, progress: AsyncStream<InstallProgress>, peer: Peer) -> Response {
        stream { writer in
            var writer = writer
            var failure: (any Error)?
            var ended: InstallProgress?
            func send(_ step: InstallProgress) async {
                guard failure == nil else { return }
                do {
                    try await writer.write(try ControlJSON.line(step))
                } catch {
                    failure = error
                }
            }
            for await step in progress {
                switch step {
                case .progress: break
                case .result, .error: ended = step
                }
                await send(step)
            }
            if ended == nil {
                let lost = InstallProgress.error(
                    ControlError(.internalError, "the install of \(vsn) ended without a result: see the daemon's log"))
                ended = lost
                await send(lost)
            }
            record(.installRelease, vsn, peer, nil, Self.outcome(ended))
            if let failure { throw failure }
            try await writer.finish(nil)
        }
    }

    private static func outcome(_ last: InstallProgress?) -> ControlAuditRecord.Outcome {
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
        case .progress, nil: return .failed(ControlError(.internalError, "no result"))
        }
    }
}
