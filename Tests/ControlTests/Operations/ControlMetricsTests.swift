import Foundation
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// `GET /v1/metrics` over HTTP, `releasectl metrics`, and the pages that are about them.
@Suite(.timeLimit(.minutes(15))) struct ControlMetricsTests {
    private static func get(_ fixture: ControlFixture, accept: String) async throws -> RawHTTP.Answer {
        let path = fixture.socketPath
        return try await offPool {
            let http = try RawHTTP(path: path)
            try http.send(Array("GET /v1/metrics HTTP/1.1\r\nhost: localhost\r\naccept: \(accept)\r\n\r\n".utf8))
            return try http.answer()
        }
    }

    @Test(arguments: [("*/*", MetricFormat.openMetrics), ("text/plain;version=0.0.4", .prometheus)])
    func theFormatIsTheClients(accept: String, format: MetricFormat) async throws {
        try await ControlFixture.run { fixture in
            let answer = try await Self.get(fixture, accept: accept)
            #expect(answer.status == 200)
            #expect(answer.headers["content-type"] == format.contentType)
            let text = try MetricText(answer.text, format)
            #expect(text.value("release_handler_worker_restarts_total") == 3)
            #expect(text.samples.first { $0.value == 3 }?.labels == ["worker": #"kv/kv_sup/"o\1""#])
        }
    }

    @Test func releasectlShowsBoth() async throws {
        try await ControlFixture.run { fixture in
            let open = try await fixture.releasectl("metrics")
            #expect(open.exit == 0)
            _ = try MetricText(open.output, .openMetrics)
            let old = try await fixture.releasectl("metrics", "--format", "prometheus")
            _ = try MetricText(old.output, .prometheus)
            #expect(try await fixture.releasectl("metrics", "--format", "xml").exit == 64)
            let json = try await fixture.releasectl("metrics", "--json")
            #expect(json.exit == 64 && json.output == "", "\(json)")
            let words = "metrics prints no JSON: leave --json out, and see --format for what it prints."
            #expect(json.error.contains(words), "\(json)")
        }
    }

    @Test func trafficIsCounted() async throws {
        let traffic = ControlTraffic("other")
        traffic.opened()
        traffic.opened()
        traffic.closed()
        traffic.refused()
        for status in [200, 403, 200] { traffic.answered(status) }
        var exposition = MetricExposition()
        traffic.add(to: &exposition)
        let text = try MetricText(exposition.text(.openMetrics), .openMetrics)
        #expect(text.value("release_handler_control_connections", ["interface": "other"]) == 1)
        #expect(text.value("release_handler_control_connections_refused_total") == 1)
        #expect(text.value("release_handler_control_requests_total", ["code": "200"]) == 2)
        #expect(text.value("release_handler_control_requests_total", ["code": "403"]) == 1)
    }

    /// `docs/metrics.md` has a line for each family, with its samples' names, its kind and its labels, and no other.
    @Test func theDocumentationListsEveryFamily() throws {
        let page = Project.root.appending(path: "docs/metrics.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let line = /\| `([a-z_]+)` \| (counter|gauge|histogram|info) \| ([^|]*) \| [^|]+ \|/
        let documented = text.split(separator: "\n").compactMap { try? line.wholeMatch(in: $0) }
            .map { "\($0.1) \($0.2) \($0.3)" }
        let families = Metrics.all.map { family in
            let name = family.kind == .histogram ? family.name : family.sampleNames[0]
            return "\(name) \(family.kind.rawValue) \(family.labels.map { "`\($0)`" }.joined(separator: ", "))"
        }
        #expect(documented.sorted() == families.sorted())
    }

    /// What the dashboard asks Prometheus for is there to be asked for, with these labels.
    @Test func theDashboardAsksForWhatThereIs() throws {
        let file = try Data(contentsOf: Project.root.appending(path: "etc/grafana-dashboard.json"))
        let board = try #require(try JSONSerialization.jsonObject(with: file) as? [String: Any])
        let panels = try #require(board["panels"] as? [[String: Any]])
        var expressions = panels.flatMap { panel in
            (panel["targets"] as? [[String: Any]] ?? []).compactMap { $0["expr"] as? String }
        }
        let variables = (board["templating"] as? [String: Any])?["list"] as? [[String: Any]] ?? []
        expressions += variables.compactMap { $0["query"] as? String }
        #expect(expressions.count > 10)
        let samples = Set(Metrics.all.flatMap(\.sampleNames))
        let labels = Set(Metrics.all.flatMap(\.labels) + ["le", "instance", "job"])
        var asked: Set<String> = []
        for expression in expressions {
            for match in expression.matches(of: /\b(release_handler|process)_[a-z_]+/) {
                asked.insert(String(match.0))
                #expect(samples.contains(String(match.0)), "\(match.0)")
            }
            for match in expression.matches(of: /([a-z_]+)\s*(=|!=|=~|!~)\s*"/) {
                #expect(labels.contains(String(match.1)), "\(match.1) in \(expression)")
            }
        }
        #expect(asked.count > 15)
    }
}
