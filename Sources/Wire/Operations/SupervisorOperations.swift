/// Supervisors and their children. Source: OTP supervisor(3).
public struct SupervisorOperations: Sendable {
    public let whichChildren = ControlOperation<OfSupervisor, NoBody, ChildList>(
        "which-children", .get, "/v1/supervisors/{supervisor}/children", may: .look,
        help: "List a supervisor's children, the last started first")

    public let startChild = ControlOperation<OfSupervisor, StartChildRequest, ChildAnswer>(
        "start-child", .post, "/v1/supervisors/{supervisor}/children", may: .change, status: 201,
        help: "Start a further child", target: { $0.values + $1.started },
        worker: { parameters, body in
            body?.startedID.map { .child(supervisor: parameters.supervisor, id: $0) }
        })

    public let countChildren = ControlOperation<OfSupervisor, NoBody, ChildCounts>(
        "count-children", .get, "/v1/supervisors/{supervisor}/counts", may: .look,
        help: "Count a supervisor's children")

    public let getChildspec = ControlOperation<OfChild, NoBody, ChildSpecification>(
        "get-childspec", .get, "/v1/supervisors/{supervisor}/children/{id}", may: .change,
        help: "Show a child's spec")

    public let deleteChild = ControlOperation<OfChild, NoBody, ChildAnswer>(
        "delete-child", .delete, "/v1/supervisors/{supervisor}/children/{id}", may: .change,
        help: "Forget the spec of a child that does not run")

    public let terminateChild = ControlOperation<OfChild, NoBody, ChildAnswer>(
        "terminate-child", .post, "/v1/supervisors/{supervisor}/children/{id}/terminate", may: .change,
        help: "End a child; its spec stays, so that it can be restarted")

    public let restartChild = ControlOperation<OfChild, NoBody, ChildAnswer>(
        "restart-child", .post, "/v1/supervisors/{supervisor}/children/{id}/restart", may: .change,
        help: "Start a child that does not run")
}
