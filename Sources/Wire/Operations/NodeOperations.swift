/// The node as a whole.
public struct NodeOperations: Sendable {
    public let status = ControlOperation<NoParameters, NoBody, NodeStatus>(
        "status", .get, "/v1/status", may: .look, help: "Show what the node is at")

    public let probation = ControlOperation<NoParameters, NoBody, ProbationStatus>(
        "probation", .get, "/v1/probation", may: .look, help: "Show how the release that runs proves itself")

    public let tree = ControlOperation<NoParameters, NoBody, ApplicationList>(
        "tree", .get, "/v1/tree", may: .look, help: "Show the supervision tree")

    public let modules = ControlOperation<NoParameters, NoBody, ModuleList>(
        "which-modules", .get, "/v1/modules", may: .look,
        help: "List the modules that are loaded, their versions, and who runs each")

    public let events = ControlOperation<NoParameters, NoBody, NodeEvent>(
        "events", .get, "/v1/events", may: .look, help: "Show what happens on the node, from now on")

    public let metrics = ControlOperation<NoParameters, NoBody, MetricExposition>(
        "metrics", .get, "/v1/metrics", may: .look,
        help: "Show the node's metrics, as OpenMetrics or in the older text of Prometheus")

    public let reload = ControlOperation<NoParameters, NoBody, ReloadedConfiguration>(
        "reload", .post, "/v1/reload", may: .change,
        help: "Read the configuration of the release that runs anew, and tell the workers")

    public let reexec = ControlOperation<NoParameters, ReexecutionRequest, Reexecuted>(
        "reexec", .post, "/v1/reexec", may: .change,
        help: "Execute the daemon anew, as another version of it perhaps, and keep the workers running",
        target: { [$1.program].compactMap(\.self) })

    public let openAPI = ControlOperation<NoParameters, NoBody, ControlDocument>(
        "openapi", .get, "/v1/openapi.json", may: .look, help: "Describe all this, as an OpenAPI document")
}
