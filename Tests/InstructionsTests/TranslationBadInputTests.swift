import Instructions
import Terms
import Testing

/// Files that are broken: each is refused with its place and a reason.
@Suite struct TranslationBadInputTests {
    private static let appup = TranslationInput.appup
    private static let app = TranslationInput.newApp

    static let broken: [Mistake] = [
        Mistake(
            "a .rel cut short",
            "new.rel:2: expected ',', '|' or ']', found the end of the text: the list begun at 2:1 is not ended\n",
            at: nil
        ) {
            $0["new.rel"] = "{release,{\"market\",\"2\"},{erts,\"1\"},\n[{kv,\"2\"}"
        },
        Mistake(
            "an .app cut short",
            "kv: Parse error in file: \"\(app)\".  Line: 2  Error: \"expected ',' or '}', found the end of the text: "
                + "the tuple begun at 2:1 is not ended\"; \n\n", at: "\(app):2:9"
        ) { $0[app] = "{application,kv,[{description,\"\"},{vsn,\"2\"},\n{modules" },
        Mistake("an .appup cut short", "Could not parse file \(appup)\n", at: "\(appup):2:13") {
            $0[appup] = "{\"2\",\n[{\"1\",[{load"
        },
        Mistake("an .appup cut in a string", "Could not parse file \(appup)\n", at: "\(appup):2:3") {
            $0[appup] = "{\"2\",\n[{\"1"
        },
        Mistake("a .rel that is no UTF-8", "new.rel:1: the text is not valid UTF-8\n", at: nil) {
            $0.releaseFiles.contents["new.rel"] = Array("{release,{\"m".utf8) + [0xe4] + Array("rkt\",\"2\"}".utf8)
        },
        Mistake(
            "an .app that is no UTF-8",
            "kv: Parse error in file: \"\(app)\".  Line: 2  Error: \"the text is not valid UTF-8\"; \n\n",
            at: "\(app):2:3"
        ) {
            $0.releaseFiles.contents[app] = Array("{application,kv,\n[{".utf8) + [0xff, 0xfe]
        },
        Mistake("an .appup that is no UTF-8", "Could not parse file \(appup)\n", at: "\(appup):2:2") {
            $0.releaseFiles.contents[appup] = Array("{\"2\",\n[".utf8) + [0xc3] + Array("]}.".utf8)
        },
        Mistake("a script nested deep", "Could not parse file \(appup)\n", at: "\(appup):3:255") {
            $0[appup] =
                "{\"2\",\n[{\"1\",\n" + String(repeating: "[", count: 10_000) + String(repeating: "]", count: 10_000)
                + "}],[]}.\n"
        },
        Mistake("a .rel nested deep", "new.rel:1: the term is nested more than 256 levels deep\n", at: nil) {
            $0["new.rel"] = String(repeating: "{", count: 10_000) + String(repeating: "}", count: 10_000) + ".\n"
        },
        Mistake(
            "an expression without end",
            "Bad regular expression <<\"(1+)+$\">> in the appup file: regular expression \"(1+)+$\" takes more than 100000 "
                + "steps to match \"1111111111111111111111111111111111111111b\"; write it without repetitions of "
                + "repetitions such as (a+)+\n", at: "\(appup):1:8"
        ) { input in
            let vsn = String(repeating: "1", count: 40) + "b"
            input["base.rel"] = TranslationInput.release("1", "{kv,\"\(vsn)\"}")
            input["lib/kv-1/ebin/kv.app"] = TranslationInput.application("kv", vsn)
            input[appup] = "{\"2\",[{<<\"(1+)+$\">>,[]}],[]}.\n"
        },
        Mistake(
            "an expression that is no UTF-8",
            "Bad regular expression <<\"1é\">> in the appup file: regular expression \"1\u{FFFD}\" does not compile: UTF-8 "
                + "error: 2 bytes missing at end, at byte 1\n", at: "\(appup):1:8"
        ) {
            $0[appup] = "{\"2\",[{<<49,233>>,[]}],[]}.\n"
        },
    ]

    @Test(arguments: broken)
    func text(_ mistake: Mistake) throws { _ = try mistake.check() }

    /// Why an .appup can't be parsed stands in the reason, as in OTP, not in the sentence.
    @Test(arguments: [
        ("an .appup cut short", "expected ',' or '}', found the end of the text: the tuple begun at 2:8 is not ended"),
        ("an .appup cut in a string", "the string is not ended: the text ends before the closing quote"),
        ("an .appup that is no UTF-8", "the text is not valid UTF-8"),
        ("a script nested deep", "the term is nested more than 256 levels deep"),
    ])
    func reason(_ name: String, _ message: String) throws {
        let mistake = try #require(Self.broken.first { $0.name == name })
        let error = try mistake.input.failure()
        guard case .relup(.fileProblem(let file, .parse(let reason))) = error.reason else {
            Issue.record("\(error)")
            return
        }
        #expect(file == Self.appup)
        #expect(reason.message == message)
        #expect(error.place == SourcePlace(file: file, position: reason.position))
    }

    /// Wherever a file is cut, it is refused, and the error names it.
    @Test(arguments: ["new.rel", "base.rel", app, appup])
    func cutAnywhere(_ file: String) throws {
        var input = TranslationInput(up: "{update,a,{advanced,\"ä\"}}", down: "{update,a}")
        _ = try input.translate()
        let whole = try #require(input.releaseFiles.contents[file])
        // Without the end of the line, and without the dot before it, but no less, it may be whole.
        for count in 0..<(whole.count - 2) {
            input.releaseFiles.contents[file] = Array(whole[..<count])
            let error = try input.failure()
            let name = file == Self.app ? "kv" : file
            #expect(error.description.contains(name), "cut after \(count) bytes: \(error)")
        }
    }
}
