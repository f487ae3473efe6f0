import Testing
import Wire

/// The table of metrics against the conventions, and the text that is made of it.
@Suite struct MetricsTests {
    /// Source: Prometheus, "Metric and label naming"; OpenMetrics 1.0, "MetricFamily Name", "Unit", "Suffixes".
    @Test(arguments: Metrics.all)
    func namesFollowTheConventions(family: MetricFamily) {
        let name = family.name
        #expect(name.wholeMatch(of: /(release_handler|process)(_[a-z][a-z0-9]*)*/) != nil, "\(name)")
        for ending in ["_total", "_count", "_sum", "_bucket", "_info", "_created"] {
            #expect(!name.hasSuffix(ending), "\(name): its kind adds that")
        }
        #expect(name.contains(/(_|^)(gauge|counter|histogram)(_|$)/) == false, "\(name) has its kind in it")
        if let unit = family.unit {
            #expect(["seconds", "bytes"].contains(unit), "\(name): a base unit")
            #expect(name.hasSuffix("_\(unit)"))
        } else {
            #expect(!name.hasSuffix("_seconds") && !name.hasSuffix("_bytes"), "\(name) has a unit")
        }
        #expect(!name.contains(/_(ms|us|milliseconds|kib|kilobytes|percent)(_|$)/))
        #expect(!family.help.isEmpty && !family.help.hasSuffix("."))
        for label in family.labels { #expect(label.wholeMatch(of: /[a-z][a-z0-9_]*/) != nil, "\(label)") }
        #expect(!family.labels.contains("le"))
        #expect(Set(family.labels).count == family.labels.count)
    }

    @Test func noNameIsThereTwice() {
        #expect(Metrics.all.count > 25)
        let names = Metrics.all.flatMap { Set([$0.name] + $0.sampleNames) }
        // An info has its family's name, and no sample has it.
        #expect(Set(names).count == names.count)
    }

    /// As Prometheus asks, and others.
    @Test(
        arguments: [
            (nil, .openMetrics), ("", .openMetrics), ("*/*", .openMetrics), ("application/json", .openMetrics),
            (
                "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
                    + "text/plain;version=0.0.4;q=0.3,*/*;q=0.2", .openMetrics
            ),
            ("text/plain;version=0.0.4;q=1,*/*;q=0.1", .prometheus), ("text/plain", .prometheus),
            ("text/plain; version=0.0.4; charset=utf-8", .prometheus), ("TEXT/PLAIN ; Q=0.9", .prometheus),
            ("text/plain;version=2.0.0", .openMetrics), ("text/plain;q=0", .openMetrics),
            ("text/plain;q=0.3,application/openmetrics-text;version=1.0.0;q=0.2", .prometheus),
            ("application/openmetrics-text; version=\"1.0.0\"", .openMetrics),
            ("text/html,application/xhtml+xml,*/*;q=0.8", .openMetrics), (";;,=,q", .openMetrics),
        ] as [(String?, MetricFormat)])
    func theClientChoosesTheFormat(accept: String?, format: MetricFormat) {
        #expect(MetricFormat.negotiated(accept: accept) == format)
    }

    @Test func bothTextsOfAFamily() {
        var exposition = MetricExposition()
        exposition.add(info: Metrics.node.info, ["kv@host", "kv", "1.0.0", "0.2.0"])
        exposition.add(Metrics.workers.cpu, 1.5, ["kv/kv_sup/\"a\\b\nc"])
        exposition.add(Metrics.workers.restarts, 3, ["kv/kv_sup/store"])
        let open = exposition.text(.openMetrics)
        #expect(
            open.hasPrefix(
                """
                # TYPE release_handler info
                # HELP release_handler The release that runs, and the version of the daemon
                release_handler_info{node="kv@host",name="kv",version="1.0.0",emulator="0.2.0"} 1

                """))
        #expect(
            open.contains(
                #"""
                # TYPE release_handler_worker_cpu_seconds counter
                # UNIT release_handler_worker_cpu_seconds seconds
                # HELP release_handler_worker_cpu_seconds Processor time of the worker's process and all that it has started, by its control group; else its process'
                release_handler_worker_cpu_seconds_total{worker="kv/kv_sup/\"a\\b\nc"} 1.5

                """#))
        #expect(open.hasSuffix("\n# EOF\n"))
        let old = exposition.text(.prometheus)
        #expect(
            old.hasPrefix(
                """
                # TYPE release_handler_info gauge
                # HELP release_handler_info The release that runs, and the version of the daemon
                release_handler_info{

                """.dropLast()))
        #expect(old.contains("# TYPE release_handler_worker_restarts_total counter\n"))
        #expect(old.contains("\nrelease_handler_worker_restarts_total{worker=\"kv/kv_sup/store\"} 3\n"))
        #expect(!old.contains("# UNIT") && !old.contains("# EOF"))
    }

    @Test func aHistogramCountsEachOnceAndTellsSums() {
        var histogram = MetricHistogram()
        for microseconds in [1_000, 1_001, 900_000, 11_000_000] { histogram.observe(microseconds: microseconds) }
        #expect(histogram.count == 4)
        #expect(histogram.sumSeconds == 11.902001)
        let cumulative = histogram.cumulative
        #expect(cumulative.map(\.count) == [1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 4])
        #expect(cumulative.last?.bound == .infinity)
        var exposition = MetricExposition()
        exposition.add(Metrics.node.upgradePause, histogram)
        let text = exposition.text(.openMetrics)
        #expect(text.contains("release_handler_upgrade_pause_seconds_bucket{le=\"0.001\"} 1\n"))
        #expect(text.contains("release_handler_upgrade_pause_seconds_bucket{le=\"10.0\"} 3\n"))
        #expect(text.contains("release_handler_upgrade_pause_seconds_bucket{le=\"+Inf\"} 4\n"))
        #expect(text.contains("release_handler_upgrade_pause_seconds_count 4\n"))
        #expect(text.contains("release_handler_upgrade_pause_seconds_sum 11.902001\n"))
    }
}
