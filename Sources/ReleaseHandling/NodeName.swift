public import Terms

/// A node's name as OTP writes it: `name@host`.
///
/// Before the `@` letters, digits, `_` and `-`; after it also `.` and `:`. It is the name of files, too, so it is short and
/// has no slash. Source: OTP net_kernel(3), `net_kernel:valid_name_head/1`.
public struct NodeName: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    public let text: String
    /// Of the whole: a file's name has at most 255.
    static let maximumBytes = 200

    /// Nil where `text` is none.
    public init?(_ text: String) {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty, text.utf8.count <= Self.maximumBytes,
            parts[0].utf8.allSatisfy(Self.isOfName), parts[1].utf8.allSatisfy(Self.isOfHost)
        else { return nil }
        self.text = text
    }

    /// Nil where the term is no atom, or none that is a node's name.
    public init?(_ term: Term) {
        guard let atom = term.asAtom else { return nil }
        self.init(atom.name)
    }

    /// As OTP's `-sname`: a name alone is one of this host. Nil where that is none.
    public init?(named text: String, host: String) {
        self.init(text.contains("@") ? text : "\(text)@\(host)")
    }

    /// The name of a node that was given none: its release's. What can't stand in a node's name is `_` there.
    public init(ofRelease release: String, host: String) {
        let name = Self.cleaned(release, Self.isOfName).prefix(Self.maximumBytes / 2)
        let place = Self.cleaned(host, Self.isOfHost).prefix(Self.maximumBytes / 2 - 1)
        text = "\(name.isEmpty ? "nonode" : name)@\(place.isEmpty ? "nohost" : place)"
    }

    /// What a node's name looks like, for an error.
    public static let form = "name@host: letters, digits, _ and - (behind the @ also . and :), \(maximumBytes) at most"

    public var atom: Atom { Atom(text) }
    public var term: Term { .atom(atom) }
    public var description: String { text }

    public static func < (one: NodeName, other: NodeName) -> Bool {
        one.text.utf8.lexicographicallyPrecedes(other.text.utf8)
    }

    private static func cleaned(_ text: String, _ isAllowed: (UInt8) -> Bool) -> String {
        String(decoding: text.utf8.map { isAllowed($0) ? $0 : UInt8(ascii: "_") }, as: UTF8.self)
    }

    private static func isOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    private static func isOfHost(_ byte: UInt8) -> Bool {
        isOfName(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: ":")
    }
}
