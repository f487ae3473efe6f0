/// Why a regular expression can't be used, or could not be matched.
public struct RegularExpressionError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Kind: Hashable, Sendable {
        /// PCRE's words, and where in the expression, in bytes from its beginning.
        case doesNotCompile(String, offsetBytes: Int)
        case tooLong(limitBytes: Int)
        /// It comes back again and again, mostly exponentially often: `(a+)+`.
        case tooManySteps(limit: Int, subject: String)
        case tooDeep(limit: Int, subject: String)
        case tooMuchMemory(limitBytes: Int, subject: String)
        /// PCRE's words for any other failure.
        case cannotMatch(String, subject: String)
    }

    public let pattern: String
    public let kind: Kind

    init(_ pattern: String, _ kind: Kind) {
        self.pattern = pattern
        self.kind = kind
    }

    public var description: String {
        let name = "regular expression \"\(Self.short(pattern))\""
        switch kind {
        case .doesNotCompile(let message, let offset):
            return "\(name) does not compile: \(message), at byte \(offset)"
        case .tooLong(let limit):
            return "\(name) is over the limit of \(limit) bytes"
        case .tooManySteps(let limit, let subject):
            return "\(name) takes more than \(limit) steps to match \"\(Self.short(subject))\"; "
                + "write it without repetitions of repetitions such as (a+)+"
        case .tooDeep(let limit, let subject):
            return "\(name) goes more than \(limit) levels deep to match \"\(Self.short(subject))\"; "
                + "write it without repeated groups such as (a|b)*"
        case .tooMuchMemory(let limit, let subject):
            return "\(name) takes more than \(limit) bytes of memory to match \"\(Self.short(subject))\"; "
                + "write it without repeated groups such as (a|b)*"
        case .cannotMatch(let message, let subject):
            return "\(name) can't be matched against \"\(Self.short(subject))\": \(message)"
        }
    }

    private static func short(_ text: String) -> String {
        text.count <= 80 ? text : text.prefix(79) + "…"
    }
}
