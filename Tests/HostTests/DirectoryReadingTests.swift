import Glibc
import Testing

@testable import Host
@testable import TestSupport

/// What can't be read is neither empty nor like anything else.
@Suite struct DirectoryReadingTests {
    let directory = TemporaryDirectory()

    private func tree(_ name: String, _ text: String = "x") throws -> String {
        try Directory.make(directory.file("\(name)/inner"))
        try directory.write("\(name)/inner/file", text)
        #expect(symlink("inner/file", directory.file("\(name)/link")) == 0)
        return directory.file(name)
    }

    @Test func `a directory that can't be read is told of`() throws {
        let path = try tree("tree")
        #expect(try Directory.allNames(in: path) == ["inner", "link"])
        chmod(path, 0)
        defer { chmod(path, 0o755) }
        withModesInForce {
            #expect(throws: SystemError("opendir", EACCES, path)) { try Directory.allNames(in: path) }
            #expect(Directory.names(path) == [])
        }
        let none = directory.file("none")
        #expect(throws: SystemError("opendir", ENOENT, none)) { try Directory.allNames(in: none) }
    }

    @Test func `trees are the same or differ`() throws {
        let (one, same, other) = (try tree("one"), try tree("same"), try tree("other", "y"))
        #expect(try Directory.isSame(one, same))
        #expect(try !Directory.isSame(one, other))
        #expect(try !Directory.isSame(one, directory.file("none")))
        try directory.write("same/more", "x")
        #expect(try !Directory.isSame(one, same))
    }

    @Test(arguments: ["inner", "inner/file"])
    func `of what can't be read nobody says that it is the same`(name: String) throws {
        let (one, other) = (try tree("one"), try tree("other"))
        let inner = ["\(one)/\(name)", "\(other)/\(name)"]
        for path in inner { chmod(path, 0) }
        withModesInForce {
            let error = #expect(throws: SystemError.self) { try Directory.isSame(one, other) }
            #expect(error?.number == EACCES && error?.subject == inner[0], "\(String(describing: error))")
            // Nothing takes the place of what it can't be compared with.
            #expect(throws: SystemError.self) { try AtomicFile.place(one, at: other) }
        }
        for path in inner { chmod(path, 0o755) }
        #expect(try Directory.isSame(one, other))
    }
}
