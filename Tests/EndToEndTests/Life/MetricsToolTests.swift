import Foundation
import Glibc
import Testing
import Wire

@testable import TestSupport

/// The daemon's metrics as other people's programs read them.
@Suite(.timeLimit(.minutes(15))) struct MetricsToolTests {
    private static func root() throws -> TestRoot {
        try TestRoot.twoVersions(
            children: """
                [#{id => c1, start => {counter, start_link, []}},
                 #{id => "o\\"1", start => {os, start, ["/bin/sleep", "1000"]}, modules => []}]
                """)
    }

    private static let promtool: String? = {
        let paths: [String] = ["/usr/bin/promtool", "/usr/local/bin/promtool"]
        return paths.first { access($0, X_OK) == 0 }
    }()

    private static let hasClient: Bool = {
        let directories = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib/python3/dist-packages")) ?? []
        return directories.contains("prometheus_client")
    }()

    /// Names, helps and types, as Prometheus' own people would have them.
    @Test(.enabled(if: promtool != nil, "Debian: prometheus"))
    func promtoolFindsNothing() async throws {
        try await EndToEndDaemon.with(try Self.root()) { daemon in
            let text = try await daemon.ask("metrics", "--format", "prometheus")
            let file = "\(daemon.root.directory)/metrics"
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            let check = try await Program.run(
                "/bin/sh", ["-c", "exec \(Self.promtool ?? "") check metrics < \(file)"])
            #expect(check.exit == 0, "\(check)")
            #expect(check.output.isEmpty && check.error.isEmpty, "\(check)")
        }
    }

    /// The parsers of Prometheus' client for Python, the reference of OpenMetrics among them.
    @Test(.enabled(if: hasClient, "Debian: python3-prometheus-client"))
    func theReferenceParsersTakeBoth() async throws {
        let script = """
            import sys
            from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
            from prometheus_client.parser import text_string_to_metric_families as prometheus
            new = {s.name + str(sorted(s.labels.items())): s.value
                   for f in openmetrics(open(sys.argv[1]).read()) for s in f.samples}
            old = {s.name + str(sorted(s.labels.items())) for f in prometheus(open(sys.argv[2]).read()) for s in f.samples}
            assert set(new) == old, set(new) ^ old
            print(len(new))
            """
        try await EndToEndDaemon.with(try Self.root()) { daemon in
            let files = ["\(daemon.root.directory)/new", "\(daemon.root.directory)/old"]
            // Requests that were answered are there once one was.
            try await daemon.ask("status")
            for (file, format) in zip(files, MetricFormat.allCases) {
                try await daemon.ask("metrics", "--format", format.rawValue)
                    .write(toFile: file, atomically: true, encoding: .utf8)
            }
            let check = try await Program.run("/usr/bin/python3", ["-c", script] + files)
            #expect(check.exit == 0, "\(check)")
            #expect(Int(check.output.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0 > 50)
        }
    }

    /// What upgrades came to is counted on by the program that goes on.
    @Test func aReexecutionCountsOn() async throws {
        try await EndToEndDaemon.with(try Self.root()) { daemon in
            #expect(try await daemon.releasectl("install-release", "2.0.0").exit == 0)
            let before = try MetricText(try await daemon.ask("metrics"), .openMetrics)
            try await daemon.ask("reexec")
            let after = try MetricText(try await daemon.ask("metrics"), .openMetrics)
            for name in ["release_handler_upgrades_total", "release_handler_upgrade_pause_seconds_count"] {
                #expect(before.value(name) == 1 && after.value(name) == 1, "\(name)")
            }
            let began = "process_start_time_seconds"
            #expect(before.value(began) == after.value(began))
            #expect(after.value("release_handler_control_requests_total", ["interface": "control"]) ?? 0 > 0)
        }
    }
}
