import Glibc
import Instructions
import Testing

@testable import Host
@testable import TestSupport

@Suite(.timeLimit(.minutes(15)))
struct PackageWritingTests {
    let directory = TemporaryDirectory()
    private var package: String { directory.file("kv.tar.gz") }

    private func entries(_ folder: String = "in", program: String = "#!/bin/sh\n") throws -> [PackageEntry] {
        try Directory.make(directory.file(folder))
        let kv = try directory.write("\(folder)/kv", program, permissions: folder == "in" ? 0o755 : 0o700)
        let name = "lib/kv-2.0.0/priv/" + String(repeating: "long-", count: 40) + "name-é"
        return [
            PackageEntry(path: "lib", contents: .directory),
            PackageEntry(
                path: "lib/kv-2.0.0/ebin/kv", contents: .file(kv, sha256: try FileDigest.sha256(kv)), isExecutable: true
            ),
            PackageEntry(path: name, contents: .bytes(Array("data".utf8))),
            PackageEntry(path: "releases/kv.rel", contents: .bytes([])),
        ]
    }

    private func refusal(_ entries: [PackageEntry], limits: ReleaseArchive.Limits = .init()) -> String? {
        do {
            try ReleaseArchive.write(package, entries, limits: limits)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func `what is written is what is unpacked`() throws {
        let entries = try entries()
        try ReleaseArchive.write(package, entries)
        let root = directory.file("root")
        let unpacked = try ReleaseArchive.unpack(package, into: root)
        #expect(unpacked.map(\.path) == entries.map(\.path))
        #expect(try FileContents.read("\(root)/lib/kv-2.0.0/ebin/kv", limit: 100) == Array("#!/bin/sh\n".utf8))
        #expect(try FileStatus(of: "\(root)/lib/kv-2.0.0/ebin/kv").permissions == 0o755)
        #expect(try FileStatus(of: "\(root)/\(entries[2].path)").permissions == 0o644)
        #expect(directory.names == ["in", "kv.tar.gz", "root"])
        #expect(try FileStatus(of: package).permissions & 0o600 == 0o600)
    }

    @Test func `the same files give the same bytes`() throws {
        try ReleaseArchive.write(package, try entries())
        let first = try FileContents.read(package, limit: 100_000)
        // Other modes, another time, another place.
        let again = try entries("elsewhere")
        var times = [timeval(tv_sec: 1, tv_usec: 0), timeval(tv_sec: 1, tv_usec: 0)]
        #expect(utimes(directory.file("elsewhere/kv"), &times) == 0)
        try ReleaseArchive.write(directory.file("other.tar.gz"), again)
        #expect(try FileContents.read(directory.file("other.tar.gz"), limit: 100_000) == first)
        // RFC 1952: no name (bit 3 of the flags), no time.
        #expect(Array(first.prefix(8)) == [0x1f, 0x8b, 8, 0, 0, 0, 0, 0])
    }

    @Test func `a package takes the place of another one`() throws {
        try directory.write("kv.tar.gz", "old")
        try ReleaseArchive.write(package, try entries())
        #expect(try FileContents.read(package, limit: 100_000).count > 100)
    }

    @Test func `a file that is changed meanwhile is an error, and leaves nothing`() throws {
        let entries = try entries()
        try directory.write("in/kv", "#!/bin/zsh\n")
        try directory.write("kv.tar.gz", "old")
        #expect(
            refusal(entries) == "\(package): not written: \(directory.file("in/kv")) was changed while it was packed")
        #expect(try FileContents.read(package, limit: 100) == Array("old".utf8))
        #expect(directory.names == ["in", "kv.tar.gz"])
    }

    @Test func `a file that is missing is an error, and leaves nothing`() throws {
        let entries = try entries()
        unlink(directory.file("in/kv"))
        #expect(refusal(entries) == "\(package): can't be written: \(directory.file("in/kv")): no such file")
        #expect(directory.names == ["in"])
    }

    @Test func `what unpack-release would refuse is not written`() throws {
        let bad = PackageEntry(path: "lib/../../evil", contents: .bytes([]))
        #expect(
            refusal([bad])
                == "\(package): not written, it could not be unpacked: entry \"lib/../../evil\" has \"..\" in its path")
        let long = String(repeating: "x", count: 1025)
        #expect(refusal([PackageEntry(path: long, contents: .bytes([]))])?.contains("more than 1024 bytes") == true)
        #expect(
            refusal(try entries(), limits: .init(entries: 3))
                == "\(package): not written, it could not be unpacked: more than 3 entries")
        #expect(directory.names == ["in"])
    }

    @Test func `a directory that can't be written to`() throws {
        do {
            try ReleaseArchive.write(directory.file("none/kv.tar.gz"), [])
            Issue.record("no error")
        } catch {
            #expect(error.description.hasPrefix("\(directory.file("none/kv.tar.gz")): can't be written: "))
            #expect(error.description.hasSuffix("open: No such file or directory"))
        }
    }

    // MARK: The manifest

    /// What the staged package's manifest is found to be.
    private func checked(_ entries: [PackageEntry], _ manifest: [String: String]) throws -> String {
        let list = PackageEntry(
            path: PackageManifest.path(vsn: "2.0.0"),
            contents: .bytes(Array(PackageManifest(digests: manifest).text().utf8)))
        try ReleaseArchive.write(package, entries + [list])
        let staged = try ReleaseArchive.stage(package, under: directory.file("root"))
        defer { staged.discard() }
        do throws(ManifestError) {
            return try staged.checkManifest(vsn: "2.0.0") ? "good" : "none"
        } catch {
            return error.description
        }
    }

    @Test func `a manifest vouches for every file`() throws {
        let entries = try entries()
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        var digests = ["releases/kv.rel": empty]
        for entry in entries {
            switch entry.contents {
            case .file(_, let sha256): digests[entry.path] = sha256
            case .bytes(let bytes) where !bytes.isEmpty:
                digests[entry.path] = try FileDigest.sha256(try directory.write("data", bytes))
            case .directory, .bytes: break
            }
        }
        #expect(try checked(entries, digests) == "good")

        let manifest = "releases/2.0.0/SHA256SUMS"
        let kv = "lib/kv-2.0.0/ebin/kv"
        #expect(
            try checked(entries, digests.merging([kv: empty]) { $1 })
                == "\(kv) is not what \(manifest) says: the package is damaged or was changed; fetch it again")
        #expect(
            try checked(entries, digests.filter { $0.key != kv })
                == "\(kv) is not listed in \(manifest): it was added after the package was made")
        #expect(
            try checked(entries, digests.merging(["lib/none": empty]) { $1 })
                == "lib/none is listed in \(manifest), but not in the package; fetch it again")
    }

    @Test func `a link is nothing that a manifest can vouch for`() throws {
        var tar = TarBuilder()
        tar.add("lib/a", .symbolicLink, target: "b")
        tar.add("releases/2.0.0/SHA256SUMS", .file, "")
        try directory.write("kv.tar.gz", tar.gzip)
        let staged = try ReleaseArchive.stage(package, under: directory.file("root"))
        defer { staged.discard() }
        let error = #expect(throws: ManifestError.self) { try staged.checkManifest(vsn: "2.0.0") }
        #expect(
            error?.description
                == "lib/a is a link, which releases/2.0.0/SHA256SUMS can't vouch for; pack the file itself")
        #expect(try staged.checkManifest(vsn: "1.0.0") == false)
    }

    @Test func `a manifest that can't be read is an error at its line`() throws {
        var tar = TarBuilder()
        tar.add("releases/2.0.0/SHA256SUMS", .file, "nonsense\n")
        try directory.write("kv.tar.gz", tar.gzip)
        let staged = try ReleaseArchive.stage(package, under: directory.file("root"))
        defer { staged.discard() }
        let error = #expect(throws: ManifestError.self) { try staged.checkManifest(vsn: "2.0.0") }
        #expect(error?.description.hasPrefix("releases/2.0.0/SHA256SUMS:1:1: expected a SHA-256") == true)
    }
}
