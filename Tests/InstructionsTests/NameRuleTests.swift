import Instructions
import Terms
import Testing

/// What may become part of a path or a word of `start_erl.data`.
@Suite struct NameRuleTests {
    @Test(arguments: [
        "1", "2.0.0", "R1A", "1.0.0-rc.1+build", "-1", "...", ".1", "ü", String(repeating: "9", count: 200),
    ])
    func versions(_ vsn: String) throws {
        #expect(NameRule.vsn.allows(vsn))
        let data = StartErlData(ertsVsn: "1", releaseVsn: vsn)
        #expect(try StartErlData.parse(Array(data.text().utf8), file: "f") == data)
    }

    @Test(
        arguments: [
            "", ".", "..", "a/b", "/", "R1A 2", " 1", "1 ", "a\nb", "a\tb", "a\u{0}b", "a\u{7F}", "a\u{85}b",
            "a\u{A0}b", "a\u{3000}b", "1 \u{301}2", "\u{FFFD}", String(repeating: "9", count: 201),
        ])
    func noVersions(_ vsn: String) { #expect(!NameRule.vsn.allows(vsn)) }

    @Test(arguments: ["kv", "my release", "Öl", ".kv"])
    func names(_ name: String) { #expect(NameRule.name.allows(name)) }

    @Test(arguments: ["", ".", "..", "a/b", "a\nb", "a\u{0}b", String(repeating: "9", count: 201)])
    func noNames(_ name: String) { #expect(!NameRule.name.allows(name)) }

    static let vsn =
        "expected a version (1 to 200 bytes without blanks, slashes and control characters, not \".\" or \"..\"), found "

    /// The first tool that reads one refuses it, whatever file it stands in.
    @Test(arguments: [("R1A 2", "\"R1A 2\""), ("a\\nb", "\"a\\nb\""), (".", "\".\""), ("", "[]"), ("a/b", "\"a/b\"")])
    func refusedWhereverItStands(_ vsn: String, _ found: String) {
        let words = Self.vsn + found
        #expect(
            refusal("{release,{\"kv\",\"\(vsn)\"},{erts,\"1\"},[]}.", ReleaseResource.parse) == "f:1:16: \(words)")
        #expect(
            refusal("{release,{\"kv\",\"1\"},{erts,\"\(vsn)\"},[]}.", ReleaseResource.parse) == "f:1:27: \(words)")
        #expect(
            refusal("{release,{\"kv\",\"1\"},{erts,\"1\"},[{kv,\"\(vsn)\"}]}.", ReleaseResource.parse)
                == "f:1:37: \(words)")
        #expect(refusal("{\"\(vsn)\",[],[]}.", Relup.parse) == "f:1:2: \(words)")
        #expect(refusal("{\"2\",[{\"\(vsn)\",[],[]}],[]}.", Relup.parse) == "f:1:8: \(words)")
        #expect(
            refusal("[{release,\"kv\",\"\(vsn)\",\"1\",[],old}].", ReleasesFile.parse) == "f:1:16: \(words)")
        #expect(
            refusal("{application,kv,[{vsn,\"\(vsn)\"}]}.", ApplicationResource.parse) == "f:1:23: \(words)")
    }

    @Test(arguments: ReleasesFile.reservedNames.sorted())
    func namesOfTheRootsOwn(_ vsn: String) {
        let words = "releases/\(vsn) is a file of the release root's own; give it another version"
        #expect(
            refusal("{release,{\"kv\",\"\(vsn)\"},{erts,\"1\"},[]}.", ReleaseResource.parse) == "f:1:16: \(words)")
        #expect(
            refusal("[{release,\"kv\",\"\(vsn)\",\"1\",[],old}].", ReleasesFile.parse) == "f:1:16: \(words)")
    }
}
