/// Paths of the control interface: made from a template by the client, matched with it by the server.
///
/// Source: RFC 3986, sections 2.1 and 2.3.
public struct ControlPath: Hashable, Sendable, CustomStringConvertible {
    /// As the OpenAPI document writes it: `/v1/releases/{vsn}/check`.
    public let template: String

    public init(_ template: String) { self.template = template }

    public var description: String { template }

    /// What stands between the braces, in order.
    public var names: [String] {
        template.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
    }

    /// The path with these values, as many as there are names.
    public func filled(with values: [String]) -> String {
        var rest = values[...]
        let parts = template.split(separator: "/", omittingEmptySubsequences: false).map { part in
            part.hasPrefix("{") ? Self.percentEncoded(rest.popFirst() ?? "") : String(part)
        }
        return parts.joined(separator: "/")
    }

    /// The values, percent-decoded; nil where `path` is none of these, or one of them is empty.
    public func values(in path: String) -> [String]? {
        let wanted = template.split(separator: "/", omittingEmptySubsequences: false)
        let given = path.split(separator: "/", omittingEmptySubsequences: false)
        guard wanted.count == given.count else { return nil }
        var values: [String] = []
        for (want, have) in zip(wanted, given) {
            if want.hasPrefix("{") {
                guard let value = Self.percentDecoded(have), !value.isEmpty else { return nil }
                values.append(value)
            } else if want != have {
                return nil
            }
        }
        return values
    }

    private static func percentEncoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                result += byte < 16 ? "%0" : "%"
                result += String(byte, radix: 16, uppercase: true)
            }
        }
        return result
    }

    /// - Returns: nil where a `%` is not followed by two hexadecimal digits or the bytes are no UTF-8.
    private static func percentDecoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%") {
                guard let high = rest.popFirst(), let low = rest.popFirst(),
                    let value = UInt8(String(decoding: [high, low], as: UTF8.self), radix: 16),
                    high != UInt8(ascii: "+")
                else { return nil }
                bytes.append(value)
            } else {
                bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
