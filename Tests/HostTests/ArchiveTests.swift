import Glibc
import Testing

@testable import Host
@testable import TestSupport

@Suite(.timeLimit(.minutes(15)))
struct ArchiveTests {
    let directory = TemporaryDirectory()
    private var package: String { directory.file("kv-2.0.0.tar.gz") }
    private var root: String { directory.file("root") }

    private static func release(_ change: (inout TarBuilder) -> Void = { _ in }) -> [UInt8] {
        var tar = TarBuilder()
        tar.add("releases/", .directory, mode: 0o755)
        tar.add("releases/kv.rel", .file, "rel")
        tar.add("releases/2.0.0/relup", .file, "relup")
        tar.add("./lib/kv-2.0.0/ebin/kv", .file, "#!/bin/sh\n", mode: 0o4755)
        tar.add("lib/kv-2.0.0/ebin/kv.app", .file, "app")
        tar.add("lib/kv-2.0.0/priv/current", .symbolicLink, target: "../ebin/kv.app")
        tar.add("lib/kv-2.0.0/priv/same", .hardLink, target: "lib/kv-2.0.0/ebin/kv.app")
        change(&tar)
        return tar.gzip
    }

    private func refusal(_ bytes: [UInt8], limits: ReleaseArchive.Limits = .init()) throws -> String? {
        try directory.write("kv-2.0.0.tar.gz", bytes)
        do {
            try ReleaseArchive.unpack(package, into: root, limits: limits)
            return nil
        } catch {
            return error.description
        }
    }

    private func text(_ name: String) throws -> String {
        String(decoding: try FileContents.read("\(root)/\(name)", limit: 1000), as: UTF8.self)
    }

    @Test func `a release is unpacked whole`() throws {
        #expect(try refusal(Self.release()) == nil)
        #expect(Directory.names(root) == ["lib", "releases"])
        #expect(try text("releases/kv.rel") == "rel")
        #expect(try text("releases/2.0.0/relup") == "relup")
        #expect(try text("lib/kv-2.0.0/priv/current") == "app")
        #expect(try text("lib/kv-2.0.0/priv/same") == "app")
        // The set-user-id bit is not taken over.
        #expect(try FileStatus(of: "\(root)/lib/kv-2.0.0/ebin/kv").permissions == 0o755)
        #expect(try FileStatus(of: "\(root)/lib/kv-2.0.0/ebin/kv.app").permissions == 0o640)
    }

    @Test func `a staged release can be looked at, and discarded`() throws {
        try directory.write("kv-2.0.0.tar.gz", Self.release())
        let staged = try ReleaseArchive.stage(package, under: root)
        #expect(staged.units == ["releases/kv.rel", "releases/2.0.0", "lib/kv-2.0.0"])
        #expect(Directory.names(root).count == 1)
        staged.discard()
        #expect(Directory.names(root) == [])
    }

    @Test func `what is there already is kept where it is the same`() throws {
        #expect(try refusal(Self.release()) == nil)
        let before = try FileStatus(of: "\(root)/lib/kv-2.0.0/ebin/kv").identity
        let next = Self.release { $0.add("lib/other-1.0.0/ebin/other.app", .file, "other") }
        #expect(try refusal(next) == nil)
        #expect(try FileStatus(of: "\(root)/lib/kv-2.0.0/ebin/kv").identity == before)
        #expect(try text("lib/other-1.0.0/ebin/other.app") == "other")
    }

