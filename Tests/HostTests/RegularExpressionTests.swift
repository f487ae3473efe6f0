import Host
import Testing

@Suite struct RegularExpressionTests {
    /// The third column is what `re:run(Subject, Pattern, [unicode, {capture, first, list}])` of OTP 25 says, matched
    /// against `{match, [Subject]}`.
    @Test(arguments: [
        ("1\\.[0-9]+", "1.12", true),
        ("1\\.[0-9]+", "1.12.3", false),
        ("1\\.[0-9]+", "v1.12", false),
        // What is matched first counts, not what could be matched.
        ("1|1\\.2", "1.2", false),
        ("1\\.2|1", "1.2", true),
        ("1.*?", "1.2", false),
        ("", "", true),
        ("", "1", false),
        ("^1\\.2$", "1.2", true),
        ("1$", "1\n", false),
        ("1.2", "1\n2", false),
        ("1.2", "1\r2", true),
        ("1\\R2", "1\u{85}2", true),
        ("1.2", "1é2", true),
        ("[é-ü]+", "üé", true),
        ("\\x{20ac}", "€", true),
        // Only ASCII is a digit or a letter, unless the expression says otherwise.
        ("\\d", "٣", false),
        ("(*UCP)\\d", "٣", true),
        ("(?i)RC1", "rc1", true),
        ("(?<v>1)\\.\\k<v>", "1.1", true),
        ("1(?=\\.2)", "1.2", false),
    ])
    func `a version matches as in OTP`(pattern: String, subject: String, matches: Bool) throws {
        #expect(try RegularExpression(pattern).matchesWhole(subject) == matches)
    }

    @Test(arguments: [
        ("1\\.(", "missing closing parenthesis, at byte 4"),
        ("[z-a]", "range out of order in character class, at byte 3"),
        ("é*+*", "quantifier does not follow a repeatable item, at byte 4"),
        ("\\", "\\ at end of pattern, at byte 1"),
        ("(?<n>a)(?<n>b)", "two named subpatterns have the same name (PCRE2_DUPNAMES not set), at byte 12"),
    ])
    func `one that does not compile says why and where`(pattern: String, reason: String) throws {
        let error = #expect(throws: RegularExpressionError.self) { try RegularExpression(pattern) }
        #expect(error?.description == "regular expression \"\(pattern)\" does not compile: \(reason)")
    }

    @Test func `one that is no UTF-8 does not compile`() throws {
        let error = #expect(throws: RegularExpressionError.self) { try RegularExpression(utf8: [0x31, 0xe9]) }
        #expect(
            error?.kind == .doesNotCompile("UTF-8 error: 2 bytes missing at end", offsetBytes: 1))
    }

    @Test func `one that is too long is not compiled`() throws {
        let error = #expect(throws: RegularExpressionError.self) {
            try RegularExpression(String(repeating: "1", count: 65_537))
        }
        let text = String(repeating: "1", count: 79)
        #expect(error?.description == "regular expression \"\(text)…\" is over the limit of 65536 bytes")
    }

    @Test(arguments: ["(a+)+b?c", "(a|aa)+c", "(a|a?)+c"])
    func `an exponential one is an error, and no hang`(pattern: String) throws {
        let expression = try RegularExpression(pattern)
        let error = #expect(throws: RegularExpressionError.self) {
            try expression.matchesWhole(String(repeating: "a", count: 40) + "bd" + "c")
        }
        guard case .tooManySteps(limit: 100_000, _) = error?.kind else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `the error of an exponential one says what to do`() throws {
        let expression = try RegularExpression("(a+)+c")
        let subject = String(repeating: "a", count: 40) + "bc"
        let error = #expect(throws: RegularExpressionError.self) { try expression.matchesWhole(subject) }
        #expect(
            error?.description == """
                regular expression "(a+)+c" takes more than 100000 steps to match "\(subject)"; write it without \
                repetitions of repetitions such as (a+)+
                """)
    }

    @Test func `a deep one is an error, and no overflow`() throws {
        let expression = try RegularExpression("(a|b)*")
        let error = #expect(throws: RegularExpressionError.self) {
            try expression.matchesWhole(String(repeating: "ab", count: 40_000))
        }
        #expect(error?.description.contains("goes more than 20000 levels deep") == true, "\(String(describing: error))")
    }

    @Test func `one that asks for higher limits does not get them`() throws {
        let expression = try RegularExpression("(*LIMIT_MATCH=4000000000)(a+)+c")
        let error = #expect(throws: RegularExpressionError.self) {
            try expression.matchesWhole(String(repeating: "a", count: 40) + "bc")
        }
        guard case .tooManySteps = error?.kind else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `many threads may share one`() async throws {
        let expression = try RegularExpression("1\\.[0-9]+")
        await withTaskGroup(of: Bool.self) { group in
            for number in 0..<100 {
                group.addTask { (try? expression.matchesWhole("1.\(number)")) == true }
            }
            for await matched in group { #expect(matched) }
        }
    }
}
