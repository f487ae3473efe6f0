import Glibc
import Synchronization
import Testing

@testable import Host
@testable import TestSupport

/// A tree goes, whoever writes in it meanwhile, and nothing else does.
struct TreeRemovalTests {
    let directory = TemporaryDirectory()

    @Test func `a tree is removed with its links, not with what they lead to`() throws {
        try Directory.make(directory.file("tree/a/b"))
        try directory.write("kept", "x")
        #expect(symlink(directory.file("kept"), directory.file("tree/a/link")) == 0)
        try Directory.make(directory.file("other/inside"))
        #expect(symlink(directory.file("other"), directory.file("tree/a/directory")) == 0)
        try Directory.removeTree(directory.file("tree/"))
        try Directory.removeTree(directory.file("tree"))
        try Directory.removeTree(directory.file("none/tree"))
        #expect(directory.names == ["kept", "other"])
        #expect(Directory.names(directory.file("other")) == ["inside"])
    }

    @Test func `each thing in it is told of once it is gone`() throws {
        for name in ["one", "a/two", "a/b/three"] {
            try Directory.make(directory.file("tree/a/b"))
            try directory.write("tree/\(name)", "x")
        }
        var removed = 0
        try Directory.removeTree(directory.file("tree")) { removed += 1 }
        // A directory that was not empty goes by another call.
        #expect(removed >= 3 && removed <= 5)
        #expect(directory.names == [])
    }

    @Test func `a link in place of the tree goes itself`() throws {
        try Directory.make(directory.file("other/inside"))
        #expect(symlink("other", directory.file("tree")) == 0)
        try Directory.removeTree(directory.file("tree"))
        #expect(directory.names == ["other"])
        #expect(Directory.names(directory.file("other")) == ["inside"])
    }

    /// A worker may nest as deep as it likes: neither the stack nor the daemon's descriptors bound that.
    @Test func `depth costs nothing`() throws {
        let tree = directory.file("tree")
        try Directory.make(tree)
        // A path has 4096 bytes at the most: it is nested from below, by taking what is there into a new one.
        for _ in 0..<5_000 {
            try #require(mkdir(directory.file("outer"), 0o755) == 0)
            try #require(rename(tree, directory.file("outer/d")) == 0)
            try #require(rename(directory.file("outer"), tree) == 0)
        }
        try Directory.removeTree(tree)
        #expect(directory.names == [])
    }

    @Test func `names that are no text, and names that it uses itself`() throws {
        try Directory.make(directory.file("tree/a/sub/deep"))
        try Directory.make(directory.file("tree/.removed-1/full"))
        try directory.write("tree/.removed-2", "x")
        let strange = (Array(directory.file("tree/a/").utf8) + [0xFF, 0xFE, 0]).map(CChar.init(bitPattern:))
        #expect(mkdir(strange, 0o755) == 0)
        try Directory.removeTree(directory.file("tree"))
        #expect(directory.names == [])
    }

    /// A directory and a link to what must stay change places all the time.
    @Test func `a link that is put in a directory's place is not followed`() throws {
        try Directory.make(directory.file("kept/inside"))
        try directory.write("kept/file", "x")
        let (swapped, link) = (directory.file("tree/swapped"), directory.file("tree/link"))
        let isOver = Atomic(false)
        let swapping = Swapping(swapped, link, until: { isOver.load(ordering: .relaxed) })
        for _ in 0..<300 {
            try Directory.make(directory.file("made/swapped"))
            for number in 0..<5 { try directory.write("made/swapped/\(number)", "x") }
            #expect(symlink(directory.file("kept"), directory.file("made/link")) == 0)
            try #require(rename(directory.file("made"), directory.file("tree")) == 0)
            // What it can't remove since it changes under its hands is told, and may be tried again.
            while (try? Directory.removeTree(directory.file("tree"))) == nil {}
            try #require(Directory.names(directory.file("kept")) == ["file", "inside"])
        }
        isOver.store(true, ordering: .relaxed)
        swapping.join()
    }
}

/// A thread that exchanges two names.
private struct Swapping {
    private final class Work: Sendable {
        let names: (String, String)
        let isOver: @Sendable () -> Bool
        init(_ names: (String, String), _ isOver: @escaping @Sendable () -> Bool) {
            self.names = names
            self.isOver = isOver
        }
    }

    private var thread = pthread_t()

    init(_ first: String, _ second: String, until isOver: @escaping @Sendable () -> Bool) {
        let work = Unmanaged.passRetained(Work((first, second), isOver))
        pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let work = Unmanaged<Work>.fromOpaque(argument).takeRetainedValue()
                let (first, second) = work.names
                while !work.isOver() {
                    rename(first, first + ".between")
                    rename(second, first)
                    rename(first + ".between", second)
                }
                return nil
            }, work.toOpaque())
    }

    func join() { pthread_join(thread, nil) }
}
