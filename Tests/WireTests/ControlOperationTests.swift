import Foundation
import Testing
import Wire

/// What every row of the table must be for server and client to agree.
@Suite struct ControlOperationTests {
    @Test func thereAreAsManyAsThereWere() {
        #expect(Operations.all.count >= 32)
        #expect(Set(Operations.all.map(\.name)).count == Operations.all.count, "a name is one operation's")
        let requests = Set(Operations.all.map { "\($0.method.rawValue) \($0.path)" })
        #expect(requests.count == Operations.all.count, "a method and a path are one operation's")
    }

    @Test(arguments: Operations.all)
    func aRowIsWhole(row: ControlRow) throws {
        #expect(row.path.names == row.parameters.map(\.name), "\(row.name)")
        #expect(row.method != .get || row.body == nil, "\(row.name)")
        #expect(row.right == .change || row.method == .get, "\(row.name) changes things and would not be audited")
        #expect(!row.help.isEmpty && !row.help.hasSuffix("."), "\(row.name)")
    }

    /// The example of a body, and every schema, are JSON; what a schema refers to is named beside it.
    @Test(arguments: Operations.all)
    func bodiesAreDescribed(row: ControlRow) throws {
        for shape in [row.answer] + (row.body.map { [$0] } ?? []) + (row.progress.map { [$0] } ?? []) {
            _ = try JSONSerialization.jsonObject(with: Data(shape.schema.utf8))
            let named = shape.schema.matches(of: /#\/components\/schemas\/(\w+)/).map { String($0.1) }
            let others = Set(named).subtracting([shape.schemaName])
            #expect(others == Set(shape.schemasUsed.map { $0.schemaName }), "\(shape.schemaName)")
        }
        if let body = row.body {
            func decode<Body: ControlBody>(_ type: Body.Type) throws {
                let example = try JSONDecoder().decode(type, from: Data(type.example.utf8))
                try example.check()
                // The server refuses what the schema does not describe.
                let schema = try JSONSerialization.jsonObject(with: Data(type.schema.utf8)) as? [String: Any]
                let sent = try JSONSerialization.jsonObject(with: try JSONEncoder().encode(example)) as? [String: Any]
                let described = (schema?["properties"] as? [String: Any]).map { $0.keys.sorted() } ?? []
                let undescribed = (sent ?? [:]).keys.filter { !described.contains($0) }
                #expect(!described.isEmpty && undescribed.isEmpty, "\(row.name): \(undescribed)")
                let takesOthers = schema?["additionalProperties"] as? Bool ?? true
                #expect(!takesOthers, "\(row.name)")
            }
            try decode(body)
        }
    }

    @Test(arguments: ["2.0.0", "kv/kv_sup/store", "{extra,1}", "a b%", "é€😀", "..", "'max-size'"])
    func aPathIsReadAsItWasMade(value: String) {
        let path = ControlPath("/v1/supervisors/{supervisor}/children/{id}")
        let text = path.filled(with: [value, "x"])
        #expect(!text.contains(" "))
        #expect(path.values(in: text) == [value, "x"])
    }

    @Test(arguments: [
        "/v1/supervisors/a/children", "/v1/supervisors/a/children/", "/v1/supervisors//children/b",
        "/v1/supervisors/a/children/b/", "/v1/supervisors/a%zz/children/b", "/v1/supervisors/a%2/children/b",
        "/v1/supervisors/a%+1/children/b", "/v1/supervisors/%ff/children/b",
    ])
    func anotherPathIsNotRead(text: String) {
        #expect(ControlPath("/v1/supervisors/{supervisor}/children/{id}").values(in: text) == nil)
    }
}
