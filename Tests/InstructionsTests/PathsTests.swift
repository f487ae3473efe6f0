import Instructions
import Testing

@Suite struct PathsTests {
    @Test(arguments: [
        ("/a/b", "/a", "b"), ("/a/b/", "/a", "b"), ("/a", "/", "a"), ("a", ".", "a"), ("a/", ".", "a"),
        ("a/b", "a", "b"),
        ("/", "/", ""), ("", ".", ""), ("./a", ".", "a"), ("/ä/ö", "/ä", "ö"), ("a//b", "a/", "b"),
    ])
    func theLastPartIsSplitOff(path: String, directory: String, name: String) {
        #expect(Paths.split(path) == (directory, name))
        #expect(Paths.parent(of: path) == directory)
    }

    @Test func aNameIsJoinedByOneSlash() {
        #expect(Paths.join("/a", "b/c") == "/a/b/c")
        #expect(Paths.join("a/", "b") == "a/b")
        #expect(Paths.join("/", "b") == "/b")
        #expect(Paths.join("/a", "/b") == "/b")
        #expect(Paths.join("", "b") == "b")
    }

    @Test func thoseAboveAreListedFromTheTop() {
        #expect(Paths.parents(of: "a/b/c") == ["a", "a/b"])
        #expect(Paths.parents(of: "a") == [])
        #expect(Paths.parents(of: "") == [])
    }
}
