public import ArgumentParser
public import Wire

struct ShowMetrics: ControlCommand {
    static let configuration = CommandConfiguration(
        asking: Operations.node.metrics,
        discussion: """
            The older text is what node_exporter's textfile collector and `promtool check metrics` read: --format prometheus. \
            Neither is JSON: there is no --json here.
            """)

    @OptionGroup var options: GlobalOptions

    @Option(help: "openmetrics, or prometheus for the older text.")
    var format = MetricFormat.openMetrics

    var subject: String { "metrics" }

    func validate() throws {
        if options.json {
            throw ValidationError("metrics prints no JSON: leave --json out, and see --format for what it prints.")
        }
    }

    func run(in session: Session) async throws {
        let operation = Operations.node.metrics
        let path = operation.path(NoParameters())
        switch try await session.client.send(operation.row.method, path, accepting: format.contentType) {
        case .refused(let refusal): throw session.failure(of: refusal)
        case .complete(let text): session.output.write(bytes: text)
        }
    }
}

extension MetricFormat: ExpressibleByArgument {}
