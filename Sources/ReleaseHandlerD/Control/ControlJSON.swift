import FoundationEssentials
import HTTPTypes
import HummingbirdCore
import NIOCore
import Wire

/// JSON as the control interface writes and reads it: sorted keys, so that equal answers are equal bytes.
enum ControlJSON {
    static func encode(_ value: some Encodable) throws -> ByteBuffer {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return ByteBuffer(bytes: try encoder.encode(value))
    }

    /// One line of an NDJSON stream.
    static func line(_ value: some Encodable) throws -> ByteBuffer {
        var buffer = try encode(value)
        buffer.writeInteger(UInt8(ascii: "\n"))
        return buffer
    }

    /// The body of a request. What is misspelt in it is refused: nobody would do what it asks for.
    static func decode<Body: ControlBody>(_ type: Body.Type, from body: ByteBuffer) throws(ControlError) -> Body {
        let example = Body.example
        guard body.readableBytes > 0 else {
            throw ControlError(.badRequest, "the request has no body: send JSON like \(example)")
        }
        let json = Data(body.readableBytesView)
        try refuseUnknownMembers(of: json, schema: Body.schema)
        do {
            return try JSONDecoder().decode(type, from: json)
        } catch let error as DecodingError {
            throw ControlError(.badRequest, "\(sentence(error)): send JSON like \(example)")
        } catch {
            throw ControlError(.badRequest, "the request's body is no JSON: send JSON like \(example)")
        }
    }

    /// How many unknown members an error names, and how many characters of each.
    private static let unknownLimit = (members: 8, characters: 60)

    /// - Parameter schema: of the body's type, which describes each member that it has.
    private static func refuseUnknownMembers(of json: Data, schema: String) throws(ControlError) {
        // What is no object is told by who reads the type.
        guard let sent = try? JSONDecoder().decode(Members.self, from: json),
            let described = try? JSONDecoder().decode(DescribedMembers.self, from: Data(schema.utf8))
        else { return }
        let known = described.properties.names
        let unknown = sent.names.filter { !known.contains($0) }
        guard !unknown.isEmpty else { return }
        let shown = unknown.prefix(unknownLimit.members).map {
            String($0.prefix(unknownLimit.characters)).debugDescription
        }
        let more = unknown.count - shown.count
        throw ControlError(
            .badRequest,
            """
            unknown \(unknown.count == 1 ? "key" : "keys") \(shown.joined(separator: ", "))\(more > 0 ? " and \(more) more" : "") \
            in the request's body; the keys are \(known.joined(separator: ", "))
            """)
    }

    static func response(
        _ value: some Encodable, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) throws -> Response {
        var headers = headers
        headers[.contentType] = "application/json"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: try encode(value)))
    }

    private static func sentence(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, let context):
            "the request's body lacks \"\(path(context.codingPath + [key]))\""
        case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
            context.codingPath.isEmpty
                ? "the request's body is no JSON object"
                : "\"\(path(context.codingPath))\" in the request's body must be \(name(of: type))"
        case .dataCorrupted(let context):
            context.codingPath.isEmpty
                ? "the request's body is no JSON"
                : "\"\(path(context.codingPath))\" in the request's body is out of range"
        @unknown default:
            "the request's body is no JSON of the right shape"
        }
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        keys.map(\.stringValue).joined(separator: ".")
    }

    private static func name(of type: any Any.Type) -> String {
        if type == String.self { return "a string" }
        if type == Int.self { return "an integer" }
        return "an object"
    }
}

/// The names of a JSON object's members, sorted, whatever their values are.
private struct Members: Decodable {
    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { return nil }
    }

    let names: [String]

    init(from decoder: any Decoder) throws {
        names = try decoder.container(keyedBy: Name.self).allKeys.map(\.stringValue).sorted()
    }
}

/// Those that a JSON Schema describes.
private struct DescribedMembers: Decodable {
    let properties: Members
}
