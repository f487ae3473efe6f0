import CPCRE2

/// A Perl-compatible regular expression over Unicode text, as Erlang's `re` with the option `unicode`.
///
/// The work of a match is bounded: an expression that backtracks without end is an error with a name of its own, not a
/// hang, and not a silent "does not match". Source: pcre2api(3), pcre2pattern(3); OTP's re(3).
public final class RegularExpression: Sendable {
    /// Bounds on what an expression from a file may cost.
    public enum Limits {
        /// Bytes of the expression.
        public static let patternBytes = 64 * 1024
        /// Points that one match may come back to.
        public static let matchSteps: UInt32 = 100_000
        /// How deep they may be nested in each other.
        public static let matchDepth: UInt32 = 20_000
        public static let matchKibibytes: UInt32 = 64 * 1024
    }

    public let pattern: String
    // The library never changes a compiled expression, so threads may share it: pcre2api(3), "Multithreading".
    private nonisolated(unsafe) let code: OpaquePointer

    public convenience init(_ pattern: String) throws(RegularExpressionError) {
        try self.init(utf8: Array(pattern.utf8))
    }

    /// - Parameter utf8: the expression's bytes, as a binary of a file has them; other than UTF-8 does not compile.
    public init(utf8: [UInt8]) throws(RegularExpressionError) {
        pattern = String(decoding: utf8, as: UTF8.self)
        guard utf8.count <= Limits.patternBytes else {
            throw RegularExpressionError(pattern, .tooLong(limitBytes: Limits.patternBytes))
        }
        let context = pcre2_compile_context_create_8(nil)
        defer { pcre2_compile_context_free_8(context) }
        // What a line's end is depends on how the library was built: these are OTP's.
        pcre2_set_newline_8(context, UInt32(PCRE2_NEWLINE_LF))
        pcre2_set_bsr_8(context, UInt32(PCRE2_BSR_UNICODE))
        var status: Int32 = 0
        var offset = 0
        guard let code = pcre2_compile_8(utf8, utf8.count, UInt32(PCRE2_UTF), &status, &offset, context) else {
            let text = Self.message(status)
            throw RegularExpressionError(pattern, .doesNotCompile(text, offsetBytes: offset))
        }
        self.code = code
    }

    deinit { pcre2_code_free_8(code) }

    /// Whether the first match in `subject` is the whole of it: `1|1\.2` does not match "1.2" so, since what it matches
    /// first is "1". Source: `appup` in OTP's appup(4), which matches versions in this way.
    public func matchesWhole(_ subject: String) throws(RegularExpressionError) -> Bool {
        let bytes = Array(subject.utf8)
        let context = pcre2_match_context_create_8(nil)
        let found = pcre2_match_data_create_8(1, nil)
        defer {
            pcre2_match_data_free_8(found)
            pcre2_match_context_free_8(context)
        }
        pcre2_set_match_limit_8(context, Limits.matchSteps)
        pcre2_set_depth_limit_8(context, Limits.matchDepth)
        pcre2_set_heap_limit_8(context, Limits.matchKibibytes)
        // A match that begins later is not the whole, so it need not be looked for; the limits count for each beginning.
        let status = pcre2_match_8(code, bytes, bytes.count, 0, UInt32(PCRE2_ANCHORED), found, context)
        switch status {
        case PCRE2_ERROR_NOMATCH:
            return false
        case PCRE2_ERROR_MATCHLIMIT:
            throw RegularExpressionError(pattern, .tooManySteps(limit: Int(Limits.matchSteps), subject: subject))
        case PCRE2_ERROR_DEPTHLIMIT:
            throw RegularExpressionError(pattern, .tooDeep(limit: Int(Limits.matchDepth), subject: subject))
        case PCRE2_ERROR_HEAPLIMIT:
            let limit = Int(Limits.matchKibibytes) * 1024
            throw RegularExpressionError(pattern, .tooMuchMemory(limitBytes: limit, subject: subject))
        case ..<0:
            throw RegularExpressionError(pattern, .cannotMatch(Self.message(status), subject: subject))
        default:
            guard let offsets = pcre2_get_ovector_pointer_8(found) else { return false }
            return offsets[0] == 0 && offsets[1] == bytes.count
        }
    }

    /// The library's words for an error, such as "missing closing parenthesis".
    private static func message(_ status: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = pcre2_get_error_message_8(status, &buffer, buffer.count)
        return count < 0 ? "error \(status)" : String(decoding: buffer.prefix(Int(count)), as: UTF8.self)
    }
}
