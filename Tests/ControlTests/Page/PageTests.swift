import Foundation
import ReleaseHandling
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// `--http`: what is served there, to whom, and what is not.
@Suite(.timeLimit(.minutes(15))) struct PageTests {
    // MARK: Where

    @Test(
        arguments: [
            ("127.0.0.1:8080", "http://127.0.0.1:8080/"), ("127.8.0.1:0", "http://127.8.0.1:0/"),
            ("[::1]:8080", "http://[::1]:8080/"), ("[0:0:0:0:0:0:0:1]:1", "http://[0:0:0:0:0:0:0:1]:1/"),
            ("unix:/run/page.sock", "unix:/run/page.sock"),
        ])
    func onlyThisMachineComesTo(text: String, place: String) throws {
        #expect(try PageAddress(text).description == place)
    }

    @Test(
        arguments: [
            "0.0.0.0:80", ":80", "80", "[::]:80", "192.168.1.1:80", "128.0.0.1:80", "localhost:80", "127.0.0.1",
            "127.1:80",
            "[::ffff:127.0.0.1]:80", "[fe80::1]:80", "[::1]", "::1:80", "unix:run/x", "/run/x", "@x", "",
            "127.0.0.1:65536",
            "127.0.0.1.example.org:80",
        ])
    func othersAreRefused(text: String) {
        #expect(throws: PageAddress.Invalid(text: text)) { try PageAddress(text) }
    }

    // MARK: The page

    @Test func thePageIsOneDocumentThatNeedsNothingFromElsewhere() async throws {
        try await PageFixture.run { page in
            let answer = try await page.request("GET", "/")
            #expect(answer.status == 200)
            #expect(answer.headers["content-type"] == "text/html; charset=utf-8")
            let policy = try #require(answer.headers["content-security-policy"])
            let nonce = try #require(policy.firstMatch(of: /script-src 'nonce-([0-9a-f]{32})';/)).1
            #expect(policy.hasPrefix("default-src 'none'; ") && policy.contains("frame-ancestors 'none'"))
            #expect(!policy.contains("unsafe"))
            let text = answer.text
            #expect(text.contains("<script nonce=\"\(nonce)\">") && text.contains("<style nonce=\"\(nonce)\">"))
            #expect(text.matches(of: /<script/).count == 1 && text.matches(of: /<style/).count == 1)
            for markup in ["src=", "href=", "@import", "url(", "onclick", "onload", "innerHTML", "eval(", "style=\""] {
                #expect(!text.contains(markup), "\(markup)")
            }
            let addresses = Set(text.matches(of: /https?:\/\/[^"' ]+/).map { String($0.0) })
            #expect(addresses == ["http://www.w3.org/2000/svg"], "a name, which nobody asks for")
            let again = try await page.request("GET", "/")
            #expect(again.headers["content-security-policy"] != policy, "each has a nonce of its own")
        }
    }

    /// What the script asks for is served here, and nothing else is.
    @Test func onlyWhatThePageNeedsIsServed() async throws {
        try await PageFixture.run { page in
            let asked = Set(PageDocument.text(nonce: "").matches(of: /"(\/v1\/[a-z]+)"/).map { String($0.1) })
            #expect(asked == ["/v1/status", "/v1/tree", "/v1/releases", "/v1/history", "/v1/events"])
            for row in Operations.all where row.method == .get && !row.streams {
                let path = row.path.filled(with: row.parameters.map { _ in "x" })
                let status = try await page.request("GET", path).status
                #expect(status == (PageResponder.operations.contains(row.name) ? 200 : 404), "\(path)")
            }
            for path in ["/index.html", "/v1/", "/v1/tree/..", "/../etc/passwd", "/%2e%2e/etc/passwd", "/metrics/"] {
                #expect(try await page.request("GET", path).status == 404, "\(path)")
            }
            let metrics = try await page.request("GET", "/metrics")
            #expect(metrics.headers["content-type"] == MetricFormat.openMetrics.contentType)
            _ = try MetricText(metrics.text, .openMetrics)
        }
    }

    @Test(arguments: ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE"])
    func nothingIsChangedHere(method: String) async throws {
        try await PageFixture.run { page in
            for path in ["/", "/v1/releases/2.0.0/install", "/v1/reload", "/v1/tree"] {
                let lines = "\(method) \(path) HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n"
                let head = try await offPool {
                    let http = try RawHTTP(port: page.port)
                    try http.send(Array(lines.utf8))
                    return try http.head()
                }
                #expect(head.status == 405 && head.headers["allow"] == "GET", "\(method) \(path)")
            }
        }
    }

    // MARK: Who

    /// A page of somebody else's whose name leads here is not ours.
    @Test(
        arguments: [
            ("localhost", 200), ("LocalHost:9000", 200), ("127.0.0.1:80", 200), ("127.1.2.3", 200), ("[::1]", 200),
            ("[::1]:80", 200),
            ("evil.example", 403), ("localhost.evil.example", 403), ("127.0.0.1.evil.example:80", 403),
            ("192.168.1.1", 403),
            ("[::2]", 403), ("localhost:evil", 403), ("", 403), ("0.0.0.0:80", 403), ("evil.example#localhost", 403),
        ])
    func theHostIsThisMachine(host: String, status: Int) async throws {
        try await PageFixture.run { page in
            for path in ["/", "/v1/tree", "/metrics"] {
                let answer = try await page.request("GET", path, host: host)
                #expect(answer.status == status, "\(path)")
            }
        }
    }

    @Test func aRequestWithoutAHostIsNone() async throws {
        try await PageFixture.run { page in
            let answer = try await page.request("GET", "/v1/tree", host: nil)
            #expect(answer.status == 400)
        }
    }

    @Test func noOtherSiteReadsWhatIsSaid() async throws {
        try await PageFixture.run { page in
            for path in ["/", "/v1/tree", "/v1/nothing"] {
                let answer = try await page.request("GET", path, fields: ["origin: https://evil.example"])
                #expect(answer.headers.keys.allSatisfy { !$0.hasPrefix("access-control-") })
                #expect(answer.headers["x-content-type-options"] == "nosniff")
                #expect(answer.headers["cross-origin-resource-policy"] == "same-origin")
                #expect(answer.headers["x-frame-options"] == "DENY")
                #expect(answer.headers["cache-control"] == "no-store")
                #expect(answer.headers["content-security-policy"]?.contains("frame-ancestors 'none'") == true)
            }
            let cross = ["sec-fetch-site: cross-site"]
            #expect(try await page.request("GET", "/v1/tree", fields: cross).status == 403)
            #expect(try await page.request("GET", "/", fields: cross).status == 200, "a link leads here")
        }
    }

    @Test func whereTheGroupAloneMayLookNothingIsShown() async throws {
        try await PageFixture.run(readers: .group) { page in
            for path in ["/v1/tree", "/v1/status", "/metrics", "/v1/events"] {
                let answer = try await page.request("GET", path)
                #expect(answer.status == 403)
                #expect(try answer.error().message.contains("control_readers"))
            }
        }
    }

    @Test func allTogetherAreServedAtARate() async throws {
        let once = TokenBucket.Rate(atOnce: 3, perSecond: 1)
        let allowance = UserRates.Allowance(each: once, together: once)
        try await PageFixture.run(rates: ControlRates(requests: allowance, now: { 0 })) { page in
            for _ in 0..<3 { #expect(try await page.request("GET", "/v1/status").status == 200) }
            let answer = try await page.request("GET", "/v1/status")
            #expect(answer.status == 429 && answer.headers["retry-after"] == "1")
            #expect(try answer.error().message.hasPrefix("a stranger asks more often"))
            // The page itself, and what there is not.
            for path in ["/", "/nothing"] { #expect(try await page.request("GET", path).status == 429) }
        }
    }

    @Test func bytesThatAreNoHTTP() async throws {
        try await PageFixture.run { page in
            try await offPool {
                for bytes in [
                    "\u{16}\u{3}\u{1}\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
                    "GET /" + String(repeating: "a", count: 40_000),
                ] {
                    let http = try RawHTTP(port: page.port)
                    try http.send(Array(bytes.utf8))
                    let head = try? http.head()
                    #expect(head == nil || (400..<500).contains(head?.status ?? 0), "\(bytes.prefix(20))")
                }
            }
            #expect(try await page.request("GET", "/v1/status").status == 200)
        }
    }
}
