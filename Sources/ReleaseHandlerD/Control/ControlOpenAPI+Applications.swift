/// What the document says of applications and their environments.
extension ControlOpenAPI {
    static let applicationPaths = [
        path(
            "/v1/applications",
            [get("which-applications", "The release's applications", answers: "WhichApplications")]),
        path(
            "/v1/applications/{application}/start",
            [
                operation(
                    "post", "start-application", "Start an application; answers once it has started",
                    takes: "StartApplicationRequest", needsBody: false, answers: "ApplicationAnswer")
            ], parameters: ["application"]),
        path(
            "/v1/applications/{application}/stop",
            [operation("post", "stop-application", "Stop an application", answers: "ApplicationAnswer")],
            parameters: ["application"]),
        path(
            "/v1/applications/{application}/load",
            [operation("post", "load-application", "Load an application", answers: "ApplicationAnswer")],
            parameters: ["application"]),
        path(
            "/v1/applications/{application}/unload",
            [
                operation(
                    "post", "unload-application", "Unload an application that does not run",
                    answers: "ApplicationAnswer")
            ], parameters: ["application"]),
        path(
            "/v1/applications/{application}/env",
            [get("get-all-env", "An application's environment", answers: "ApplicationEnvironment")],
            parameters: ["application"]),
        path(
            "/v1/applications/{application}/env/{key}",
            [
                get("get-env", "A parameter of the environment", answers: "EnvironmentValue"),
                operation(
                    "put", "set-env", "Set a parameter until another release runs, and tell the workers",
                    takes: "SetEnvironmentRequest", answers: "EnvironmentAnswer"),
                operation(
                    "delete", "unset-env", "Unset a parameter until another release runs, and tell the workers",
                    answers: "EnvironmentAnswer"),
            ], parameters: ["application", "key"]),
    ].joined(separator: ",\n")

    static let applicationSchemas = #"""
        "WhichApplications": {"type": "object", "required": ["reply", "applications"],
          "additionalProperties": false, "properties": {
          "reply": {"type": "string", "description": "that of which_applications/0, a term as text"},
          "applications": {"type": "array", "items": {"type": "object", "required": ["name", "state"],
            "additionalProperties": false, "properties": {
            "name": {"type": "string"},
            "vsn": {"type": "string", "description": "absent: the release does not have it any more"},
            "type": {"enum": ["permanent", "transient", "temporary", "load", "none"]},
            "state": {"enum": ["loaded", "starting", "running", "stopping", "not_loaded"]}}}}}},
        "StartApplicationRequest": {"type": "object", "properties": {
          "type": {"enum": ["permanent", "transient", "temporary"], "description": "absent: that of the .rel"}}},
        "ApplicationAnswer": {"type": "object", "required": ["reply"], "additionalProperties": false,
          "properties": {
          "reply": {"type": "string", "description": "what OTP's function answers, a term as text"}}},
        "ApplicationEnvironment": {"type": "object", "required": ["reply", "parameters"],
          "additionalProperties": false, "properties": {
          "reply": {"type": "string", "description": "that of get_all_env/1, a term as text"},
          "parameters": {"type": "array", "items": {"type": "object", "required": ["key", "value"],
            "additionalProperties": false, "properties": {
            "key": {"type": "string", "description": "an atom as text"},
            "value": {"type": "string", "description": "a term as text"}}}}}},
        "EnvironmentValue": {"type": "object", "required": ["reply"], "additionalProperties": false,
          "properties": {
          "reply": {"type": "string", "description": "that of get_env/2, a term as text"},
          "value": {"type": "string", "description": "a term as text; absent: undefined"}}},
        "SetEnvironmentRequest": {"type": "object", "required": ["value"], "properties": {
          "value": {"type": "string", "description": "a term as text"}}},
        "EnvironmentAnswer": {"type": "object", "required": ["reply", "warnings"], "additionalProperties": false,
          "properties": {
          "reply": {"type": "string"},
          "warnings": {"type": "array", "items": {"type": "string"},
            "description": "workers that could not be told"}}}
        """#
}