    @Test func `what is there already with other contents stays, and nothing is moved in`() throws {
        try Directory.make("\(root)/lib/kv-2.0.0/ebin")
        try AtomicFile.write("\(root)/lib/kv-2.0.0/ebin/kv.app", Array("another".utf8))
        #expect(
            try refusal(Self.release())
                == "\(package): lib/kv-2.0.0 is already in the release root with other contents; release directories "
                + "never change, give the new one a version of its own")
        #expect(Directory.names(root) == ["lib"])
        #expect(try text("lib/kv-2.0.0/ebin/kv.app") == "another")
    }

    private static let badEntries: [(String, TarBuilder.Kind, String, String)] = [
        ("../evil", .file, "", "has \"..\" in its path"),
        ("lib/../../evil", .file, "", "has \"..\" in its path"),
        ("/etc/evil", .file, "", "has an absolute path"),
        ("lib/out", .symbolicLink, "/etc", "is a symbolic link out of the release root, to \"/etc\""),
        ("lib/out", .symbolicLink, "../../etc", "is a symbolic link out of the release root, to \"../../etc\""),
        (
            "lib/out", .symbolicLink, "kv-2.0.0/../../..",
            "is a symbolic link out of the release root, to \"kv-2.0.0/../../..\""
        ),
        ("lib/kv-2.0.0/priv/current/x", .file, "", "lies behind the symbolic link \"lib/kv-2.0.0/priv/current\""),
        ("lib/hard", .hardLink, "/etc/passwd", "is a hard link out of the release root, to \"/etc/passwd\""),
        ("lib/hard", .hardLink, "lib/../../x", "is a hard link out of the release root, to \"lib/../../x\""),
        ("lib/hard", .hardLink, "lib/none", "is a hard link to \"lib/none\", which is no earlier file of it"),
        (
            "lib/hard", .hardLink, "lib/kv-2.0.0/priv/current",
            "is a hard link to \"lib/kv-2.0.0/priv/current\", which is no earlier file of it"
        ),
        ("lib/null", .characterDevice, "", "is a device node"),
        ("lib/disk", .blockDevice, "", "is a device node"),
        ("lib/fifo", .fifo, "", "is neither a file nor a directory nor a link"),
        ("releases/kv.rel", .file, "", "is in it twice"),
    ]

    @Test(arguments: badEntries)
    func `a bad entry refuses the package`(
        name: String, kind: TarBuilder.Kind, target: String, sentence: String
    ) throws {
        let bytes = Self.release { $0.add(name, kind, target: target) }
        #expect(
            try refusal(bytes) == "\(package): refused, nothing was unpacked: entry \"\(name)\" \(sentence)")
        #expect(directory.names == ["kv-2.0.0.tar.gz"])
    }

    @Test func `a package that would fill the disk`() throws {
        let bytes = Self.release { $0.add("lib/bomb", claimedSize: 7_000_000_000) }
        #expect(
            try refusal(bytes, limits: .init(bytes: 1_000_000_000))
                == "\(package): refused, nothing was unpacked: its files have more than 1000000000 bytes in all")
        #expect(directory.names == ["kv-2.0.0.tar.gz"])
    }

    @Test func `a package with too many entries`() throws {
        #expect(
            try refusal(Self.release(), limits: .init(entries: 3))
                == "\(package): refused, nothing was unpacked: more than 3 entries")
        #expect(directory.names == ["kv-2.0.0.tar.gz"])
    }

    @Test func `packages that are cut short, damaged, empty, or none`() throws {
        let whole = Self.release { $0.add("lib/large", .file, String(repeating: "x", count: 100_000)) }
        let table: [([UInt8], String)] = [
            (Array(whole.prefix(whole.count / 2)), "not a readable .tar.gz: truncated gzip input"),
            (Array(whole.prefix(20)), "not a readable .tar.gz: truncated gzip input"),
            (Array("hello".utf8), "not a readable .tar.gz: Unrecognized archive format"),
            ([], "not a readable .tar.gz: Unrecognized archive format"),
            (TarBuilder().gzip, "the package holds no files"),
        ]
        for (bytes, sentence) in table {
            #expect(try refusal(bytes) == "\(package): \(sentence)")
            #expect(directory.names == ["kv-2.0.0.tar.gz"])
        }
    }

    @Test func `a package that is not there, or a directory`() {
        let missing = #expect(throws: ArchiveError.self) {
            try ReleaseArchive.unpack("/no/such.tar.gz", into: root)
        }
        #expect(
            missing?.description
                == "/no/such.tar.gz: can't be read: open: No such file or directory")
        let other = #expect(throws: ArchiveError.self) { try ReleaseArchive.unpack("/tmp", into: root) }
        #expect(other?.description == "/tmp: not a readable .tar.gz: not a regular file")
    }

    @Test(arguments: [
        ("a/b/c", "../x", true), ("a/b/c", "../../x", true), ("a/b/c", "../../../x", false), ("a", "../x", false),
        ("a/b", "c/../../../x", false), ("a/b", "./c", true), ("a/b", "", false), ("a/b", "..", true),
        ("a", "..", false), ("a/b", "/", false),
    ])
    func `links may lead into the root only`(path: String, target: String, isInside: Bool) {
        #expect(ArchiveRules.staysInside(target, from: path) == isInside)
    }

    @Test func `what a crash left is removed`() throws {
        try Directory.make("\(root)/.unpacking-1-1/lib")
        try Directory.make("\(root)/lib")
        ReleaseArchive.removeLeftovers(in: root)
        #expect(Directory.names(root) == ["lib"])
    }
}
