import Foundation
import ReleaseHandlerD
import Synchronization
import Testing
import Wire

@testable import TestSupport

/// Requests that are turned down: the status, the stable code and the exact sentence.
@Suite(.timeLimit(.minutes(15))) struct ControlBadRequestTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var method: String
        var path: String
        var body: String?
        var status: Int
        var code: ControlError.Code
        var message: String
        var testDescription: String { "\(method) \(path) \(body ?? "")" }
    }

    private static let unpackExample = #"send JSON like {"package":"/srv/packages/kv-2.0.0.tar.gz"}"#
    private static let callExample =
        #"send JSON like {"worker":"kv/kv_sup/store","request":"get_size","timeout_ms":5000}"#

    static let cases: [Case] = [
        Case(
            method: "GET", path: "/v2/status", status: 404, code: .notFound,
            message: "there is no /v2/status: see /v1/openapi.json for what there is"),
        Case(
            method: "GET", path: "/v1/releases/", status: 404, code: .notFound,
            message: "there is no /v1/releases/: see /v1/openapi.json for what there is"),
        Case(
            method: "GET", path: "/v1/events", body: "x", status: 400, code: .badRequest,
            message: "events takes no body: send none"),
        Case(
            method: "PUT", path: "/v1/releases", status: 405, code: .methodNotAllowed,
            message: "/v1/releases has no PUT: use GET, POST"),
        Case(
            method: "GET", path: "/v1/releases/2.0.0/install", status: 405, code: .methodNotAllowed,
            message: "/v1/releases/2.0.0/install has no GET: use POST"),
        Case(
            method: "POST", path: "/v1/releases", status: 400, code: .badRequest,
            message: "the request has no body: \(unpackExample)"),
        Case(
            method: "POST", path: "/v1/releases", body: "package=/x", status: 400, code: .badRequest,
            message: "the request's body is no JSON: \(unpackExample)"),
        Case(
            method: "POST", path: "/v1/releases", body: "{\"package\":\"\u{FFFF}", status: 400, code: .badRequest,
            message: "the request's body is no JSON: \(unpackExample)"),
        Case(
            method: "POST", path: "/v1/releases", body: "[1]", status: 400, code: .badRequest,
            message: "the request's body is no JSON object: \(unpackExample)"),
        Case(
            method: "POST", path: "/v1/releases", body: "{}", status: 400, code: .badRequest,
            message: "the request's body lacks \"package\": \(unpackExample)"),
        Case(
            method: "POST", path: "/v1/releases", body: #"{"package":7}"#, status: 400, code: .badRequest,
            message: "\"package\" in the request's body must be a string: \(unpackExample)"),
        Case(
            method: "POST", path: "/v1/releases", body: #"{"package":"kv.tar.gz"}"#, status: 400, code: .badRequest,
            message: "\"kv.tar.gz\" is no absolute path: name the package by one"),
        Case(
            method: "POST", path: "/v1/releases", body: #"{"package":"/etc/passwd"}"#, status: 422,
            code: .packageInvalid, message: "/etc/passwd: is no gzip-compressed tar"),
        Case(
            method: "POST", path: "/v1/releases", body: #"{"pakage":"/srv/kv-2.0.0.tar.gz"}"#, status: 400,
            code: .badRequest, message: "unknown key \"pakage\" in the request's body; the keys are package"),
        Case(
            method: "POST", path: "/v1/releases/2.0.0/install",
            body: #"{"hungworkers":"abort","make_permament":"manual","suspend_timeout_ms":5000}"#, status: 400,
            code: .badRequest,
            message: """
                unknown keys "hungworkers", "make_permament" in the request's body; the keys are code_change_timeout_ms, \
                hung_workers, make_permanent, rename, suspend_grace_ms, suspend_timeout_ms
                """),
        Case(
            method: "POST", path: "/v1/applications/kv/start",
            body: #"{"1":1,"2":null,"3":[],"4":{},"5":"","6":true,"7":0.5,"8":"\n","9":9,"type":"temporary"}"#,
            status: 400,
            code: .badRequest,
            message: """
                unknown keys "1", "2", "3", "4", "5", "6", "7", "8" and 1 more in the request's body; the keys are type
                """),
        Case(
            method: "POST", path: "/v1/call", body: #"{"worker":"w","request":"r","timeout_ms":0}"#, status: 400,
            code: .badRequest, message: "timeout_ms is 0: give 1 to 3600000"),
        Case(
            method: "POST", path: "/v1/call", body: #"{"worker":"w","request":"r","timeout_ms":"5"}"#, status: 400,
            code: .badRequest, message: "\"timeout_ms\" in the request's body must be an integer: \(callExample)"),
        Case(
            method: "POST", path: "/v1/call", body: String(repeating: "[", count: 100_000), status: 400,
            code: .badRequest, message: "the request's body is no JSON: \(callExample)"),
        Case(
            method: "POST", path: "/v1/call", body: #"{"worker":"w","request":"r"}"#, status: 404,
            code: .noSuchWorker, message: "there is no worker w"),
        Case(
            method: "POST", path: "/v1/call", body: #"{"worker":"kv/kv_sup/slow","request":"r","timeout_ms":7}"#,
            status: 504, code: .timeout, message: "no reply within 7 ms"),
        Case(
            method: "POST", path: "/v1/call", body: #"{"worker":"kv/kv_sup/bad","request":"r"}"#, status: 502,
            code: .workerError, message: "{badarg,x}"),
        Case(
            method: "GET", path: "/v1/releases/9.9.9/check", status: 404, code: .noSuchRelease,
            message: "there is no release 9.9.9"),
        Case(
            method: "POST", path: "/v1/releases/busy/install", status: 409, code: .busy,
            message: "2.0.0 is being installed"),
        Case(
            method: "POST", path: "/v1/releases/refused/install", status: 409, code: .upgradeRefused,
            message: "relup has no entry for 1.0.0"),
        Case(
            method: "DELETE", path: "/v1/releases/%2E%2E", status: 400, code: .badRequest,
            message: "\"..\" can't be a release's vsn: it is no file name"),
    ]

    @Test func areTurnedDown() async throws {
        try await ControlFixture.run { fixture in
            for item in Self.cases {
                let answer = try await fixture.request(item.method, item.path, body: item.body)
                let error = try answer.error()
                #expect(answer.status == item.status, "\(item.testDescription)")
                #expect(error.code == item.code, "\(item.testDescription)")
                #expect(error.message == item.message, "\(item.testDescription)")
                #expect(answer.headers["content-type"] == "application/json")
            }
            #expect(fixture.node.removed.withLock { $0.isEmpty })
            let wasAsked = fixture.node.installs.withLock { $0.contains { $0.suspendTimeoutMilliseconds == 5000 } }
            #expect(!wasAsked)
        }
    }

    @Test func theAllowHeaderNamesTheMethods() async throws {
        try await ControlFixture.run { fixture in
            let answer = try await fixture.request("DELETE", "/v1/releases")
            #expect(answer.headers["allow"] == "GET, POST")
        }
    }

    /// By its announced length and, where none is announced, by what came.
    @Test(arguments: [true, false])
    func tooLarge(isAnnounced: Bool) async throws {
        try await ControlFixture.run { fixture in
            let path = fixture.socketPath
            let answer = try await offPool {
                let connection = try RawHTTP(path: path)
                let part = [UInt8](repeating: UInt8(ascii: " "), count: 1 << 19)
                if isAnnounced {
                    try connection.send("POST", "/v1/call", body: part + part + [0])
                } else {
                    let head = "POST /v1/call HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
                    try connection.send(Array(head.utf8))
                    for _ in 0..<3 { try connection.send(Array("80000\r\n".utf8) + part + Array("\r\n".utf8)) }
                    try connection.send(Array("0\r\n\r\n".utf8))
                }
                return try connection.answer()
            }
            #expect(answer.status == 413)
            #expect(
                try answer.error()
                    == ControlError(
                        .tooLarge, "the request's body has more than 1048576 bytes: send less",
                        details: ["limit": "1048576"]))
            // And the server goes on.
            let next = try await fixture.request("GET", "/v1/status")
            #expect(next.status == 200)
        }
    }

    @Test(arguments: [
        "\u{0}\u{1}\u{2}\u{3}\r\n\r\n", "GET\r\n\r\n", "GET /v1/status HTTP/9.9\r\n\r\n",
        "POST /v1/call HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        "POST /v1/call HTTP/1.1\r\ncontent-length: 99999999999999999999999\r\n\r\n",
        "GET /v1/status HTTP/1.1\r\nx: \(String(repeating: "y", count: 200_000))\r\n\r\n",
    ])
    func whatIsNoHTTP(bytes: String) async throws {
        try await ControlFixture.run { fixture in
            let path = fixture.socketPath
            try await offPool {
                let connection = try RawHTTP(path: path)
                do {
                    try connection.send(Array(bytes.utf8))
                    #expect(try connection.answer().status == 400)
                } catch is RawHTTP.Ended {
                    // Closed without an answer is as good.
                }
            }
            let next = try await fixture.request("GET", "/v1/status")
            #expect(next.status == 200)
        }
    }
}
