import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// Supervisors: `kv/kv_sup`, which has a `store` that runs and an `{extra,1}` that does not, and no others.
extension ControlTestNode {
    var supervisors: [ControlHandler] {
        [
            ControlHandler(Operations.supervisors.whichChildren) { request async throws(ControlError) in
                try self.known(supervisor: request.parameters.supervisor)
                return Self.children
            },
            ControlHandler(Operations.supervisors.countChildren) { request async throws(ControlError) in
                try self.known(supervisor: request.parameters.supervisor)
                return ChildCounts(
                    reply: "[{specs,2},{active,1},{supervisors,0},{workers,2}]", specs: 2, active: 1, supervisors: 0,
                    workers: 2)
            },
            ControlHandler(Operations.supervisors.getChildspec) { request async throws(ControlError) in
                try self.known(request.parameters)
                let spec = "#{id => \(request.parameters.id),start => {kv_server,start_link,[]}}"
                return ChildSpecification(reply: "{ok,\(spec)}", childspec: spec)
            },
            ControlHandler(Operations.supervisors.startChild) { request async throws(ControlError) in
                try self.known(supervisor: request.parameters.supervisor)
                let spec = request.body.spec
                if spec == "[]" { throw ControlError(.badChildspec, "{invalid_child_spec,[]}") }
                if spec.contains("fails") {
                    throw ControlError(
                        .childStartFailed, "it could not be started: boom", details: ["reason": "boom"])
                }
                return ChildAnswer(reply: "{ok,<<\"kv/kv_sup/new\">>}", child: "kv/kv_sup/new")
            },
            ControlHandler(Operations.supervisors.terminateChild) { request async throws(ControlError) in
                try self.known(request.parameters)
                return ChildAnswer(reply: "ok")
            },
            ControlHandler(Operations.supervisors.restartChild) { request async throws(ControlError) in
                try self.known(request.parameters)
                return ChildAnswer(reply: "{ok,undefined}")
            },
            ControlHandler(Operations.supervisors.deleteChild) { request async throws(ControlError) in
                try self.known(request.parameters)
                if request.parameters.id == "store" {
                    throw ControlError(
                        .badChildState, "child store of kv/kv_sup runs: terminate it first",
                        details: ["supervisor": "kv/kv_sup", "reason": "running", "reply": "{error,running}"])
                }
                return ChildAnswer(reply: "ok")
            },
        ]
    }

    private static let children = ChildList(
        reply: "[{{extra,1},undefined,worker,dynamic},{store,<<\"kv/kv_sup/store\">>,worker,[kv_server]}]",
        children: [
            .init(id: "{extra,1}", address: "kv/kv_sup/{extra,1}", state: .undefined, type: "worker", modules: nil),
            .init(id: "store", address: "kv/kv_sup/store", state: .running, type: "worker", modules: ["kv_server"]),
        ])

    func known(supervisor: String) throws(ControlError) {
        guard ["kv/kv_sup", "kv_sup"].contains(supervisor) else {
            throw ControlError(.noSuchSupervisor, "no supervisor \(supervisor) in the tree; see releasectl tree")
        }
    }

    private func known(_ child: OfChild) throws(ControlError) {
        try known(supervisor: child.supervisor)
        guard ["store", "{extra,1}"].contains(child.id) else {
            throw ControlError(
                .noSuchChild, "kv/kv_sup has no child \(child.id)", details: ["supervisor": "kv/kv_sup"])
        }
    }
}
