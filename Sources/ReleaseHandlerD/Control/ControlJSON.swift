import FoundationEssentials
import HTTPTypes
import Hummingbird
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

    /// - Parameter example: shown in the error.
    static func decode<Value: Decodable>(
        _ type: Value.Type, from body: ByteBuffer, example: String
    ) throws(ControlError) -> Value {
        guard body.readableBytes > 0 else {
            throw ControlError(.badRequest, "the request has no body: send JSON like \(example)")
        }
        do {
            return try JSONDecoder().decode(type, from: Data(body.readableBytesView))
        } catch let error as DecodingError {
            throw ControlError(.badRequest, "\(sentence(error)): send JSON like \(example)")
        } catch {
            throw ControlError(.badRequest, "the request's body is no JSON: send JSON like \(example)")
        }
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
