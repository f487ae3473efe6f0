extension ControlOpenAPI {
    /// The shapes of all bodies; for NDJSON streams the shape of one line. Absent is how a missing value is written.
    static let schemas = #"""
        "ErrorBody": {"type": "object", "required": ["error"], "additionalProperties": false, "properties": {
          "error": {"$ref": "#/components/schemas/Error"}}},
        "Error": {"type": "object", "required": ["code", "message", "details"], "additionalProperties": false,
          "properties": {
          "code": {"type": "string", "description": "stable; for programs"},
          "message": {"type": "string", "description": "a sentence; for people"},
          "details": {"type": "object", "additionalProperties": {"type": "string"}}}},
        "NodeStatus": {"type": "object", "additionalProperties": false,
          "required": ["state", "name", "release", "permanent", "erts", "pid", "uptime_s", "root"], "properties": {
          "state": {"enum": ["starting", "running", "upgrading", "stopping"]},
          "name": {"type": "string"},
          "release": {"type": "string", "description": "the vsn that runs"},
          "permanent": {"type": "string", "description": "the vsn that the next boot takes"},
          "erts": {"type": "string", "description": "the daemon's own version"},
          "pid": {"type": "integer"},
          "uptime_s": {"type": "number"},
          "root": {"type": "string", "description": "the release root"}}},
        "ReleaseList": {"type": "object", "required": ["releases"], "additionalProperties": false, "properties": {
          "releases": {"type": "array", "items": {"$ref": "#/components/schemas/ReleaseSummary"}}}},
        "ReleaseSummary": {"type": "object", "additionalProperties": false,
          "required": ["name", "vsn", "erts", "status", "applications"], "properties": {
          "name": {"type": "string"},
          "vsn": {"type": "string"},
          "erts": {"type": "string"},
          "status": {"enum": ["unpacked", "current", "permanent", "old", "tmp_current"]},
          "applications": {"type": "array", "items": {"type": "object", "required": ["name", "vsn"],
            "additionalProperties": false,
            "properties": {"name": {"type": "string"}, "vsn": {"type": "string"}}}}}},
        "RemovedRelease": {"type": "object", "required": ["removed"], "additionalProperties": false, "properties": {
          "removed": {"type": "string"}}},
        "UnpackRequest": {"type": "object", "required": ["package"], "properties": {
          "package": {"type": "string", "description": "the absolute path of a .tar.gz that the daemon can read"}}},
        "InstallPlan": {"type": "object", "additionalProperties": false,
          "required": ["from", "to", "direction", "description", "instructions", "warnings"], "properties": {
          "from": {"type": "string"},
          "to": {"type": "string"},
          "direction": {"enum": ["up", "down"]},
          "description": {"type": "string"},
          "instructions": {"type": "array", "items": {"type": "object", "required": ["index", "text", "workers"],
            "additionalProperties": false, "properties": {
            "index": {"type": "integer"},
            "text": {"type": "string", "description": "the instruction as a term"},
            "workers": {"type": "array", "items": {"type": "string"}}}}},
          "warnings": {"type": "array", "items": {"type": "string"}}}},
        "InstallProgress": {"oneOf": [
          {"type": "object", "required": ["progress"], "additionalProperties": false, "properties": {
            "progress": {"type": "object", "required": ["index", "count", "text"], "additionalProperties": false,
              "properties": {"index": {"type": "integer"}, "count": {"type": "integer"},
              "text": {"type": "string"}}}}},
          {"type": "object", "required": ["result"], "additionalProperties": false, "properties": {
            "result": {"$ref": "#/components/schemas/InstallResult"}}},
          {"$ref": "#/components/schemas/ErrorBody"}]},
        "InstallResult": {"type": "object", "additionalProperties": false,
          "required": ["outcome", "from", "to", "total_ms", "instructions", "warnings"], "properties": {
          "outcome": {"enum": ["done", "refused", "aborted", "restarting"]},
          "from": {"type": "string"},
          "to": {"type": "string"},
          "failed_instruction": {"type": "object", "required": ["index", "text"], "additionalProperties": false,
            "properties": {"index": {"type": "integer"}, "text": {"type": "string"}}},
          "worker": {"type": "string"},
          "reason": {"type": "string"},
          "suspend_to_resume_us": {"type": "integer",
            "description": "from the first suspend sent to the last resume acknowledged"},
          "total_ms": {"type": "number"},
          "instructions": {"type": "array", "items": {"type": "object", "additionalProperties": false,
            "required": ["index", "text", "workers", "ms"], "properties": {
            "index": {"type": "integer"},
            "text": {"type": "string"},
            "workers": {"type": "array", "items": {"type": "string"}, "description": "whom it touched"},
            "ms": {"type": "number"},
            "note": {"type": "string"}}}},
          "warnings": {"type": "array", "items": {"type": "string"}}}},
        "ApplicationList": {"type": "object", "required": ["applications"], "additionalProperties": false,
          "properties": {
          "applications": {"type": "array", "items": {"$ref": "#/components/schemas/TreeNode"}}}},
        "TreeNode": {"type": "object", "additionalProperties": false,
          "required": ["id", "address", "kind", "state", "restarts", "children"], "properties": {
          "id": {"type": "string"},
          "address": {"type": "string", "description": "the place in the tree, such as kv/kv_sup/store"},
          "kind": {"enum": ["application", "supervisor", "worker"]},
          "state": {"$ref": "#/components/schemas/ChildState"},
          "pid": {"type": "integer"},
          "generation": {"type": "integer"},
          "module": {"type": "string"},
          "vsn": {"type": "string"},
          "restarts": {"type": "integer"},
          "strategy": {"type": "string"},
          "rss_anon_kib": {"type": "integer"},
          "age_s": {"type": "number"},
          "status": {"type": "string", "description": "what an unmodified program says of itself"},
          "children": {"type": "array", "items": {"$ref": "#/components/schemas/TreeNode"}}}},
        "ChildState": {"enum": ["starting", "running", "suspended", "restarting", "stopping", "undefined"]},
        "WorkerList": {"type": "object", "required": ["workers"], "additionalProperties": false, "properties": {
          "workers": {"type": "array", "items": {"$ref": "#/components/schemas/WorkerSummary"}}}},
        "WorkerSummary": {"type": "object", "additionalProperties": false,
          "required": ["address", "state", "restarts", "sockets"], "properties": {
          "address": {"type": "string"},
          "state": {"$ref": "#/components/schemas/ChildState"},
          "pid": {"type": "integer"},
          "generation": {"type": "integer"},
          "module": {"type": "string"},
          "vsn": {"type": "string"},
          "restarts": {"type": "integer"},
          "sockets": {"type": "array", "items": {"type": "object", "required": ["name", "address"],
            "additionalProperties": false,
            "properties": {"name": {"type": "string"}, "address": {"type": "string"}}}},
          "rss_anon_kib": {"type": "integer"},
          "age_s": {"type": "number"},
          "status": {"type": "string", "description": "what an unmodified program says of itself"}}},
        "CallRequest": {"type": "object", "required": ["worker", "request"], "properties": {
          "worker": {"type": "string", "description": "the place in the tree"},
          "request": {"type": "string", "description": "a term as text"},
          "timeout_ms": {"type": "integer", "minimum": 1, "maximum": 3600000, "default": 5000}}},
        "CallReply": {"type": "object", "required": ["reply"], "additionalProperties": false, "properties": {
          "reply": {"type": "string", "description": "a term as text"}}},
        "WorkerStatus": {"type": "object", "required": ["worker", "status"], "additionalProperties": false,
          "properties": {
          "worker": {"type": "string"},
          "status": {"type": "string", "description": "a map, a term as text"}}},
        "WorkerState": {"type": "object", "required": ["worker", "state"], "additionalProperties": false,
          "properties": {
          "worker": {"type": "string"},
          "state": {"type": "string", "description": "a term as text"}}},
        "ReplaceStateRequest": {"type": "object", "required": ["state"], "properties": {
          "state": {"type": "string", "description": "a term as text"}}},
        "WorkerStatistics": {"type": "object", "additionalProperties": false,
          "required": ["worker", "start_time", "current_time", "messages_in", "messages_out", "open_calls", "mailbox",
            "logged", "dropped"], "properties": {
          "worker": {"type": "string"},
          "start_time": {"type": "string", "format": "date-time"},
          "current_time": {"type": "string", "format": "date-time"},
          "messages_in": {"type": "integer", "description": "calls that it was given since its start"},
          "messages_out": {"type": "integer", "description": "replies that it gave"},
          "open_calls": {"type": "integer", "description": "calls that it has and has not answered"},
          "mailbox": {"type": "integer", "description": "calls that wait while it is suspended"},
          "logged": {"type": "integer", "description": "its log messages and lines of output"},
          "dropped": {"type": "integer", "description": "those beyond what it may say"},
          "cpu_ms": {"type": "integer", "description": "processor time of the process that runs now"},
          "rss_anon_kib": {"type": "integer"}}},
        "StartChildRequest": {"type": "object", "required": ["spec"], "properties": {
          "spec": {"type": "string", "description":
            "a child spec, a term as text; under simple_one_for_one the list of further arguments"}}},
        "ChildAnswer": {"type": "object", "required": ["reply"], "additionalProperties": false, "properties": {
          "reply": {"type": "string", "description": "what OTP's function answers, a term as text"},
          "child": {"type": "string", "description": "the place of the child that was started"}}},
        "ChildList": {"type": "object", "required": ["reply", "children"], "additionalProperties": false,
          "properties": {
          "reply": {"type": "string"},
          "children": {"type": "array", "items": {"type": "object", "additionalProperties": false,
            "required": ["id", "address", "state", "type"], "properties": {
            "id": {"type": "string", "description": "a term as text; undefined under simple_one_for_one"},
            "address": {"type": "string"},
            "state": {"$ref": "#/components/schemas/ChildState"},
            "type": {"enum": ["worker", "supervisor"]},
            "modules": {"type": "array", "items": {"type": "string"}, "description": "absent: dynamic"}}}}}},
        "ChildCounts": {"type": "object", "required": ["reply", "specs", "active", "supervisors", "workers"],
          "additionalProperties": false, "properties": {
          "reply": {"type": "string"},
          "specs": {"type": "integer"},
          "active": {"type": "integer"},
          "supervisors": {"type": "integer"},
          "workers": {"type": "integer"}}},
        "ChildSpecification": {"type": "object", "required": ["reply", "childspec"], "additionalProperties": false,
          "properties": {
          "reply": {"type": "string"},
          "childspec": {"type": "string", "description": "a map, a term as text"}}},
        "NodeEvent": {"type": "object", "additionalProperties": false,
          "required": ["sequence", "time", "kind", "message", "fields"], "properties": {
          "sequence": {"type": "integer", "description": "a gap means that events were dropped for a slow reader"},
          "time": {"type": "string", "format": "date-time"},
          "kind": {"type": "string"},
          "worker": {"type": "string"},
          "release": {"type": "string"},
          "instruction": {"type": "string"},
          "message": {"type": "string"},
          "fields": {"type": "object", "additionalProperties": {"type": "string"}}}},
        "Document": {"type": "object", "required": ["openapi", "info", "paths", "components"]}
        """#
}
