import HTTPTypes
import HummingbirdCore
import NIOCore
import Wire

/// Serves the page, and what it asks for: a part of the control interface, to a stranger who may look at the most.
struct PageResponder: Sendable {
    let control: ControlResponder
    let connections: ControlConnections

    /// All that the page needs, and nothing that takes long or can be more than looking.
    static let operations: Set<String> = [
        Operations.node.status.row.name, Operations.node.probation.row.name, Operations.node.tree.row.name,
        Operations.node.metrics.row.name, Operations.node.events.row.name, Operations.releases.which.row.name,
        Operations.releases.history.row.name,
    ]

    /// Where scrapers look.
    static let metricsPath = "/metrics"

    /// So many connections follow the events; the others stay for questions.
    static let maxFollowers = PageServer.maxConnections / 2

    func respond(to request: Request, on channel: any Channel) async -> Response {
        var response: Response
        do {
            response = try await answer(to: request, on: channel)
        } catch let error as ControlError {
            response = error.response(headers: error.code == .methodNotAllowed ? [.allow: "GET"] : [:])
        } catch {
            response = ControlError(.internalError, "the request could not be served: \(error)").response()
        }
        for (name, value) in Self.headers {
            guard let name = HTTPField.Name(name), response.headers[name] == nil else { continue }
            response.headers[name] = value
        }
        control.traffic.answered(response.status.code)
        return response
    }

    /// Nobody else's page reads, frames or keeps what is said here. Source: CSP Level 3; Fetch, "Cross-Origin-Resource-Policy".
    private static let headers = [
        ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
        ("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "DENY"), ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Resource-Policy", "same-origin"), ("Cache-Control", "no-store"),
    ]

    private func answer(to request: Request, on channel: any Channel) async throws -> Response {
        try await control.refuseOverRate(.stranger, .notFound, channel)
        try checkOrigin(request)
        guard request.method == .get else {
            throw ControlError(
                .methodNotAllowed, "nothing is changed here, only looked at: use GET", details: ["allow": "GET"])
        }
        if request.uri.path == "/" { return page() }
        let path =
            request.uri.path == Self.metricsPath ? Operations.node.metrics.path(NoParameters()) : request.uri.path
        let match = control.handlers.match("GET", path: path)
        guard case .handler(let handler, _) = match, Self.operations.contains(handler.row.name) else {
            throw ControlError(
                .notFound, "there is no \(request.uri.path) here: the control interface has all operations",
                details: ["path": request.uri.path])
        }
        guard await control.authorization.refusal(of: handler.row, to: .stranger) == nil else {
            throw ControlError(
                .forbidden,
                "only root and the group may look (control_readers), and here nobody is known as one: use releasectl")
        }
        let connection = try await ControlConnection.of(channel)
        if handler.row.streams, try await connections.followers() >= Self.maxFollowers {
            throw ControlError(
                .unavailable, "\(Self.maxFollowers) clients follow the events here, as many as may: ask without that",
                details: ["limit": "\(Self.maxFollowers)"])
        }
        return await control.answer(
            to: request, match, from: .stranger, on: connection, channel, isCounted: true)
    }

    /// Only pages of ours, and programs of this machine.
    private func checkOrigin(_ request: Request) throws(ControlError) {
        guard let authority = request.head.authority else {
            throw ControlError(.badRequest, "the request has no Host: name this machine's loopback address")
        }
        guard PageAddress.isOwn(authority: authority) else {
            throw ControlError(
                .forbidden, "\(authority.prefix(200)) is not served here: use localhost, 127.0.0.1 or [::1]")
        }
        let site = HTTPField.Name("Sec-Fetch-Site").flatMap { request.headers[$0] }
        // What leads to the page is a link anywhere.
        guard site != "cross-site" || request.uri.path == "/" else {
            throw ControlError(.forbidden, "another site's page asks, and gets nothing here")
        }
    }

    private func page() -> Response {
        let nonce = Self.nonce()
        let policy = """
            default-src 'none'; script-src 'nonce-\(nonce)'; style-src 'nonce-\(nonce)'; connect-src 'self'; \
            base-uri 'none'; form-action 'none'; frame-ancestors 'none'
            """
        return Response(
            status: .ok, headers: [.contentType: "text/html; charset=utf-8", .contentSecurityPolicy: policy],
            body: ResponseBody(byteBuffer: ByteBuffer(string: PageDocument.text(nonce: nonce))))
    }

    /// Another one for each answer: what somebody might bring into the page has none.
    private static func nonce() -> String {
        (0..<2).map { _ in
            let part = String(UInt64.random(in: .min ... .max), radix: 16)
            return String(repeating: "0", count: 16 - part.count) + part
        }.joined()
    }
}
