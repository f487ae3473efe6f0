import Wire

/// The interface's description, made from the table of operations and the shapes of their bodies.
///
/// Source: OpenAPI Specification 3.1.0.
enum ControlOpenAPI {
    static func document(of rows: [ControlRow]) -> String {
        """
        {"openapi": "3.1.0",
        "info": {"title": "release-handlerd control interface", "version": "1",
          "description": "HTTP/1.1 on a unix socket. Peer credentials decide who may do what."},
        "servers": [{"url": "http://localhost"}],
        "paths": {
        \(paths(rows))
        },
        "components": {
        "responses": {"Error": {"description": "Turned down or failed; error.code says why",
          "content": {"application/json": \(reference(ControlErrorBody.self))}},
          "TooManyRequests": {"description": "A user who may look only asks more often than such a user may",
          "headers": {"Retry-After": {"schema": {"type": "integer"}, "description": "seconds"}},
          "content": {"application/json": \(reference(ControlErrorBody.self))}}},
        "parameters": {\(parameters(rows))},
        "schemas": {
        \(schemas(rows))
        }}}

        """
    }

    // MARK: Paths

    private static func paths(_ rows: [ControlRow]) -> String {
        var templates: [String] = []
        for row in rows where !templates.contains(row.path.template) { templates.append(row.path.template) }
        return templates.map { template in
            let operations = rows.filter { $0.path.template == template }
            return
                "\(quoted(template)): {\((named(operations[0]) + operations.map(operation)).joined(separator: ",\n  "))}"
        }.joined(separator: ",\n")
    }

    private static func named(_ row: ControlRow) -> [String] {
        if row.parameters.isEmpty { return [] }
        let references = row.parameters.map { ##"{"$ref": "#/components/parameters/\##($0.name)"}"## }
        return ["\"parameters\": [\(references.joined(separator: ", "))]"]
    }

    private static func operation(_ row: ControlRow) -> String {
        let body = row.body.map {
            ##""requestBody": {"required": \##($0.isNeeded), "content": {"application/json": \##(reference($0))}}, "##
        }
        let content =
            row.answer.mediaTypes.map { "\(quoted($0)): \(reference(row.answer))" }
            + (row.progress.map { ["\(quoted("application/x-ndjson")): \(reference($0))"] } ?? [])
        return """
            \(quoted(row.method.rawValue.lowercased())): {"operationId": \(quoted(row.name)), \
            "summary": \(quoted(row.help)), \(body ?? "")"responses": {
                "\(row.status)": {"description": "\(row.answer.schemaName)", \
            "content": {\(content.joined(separator: ", "))}},
                "429": {"$ref": "#/components/responses/TooManyRequests"},
                "default": {"$ref": "#/components/responses/Error"}}}
            """
    }

    private static func reference(_ shape: any ControlShape.Type) -> String {
        ##"{"schema": {"$ref": "#/components/schemas/\##(shape.schemaName)"}}"##
    }

    // MARK: Components

    private static func parameters(_ rows: [ControlRow]) -> String {
        var parameters: [ControlParameter] = []
        for parameter in rows.flatMap(\.parameters) where !parameters.contains(parameter) {
            parameters.append(parameter)
        }
        return parameters.map { parameter in
            """
            \(quoted(parameter.name)): {"name": \(quoted(parameter.name)), "in": "path", "required": true, \
            "schema": {"type": "string"},
              "description": \(quoted(parameter.description))}
            """
        }.joined(separator: ",\n")
    }

    /// Of all bodies, with what they refer to.
    private static func schemas(_ rows: [ControlRow]) -> String {
        var found: [any ControlShape.Type] = []
        func add(_ shape: any ControlShape.Type) {
            guard !found.contains(where: { $0.schemaName == shape.schemaName }) else { return }
            found.append(shape)
            shape.schemasUsed.forEach(add)
        }
        add(ControlErrorBody.self)
        for row in rows {
            if let body = row.body { add(body) }
            add(row.answer)
            if let progress = row.progress { add(progress) }
        }
        return found.map { "\(quoted($0.schemaName)): \($0.schema)" }.joined(separator: ",\n")
    }

    private static func quoted(_ text: String) -> String {
        let escaped = text.flatMap { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }
        return "\"\(String(escaped))\""
    }
}

extension ControlBody {
    fileprivate static var isNeeded: Bool { absent == nil }
}
