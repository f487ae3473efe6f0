import Glibc
import Testing

@testable import Host
@testable import TestSupport

@Suite struct DirectoryMatchingTests {
    let directory = TemporaryDirectory()

    private func found(_ pattern: String) -> [String] {
        Directory.matching("\(directory.path)/\(pattern)").map { String($0.dropFirst(directory.path.count + 1)) }
    }

    init() throws {
        for name in ["lib/kv-2.0.0/ebin", "lib/kv-10.0.0/ebin", "lib/web-1.0.0/ebin", "lib/.git/objects", "empty"] {
            try Directory.make(directory.file(name))
        }
        try directory.write("lib/README", "no directory")
    }

    @Test func `a star stands for one name`() {
        #expect(found("lib/*/ebin") == ["lib/kv-10.0.0/ebin", "lib/kv-2.0.0/ebin", "lib/web-1.0.0/ebin"])
    }

    @Test func `a star within a name stands for any characters`() {
        #expect(found("lib/kv-*/ebin") == ["lib/kv-10.0.0/ebin", "lib/kv-2.0.0/ebin"])
        #expect(found("lib/*-1*0/ebin") == ["lib/kv-10.0.0/ebin", "lib/web-1.0.0/ebin"])
        #expect(found("lib/kv-2.0.0*/ebin") == ["lib/kv-2.0.0/ebin"])
        #expect(found("lib/*.*.*.*") == [])
        // No other character means more than itself.
        #expect(found("lib/kv.2.0.0*") == [])
    }

    @Test func `only directories are found`() {
        #expect(found("lib/*") == ["lib/.git", "lib/kv-10.0.0", "lib/kv-2.0.0", "lib/web-1.0.0"])
        #expect(found("lib/README") == [])
        #expect(found("lib/README/*") == [])
        #expect(found("empty/*") == [])
        #expect(found("none/*/ebin") == [])
    }

    @Test func `a path without a star is itself`() {
        #expect(found("lib/kv-2.0.0/ebin/") == ["lib/kv-2.0.0/ebin"])
        #expect(Directory.matching("/") == ["/"])
        #expect(Directory.matching("") == [])
        #expect(Directory.matching(".") == ["."])
    }

    @Test func `a pattern of many stars takes no time`() {
        let name = String(repeating: "a", count: 200)
        mkdir(directory.file("empty/\(name)"), 0o755)
        #expect(found("empty/" + String(repeating: "*a", count: 100) + "b") == [])
    }
}
