import Foundation
import Instructions
import Terms
import Testing

/// Scripts of one application against what OTP's `release_handler:upgrade_script/2` and `downgrade_script/3` answered.
@Suite struct ApplicationScriptTests {
    /// `{Name, up | down, [{File, Text}], Answer}`; the answer is `{ok, Vsn, Script}` or `{error, Reason}`. What runs is kv-1, what is asked for lies in
    /// kv-2 (up) or kv-0 (down).
    struct Case: CustomTestStringConvertible {
        let name: String
        let isUp: Bool
        let files: [String: String]
        let answer: Term
        var testDescription: String { name }

        init(_ term: Term) throws {
            let parts = try #require(term.asTuple)
            name = try #require(parts[0].asAtom?.name)
            isUp = parts[1].asAtom == "up"
            var files: [String: String] = [:]
            for file in try #require(parts[2].asList).compactMap(\.asTuple) {
                files[try #require(file[0].asString)] = file[1].asText
            }
            self.files = files
            answer = parts[3]
        }
    }

    private static func cases() throws -> [Case] {
        let golden = try #require(Bundle.module.url(forResource: "golden", withExtension: nil))
        let file = golden.appending(path: "release_handler/scripts.terms")
        return try TermText.parseTerms(Array(try Data(contentsOf: file))).map { try Case($0.term) }
    }

    @Test func answersAreOTPs() throws {
        let cases = try Self.cases()
        #expect(cases.count >= 15)
        for one in cases { #expect(Self.answer(one) == one.answer, "\(one.name)") }
    }

    private static func answer(_ one: Case) -> Term {
        var release = ReleaseFiles()
        for (path, text) in one.files { release[path] = text }
        let running = ApplicationScript.Version(vsn: "1", directory: "kv-1")
        do throws(ApplicationScriptError) {
            let files = release.files
            let found =
                one.isUp
                ? try ApplicationScript.upgrade("kv", from: running, to: "kv-2", files: files)
                : try ApplicationScript.downgrade(
                    "kv", from: running, to: ApplicationScript.Version(vsn: "0", directory: "kv-0"), files: files)
            return .tuple([.ok, .string(found.reached.vsn), .list(found.script.map(\.term))])
        } catch {
            return .tuple([.error, error.term])
        }
    }

    /// The same file leads back.
    @Test func theWayBackIsTheOtherDirections() throws {
        var release = ReleaseFiles()
        release["kv-1/ebin/kv.app"] = TranslationInput.application("kv", "1", modules: "[a]")
        release["kv-2/ebin/kv.app"] = TranslationInput.application("kv", "2", modules: "[a]")
        release["kv-2/ebin/kv.appup"] = "{\"2\", [{\"1\", [{load_module, a}]}], [{\"1\", [{update, a, soft}]}]}."
        let running = ApplicationScript.Version(vsn: "1", directory: "kv-1")
        let up = try ApplicationScript.upgrade("kv", from: running, to: "kv-2", files: release.files)
        let newer = ApplicationScript.Version(vsn: "2", directory: "kv-2")
        let down = try ApplicationScript.downgrade("kv", from: newer, to: running, files: release.files)
        #expect(up.wayBack == down.script)
        #expect(down.wayBack == up.script)
        release["kv-2/ebin/kv.appup"] = "{\"2\", [{\"1\", [{load_module, a}]}], []}."
        #expect(try ApplicationScript.upgrade("kv", from: running, to: "kv-2", files: release.files).wayBack == nil)
    }

    @Test func aDirectorysNameSaysWhichVersionItHas() {
        #expect(ApplicationScript.vsn(ofDirectory: "/srv/kv-1.0.0") == "1.0.0")
        #expect(ApplicationScript.vsn(ofDirectory: "/srv/kv-1.0.0/") == "1.0.0")
        #expect(ApplicationScript.vsn(ofDirectory: "/srv/kv") == nil)
        #expect(ApplicationScript.vsn(ofDirectory: "/srv/kv-1.0.0-rc1") == nil)
    }
}
