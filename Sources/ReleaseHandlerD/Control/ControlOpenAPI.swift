/// The interface's description, which `GET /v1/openapi.json` answers with; the tests hold it against the server.
///
/// Source: OpenAPI Specification 3.1.0.
enum ControlOpenAPI {
    static let document = """
        {"openapi": "3.1.0",
        "info": {"title": "release-handlerd control interface", "version": "1",
          "description": "HTTP/1.1 on a unix socket. Peer credentials decide who may do what."},
        "servers": [{"url": "http://localhost"}],
        "paths": {
        \(paths),
        \(applicationPaths)
        },
        "components": {
        "responses": {"Error": {"description": "Turned down or failed; error.code says why",
          "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorBody"}}}}},
        "parameters": {"vsn": {"name": "vsn", "in": "path", "required": true, "schema": {"type": "string"},
          "description": "The vsn of a release, such as 2.0.0"},
        "worker": {"name": "worker", "in": "path", "required": true, "schema": {"type": "string"},
          "description": "A worker's place in the tree, such as kv/kv_sup/store"},
        "supervisor": {"name": "supervisor", "in": "path", "required": true, "schema": {"type": "string"},
          "description": "A supervisor's place in the tree, such as kv/kv_sup, or its module where it is the only one"},
        "id": {"name": "id", "in": "path", "required": true, "schema": {"type": "string"},
          "description": "A child's id, a term as text, or its place in the tree"},
        "application": {"name": "application", "in": "path", "required": true, "schema": {"type": "string"},
          "description": "An application's name, such as kv"},
        "key": {"name": "key", "in": "path", "required": true, "schema": {"type": "string"},
          "description": "A parameter's name, an atom as text"}},
        "schemas": {
        \(schemas),
        \(applicationSchemas)
        }}}

        """

    private static let paths = [
        path("/v1/status", [get("status", "The node as a whole", answers: "NodeStatus")]),
        path(
            "/v1/releases",
            [
                get("which-releases", "All releases that the node has", answers: "ReleaseList"),
                operation(
                    "post", "unpack-release", "Unpack a release package", takes: "UnpackRequest", status: 201,
                    answers: "ReleaseSummary"),
            ]),
        path(
            "/v1/releases/{vsn}",
            [
                operation(
                    "delete", "remove-release", "Remove a release that does not run", answers: "RemovedRelease")
            ], parameters: ["vsn"]),
        path(
            "/v1/releases/{vsn}/check",
            [get("check-install-release", "What an install would do; changes nothing", answers: "InstallPlan")],
            parameters: ["vsn"]),
        path(
            "/v1/releases/{vsn}/install",
            [
                operation(
                    "post", "install-release", "Make the release current; one line per instruction, then the result",
                    answers: "InstallProgress", mediaType: "application/x-ndjson")
            ], parameters: ["vsn"]),
        path(
            "/v1/releases/{vsn}/make-permanent",
            [
                operation(
                    "post", "make-permanent", "Make the current release the one that is booted",
                    answers: "ReleaseSummary")
            ], parameters: ["vsn"]),
        path("/v1/tree", [get("tree", "The supervision tree", answers: "ApplicationList")]),
        path("/v1/workers", [get("ps", "All workers", answers: "WorkerList")]),
        path(
            "/v1/call",
            [
                operation(
                    "post", "call", "Send a worker a request and wait for its reply", takes: "CallRequest",
                    answers: "CallReply")
            ]),
        path(
            "/v1/workers/{worker}/status", [get("get-status", "What a worker says of itself", answers: "WorkerStatus")],
            parameters: ["worker"]),
        path(
            "/v1/workers/{worker}/state",
            [
                get("get-state", "A worker's state", answers: "WorkerState"),
                operation(
                    "put", "replace-state", "Give a worker another state", takes: "ReplaceStateRequest",
                    answers: "WorkerState"),
            ], parameters: ["worker"]),
        path(
            "/v1/workers/{worker}/statistics",
            [get("statistics", "What a worker was given and gave since its start", answers: "WorkerStatistics")],
            parameters: ["worker"]),
        path(
            "/v1/supervisors/{supervisor}/children",
            [
                get("which-children", "A supervisor's children, the last started first", answers: "ChildList"),
                operation(
                    "post", "start-child", "Start a further child", takes: "StartChildRequest", status: 201,
                    answers: "ChildAnswer"),
            ], parameters: ["supervisor"]),
        path(
            "/v1/supervisors/{supervisor}/counts",
            [get("count-children", "How many children a supervisor has", answers: "ChildCounts")],
            parameters: ["supervisor"]),
        path(
            "/v1/supervisors/{supervisor}/children/{id}",
            [
                get("get-childspec", "A child's spec", answers: "ChildSpecification"),
                operation(
                    "delete", "delete-child", "Forget the spec of a child that does not run", answers: "ChildAnswer"),
            ], parameters: ["supervisor", "id"]),
        path(
            "/v1/supervisors/{supervisor}/children/{id}/terminate",
            [operation("post", "terminate-child", "End a child; its spec stays", answers: "ChildAnswer")],
            parameters: ["supervisor", "id"]),
        path(
            "/v1/supervisors/{supervisor}/children/{id}/restart",
            [operation("post", "restart-child", "Start a child that does not run", answers: "ChildAnswer")],
            parameters: ["supervisor", "id"]),
        path(
            "/v1/events",
            [
                get(
                    "events", "What happens from now on, one event a line", answers: "NodeEvent",
                    mediaType: "application/x-ndjson")
            ]),
        path("/v1/openapi.json", [get("openapi", "This document", answers: "Document")]),
    ].joined(separator: ",\n")

    static func path(_ template: String, _ operations: [String], parameters: [String] = []) -> String {
        let references = parameters.map { ##"{"$ref": "#/components/parameters/\##($0)"}"## }.joined(separator: ", ")
        let shared = parameters.isEmpty ? [] : ["\"parameters\": [\(references)]"]
        return "\"\(template)\": {\((shared + operations).joined(separator: ",\n  "))}"
    }

    static func get(
        _ id: String, _ summary: String, answers: String, mediaType: String = "application/json"
    ) -> String {
        operation("get", id, summary, answers: answers, mediaType: mediaType)
    }

    static func operation(
        _ method: String, _ id: String, _ summary: String, takes: String? = nil, needsBody: Bool = true,
        status: Int = 200, answers: String, mediaType: String = "application/json"
    ) -> String {
        let body = takes.map {
            ##""requestBody": {"required": \##(needsBody), "content": {"application/json": \##(reference($0))}}, "##
        }
        return """
            "\(method)": {"operationId": "\(id)", "summary": "\(summary)", \(body ?? "")"responses": {
                "\(status)": {"description": "\(answers)", "content": {"\(mediaType)": \(reference(answers))}},
                "default": {"$ref": "#/components/responses/Error"}}}
            """
    }

    private static func reference(_ schema: String) -> String {
        ##"{"schema": {"$ref": "#/components/schemas/\##(schema)"}}"##
    }
}
