import Foundation
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// The document against the running server: every operation, and the shape of every answer.
@Suite(.timeLimit(.minutes(15))) struct ControlOpenAPITests {
    private static let worker = "/v1/workers/{worker}"
    private static let application = "/v1/applications/{application}"
    private static let children = "/v1/supervisors/{supervisor}/children"

    private static let document = ControlOpenAPI.document(of: Operations.all)

    @Test func namesEveryRouteAndNoOther() throws {
        let schema = try JSONSchema(document: Self.document)
        let paths = try #require(schema.document["paths"] as? [String: [String: Any]])
        var documented: Set<String> = []
        for (path, item) in paths {
            for (method, operation) in item where method != "parameters" {
                let id = (operation as? [String: Any])?["operationId"] as? String ?? "?"
                documented.insert("\(method.uppercased()) \(path) \(id)")
            }
        }
        #expect(documented == Set(Operations.all.map { "\($0.method.rawValue) \($0.path) \($0.name)" }))
    }

    @Test func isServed() async throws {
        try await ControlFixture.run { fixture in
            let answer = try await fixture.request("GET", "/v1/openapi.json")
            let rows = fixture.node.handlers.all.map(\.row)
            #expect(answer.text == ControlOpenAPI.document(of: rows))
        }
    }

    @Test(
        arguments: [
            ("GET", "/v1/status", "/v1/status", nil), ("GET", "/v1/probation", "/v1/probation", nil),
            ("GET", "/v1/modules", "/v1/modules", nil),
            ("GET", "/v1/releases", "/v1/releases", nil),
            ("POST", "/v1/releases", "/v1/releases", #"{"package":"/srv/kv-2.0.0.tar.gz"}"#),
            ("POST", "/v1/releases", "/v1/releases", "{}"),
            ("GET", "/v1/releases/{vsn}/check", "/v1/releases/2.0.0/check", nil),
            ("GET", "/v1/releases/{vsn}/check", "/v1/releases/9/check", nil),
            ("POST", "/v1/releases/{vsn}/install", "/v1/releases/2.0.0/install", nil),
            ("POST", "/v1/releases/{vsn}/install", "/v1/releases/aborted/install", nil),
            ("POST", "/v1/releases/{vsn}/install", "/v1/releases/silent/install", nil),
            ("POST", "/v1/releases/{vsn}/install", "/v1/releases/9/install", nil),
            ("POST", "/v1/releases/{vsn}/make-permanent", "/v1/releases/2.0.0/make-permanent", nil),
            ("DELETE", "/v1/releases/{vsn}", "/v1/releases/0.9.0", nil),
            ("GET", "/v1/releases/status/{status}", "/v1/releases/status/permanent", nil),
            ("GET", "/v1/releases/status/{status}", "/v1/releases/status/odd", nil),
            ("POST", "/v1/releases/{vsn}/reboot", "/v1/releases/2.0.0/reboot", nil),
            ("POST", "/v1/releases/{vsn}/reboot", "/v1/releases/9/reboot", nil),
            ("POST", "/v1/releases/set-unpacked", "/v1/releases/set-unpacked", #"{"rel_file":"/srv/kv.rel"}"#),
            ("POST", "/v1/releases/set-unpacked", "/v1/releases/set-unpacked", #"{"rel_file":"kv.rel"}"#),
            ("POST", "/v1/releases/{vsn}/set-removed", "/v1/releases/2.0.0/set-removed", nil),
            ("POST", "/v1/releases/{vsn}/files", "/v1/releases/2.0.0/files", #"{"file":"/srv/relup"}"#),
            ("POST", "/v1/releases/{vsn}/files", "/v1/releases/2.0.0/files", #"{"file":"relup"}"#),
            ("GET", "/v1/tree", "/v1/tree", nil), ("GET", "/v1/metrics", "/v1/metrics", nil),
            ("GET", "/v1/workers", "/v1/workers", nil),
            ("POST", "/v1/call", "/v1/call", #"{"worker":"kv/kv_sup/store","request":"x"}"#),
            ("POST", "/v1/call", "/v1/call", #"{"worker":"w","request":"x"}"#),
            ("GET", "\(Self.worker)/status", "/v1/workers/kv%2Fkv_sup%2Fstore/status", nil),
            ("GET", "\(Self.worker)/status", "/v1/workers/other/status", nil),
            ("GET", "\(Self.worker)/state", "/v1/workers/kv%2Fkv_sup%2Fstore/state", nil),
            ("PUT", "\(Self.worker)/state", "/v1/workers/kv%2Fkv_sup%2Fstore/state", ##"{"state":"7"}"##),
            ("PUT", "\(Self.worker)/state", "/v1/workers/kv%2Fkv_sup%2Fstore/state", "{}"),
            ("GET", "\(Self.worker)/statistics", "/v1/workers/kv%2Fkv_sup%2Fstore/statistics", nil),
            ("GET", "\(Self.worker)/status", "/v1/workers/twice/status", nil),
            ("POST", "\(Self.worker)/kill", "/v1/workers/store/kill", #"{"signal":"usr1"}"#),
            ("POST", "\(Self.worker)/kill", "/v1/workers/store/kill", #"{"signal":"0"}"#),
            ("GET", "\(Self.worker)/log", "/v1/workers/store/log", nil),
            ("GET", "\(Self.worker)/log", "/v1/workers/kv%2Fkv_sup%2Fother/log", nil),
            ("GET", Self.children, "/v1/supervisors/kv%2Fkv_sup/children", nil),
            ("GET", Self.children, "/v1/supervisors/other/children", nil),
            ("POST", Self.children, "/v1/supervisors/kv_sup/children", ##"{"spec":"#{id => new}"}"##),
            ("POST", Self.children, "/v1/supervisors/kv_sup/children", ##"{"spec":"fails"}"##),
            ("GET", "/v1/supervisors/{supervisor}/counts", "/v1/supervisors/kv_sup/counts", nil),
            ("GET", "\(Self.children)/{id}", "/v1/supervisors/kv_sup/children/%7Bextra,1%7D", nil),
            ("DELETE", "\(Self.children)/{id}", "/v1/supervisors/kv_sup/children/%7Bextra,1%7D", nil),
            ("DELETE", "\(Self.children)/{id}", "/v1/supervisors/kv_sup/children/store", nil),
            (
                "POST", "\(Self.children)/{id}/terminate", "/v1/supervisors/kv_sup/children/store/terminate", nil
            ),
            ("POST", "\(Self.children)/{id}/restart", "/v1/supervisors/kv_sup/children/store/restart", nil),
            ("GET", "/v1/applications", "/v1/applications", nil),
            ("POST", "\(Self.application)/start", "/v1/applications/lib/start", nil),
            ("POST", "\(Self.application)/start", "/v1/applications/lib/start", #"{"type":"temporary"}"#),
            ("POST", "\(Self.application)/start", "/v1/applications/lib/start", #"{"type":1}"#),
            ("POST", "\(Self.application)/start", "/v1/applications/kv/start", "{}"),
            ("POST", "\(Self.application)/stop", "/v1/applications/kv/stop", nil),
            ("POST", "\(Self.application)/load", "/v1/applications/kv/load", nil),
            ("POST", "\(Self.application)/unload", "/v1/applications/other/unload", nil),
            ("POST", "\(Self.application)/upgrade", "/v1/applications/kv/upgrade", #"{"directory":"/srv/kv"}"#),
            ("POST", "\(Self.application)/upgrade", "/v1/applications/kv/upgrade", #"{"directory":"/srv/refused"}"#),
            (
                "POST", "\(Self.application)/downgrade", "/v1/applications/kv/downgrade",
                #"{"directory":"/srv/aborted"}"#
            ),
            ("POST", "\(Self.application)/downgrade", "/v1/applications/kv/downgrade", #"{"directory":"kv"}"#),
            (
                "POST", "\(Self.application)/eval-appup-script", "/v1/applications/kv/eval-appup-script",
                #"{"vsn":"2","directory":"/srv/kv","script":"[]"}"#
            ),
            ("GET", "\(Self.application)/env", "/v1/applications/kv/env", nil),
            ("GET", "\(Self.application)/env/{key}", "/v1/applications/kv/env/limit", nil),
            ("GET", "\(Self.application)/env/{key}", "/v1/applications/kv/env/other", nil),
            ("PUT", "\(Self.application)/env/{key}", "/v1/applications/kv/env/limit", #"{"value":"bad"}"#),
            ("PUT", "\(Self.application)/env/{key}", "/v1/applications/kv/env/limit", nil),
            ("DELETE", "\(Self.application)/env/{key}", "/v1/applications/kv/env/limit", nil),
            ("GET", "/v1/openapi.json", "/v1/openapi.json", nil),
        ] as [(String, String, String, String?)])
    func answersHaveTheirShape(method: String, template: String, path: String, body: String?) async throws {
        try await ControlFixture.run { fixture in
            let answer = try await fixture.request(method, path, body: body)
            let problems = try JSONSchema(document: Self.document).problems(
                with: answer, method: method, template: template)
            #expect(problems == [])
        }
    }

    @Test(arguments: [
        ("POST", "/v1/releases", "/v1/releases", #"{"package":"/srv/kv-2.0.0.tar.gz"}"#),
        ("POST", "/v1/releases", "/v1/releases", #"{"package":"/srv/breaks-off.tar.gz"}"#),
        ("POST", "/v1/releases", "/v1/releases", #"{"package":"/srv/none"}"#),
        ("DELETE", "/v1/releases/{vsn}", "/v1/releases/0.9.0", ""),
    ])
    func linesOfLongWorkHaveTheirShape(method: String, template: String, path: String, body: String) async throws {
        try await ControlFixture.run { fixture in
            let answer = try await fixture.lines(method, path, body: body)
            let problems = try JSONSchema(document: Self.document).problems(
                with: answer, method: method, template: template)
            #expect(problems == [])
        }
    }

    @Test func eventsHaveTheirShape() throws {
        let schema = try JSONSchema(document: Self.document)
        let event = NodeEvent(
            sequence: 1, millisecondsSince1970: 0, kind: "log", worker: "w", release: "r", instruction: "i",
            message: "m", fields: ["a": "b"])
        let answer = RawHTTP.Answer(
            status: 200, headers: ["content-type": "application/x-ndjson"], body: Array(try JSONEncoder().encode(event))
        )
        #expect(try schema.problems(with: answer, method: "GET", template: "/v1/events") == [])
    }

    /// The check itself finds what is wrong.
    @Test func aWrongShapeIsFound() throws {
        let schema = try JSONSchema(document: Self.document)
        let answer = RawHTTP.Answer(
            status: 200, headers: ["content-type": "application/json"],
            body: Array(#"{"releases":[{"name":1,"vsn":"1","erts":"1","status":"odd","more":true}]}"#.utf8))
        #expect(
            try schema.problems(with: answer, method: "GET", template: "/v1/releases").sorted() == [
                "$.releases[0] has more, which is not described", "$.releases[0] lacks applications",
                "$.releases[0].name is no string", "$.releases[0].status is none of those listed",
            ])
    }
}

/// As much of JSON Schema as the document uses.
struct JSONSchema {
    let document: [String: Any]

    struct NoDocument: Error {}

    init(document text: String) throws {
        guard let document = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] else {
            throw NoDocument()
        }
        self.document = document
    }

    func problems(with answer: RawHTTP.Answer, method: String, template: String) throws -> [String] {
        let responses = value(document, ["paths", template, method.lowercased(), "responses"])
        guard let responses = responses as? [String: Any] else { return ["\(method) \(template) is not described"] }
        guard let response = responses[String(answer.status)] ?? responses["default"] else {
            return ["status \(answer.status) is not described"]
        }
        let type = answer.headers["content-type"] ?? ""
        guard let schema = value(resolve(response), ["content", type, "schema"]) else {
            return ["\(type) is not described for status \(answer.status)"]
        }
        // Only what is no JSON has a string for its schema.
        if !type.hasPrefix("application/json"), type != "application/x-ndjson" {
            return problems(answer.text, schema: schema, at: "$")
        }
        let bodies =
            type == "application/x-ndjson" ? answer.text.split(separator: "\n").map(String.init) : [answer.text]
        return try bodies.flatMap {
            problems(try JSONSerialization.jsonObject(with: Data($0.utf8)), schema: schema, at: "$")
        }
    }

    private func problems(_ json: Any, schema: Any, at place: String) -> [String] {
        guard let schema = resolve(schema) as? [String: Any] else { return ["\(place): the schema is no object"] }
        if let options = schema["oneOf"] as? [Any] {
            let fitting = options.count { problems(json, schema: $0, at: place).isEmpty }
            return fitting == 1 ? [] : ["\(place) fits \(fitting) of oneOf"]
        }
        if let listed = schema["enum"] as? [String] {
            return (json as? String).map(listed.contains) == true ? [] : ["\(place) is none of those listed"]
        }
        switch schema["type"] as? String {
        case "string": return json is String ? [] : ["\(place) is no string"]
        case "integer":
            return (json as? Double).map { $0 == $0.rounded() } == true ? [] : ["\(place) is no integer"]
        case "number": return json is Double ? [] : ["\(place) is no number"]
        case "array":
            guard let elements = json as? [Any] else { return ["\(place) is no array"] }
            guard let items = schema["items"] else { return [] }
            return elements.enumerated().flatMap { problems($1, schema: items, at: "\(place)[\($0)]") }
        case "object":
            guard let object = json as? [String: Any] else { return ["\(place) is no object"] }
            return members(object, schema: schema, at: place)
        case let other: return ["\(place): the schema has type \(other ?? "none")"]
        }
    }

    private func members(_ object: [String: Any], schema: [String: Any], at place: String) -> [String] {
        let required = schema["required"] as? [String] ?? []
        let properties = schema["properties"] as? [String: Any] ?? [:]
        var found = required.filter { object[$0] == nil }.map { "\(place) lacks \($0)" }
        for (key, member) in object {
            if let property = properties[key] {
                found += problems(member, schema: property, at: "\(place).\(key)")
            } else if schema["additionalProperties"] as? Bool == false {
                found.append("\(place) has \(key), which is not described")
            } else if let additional = schema["additionalProperties"] as? [String: Any] {
                found += problems(member, schema: additional, at: "\(place).\(key)")
            }
        }
        return found
    }

    private func resolve(_ schema: Any) -> Any {
        guard let reference = (schema as? [String: Any])?["$ref"] as? String else { return schema }
        return value(document, reference.split(separator: "/").dropFirst().map(String.init)) ?? schema
    }

    private func value(_ json: Any, _ path: [String]) -> Any? {
        path.reduce(json as Any?) { ($0 as? [String: Any])?[$1] }
    }
}
