import Instructions
import Testing

@Suite struct PackageManifestTests {
    static let one = String(repeating: "1", count: 64)
    static let two = String(repeating: "2f", count: 32)

    private func error(_ text: [UInt8]) -> String? {
        do {
            _ = try PackageManifest.parse(text, file: "SHA256SUMS")
            return nil
        } catch {
            return error.description
        }
    }

    @Test func itIsSortedAndReadsBack() throws {
        let manifest = PackageManifest(digests: [
            "releases/kv.rel": Self.two, "lib/kv-1/ebin/kv": Self.one, "lib/kv-1/priv/a\\b\nc": Self.one,
        ])
        let text = """
            \(Self.one)  lib/kv-1/ebin/kv
            \\\(Self.one)  lib/kv-1/priv/a\\\\b\\nc
            \(Self.two)  releases/kv.rel

            """
        #expect(manifest.text() == text)
        #expect(try PackageManifest.parse(Array(text.utf8), file: "SHA256SUMS") == manifest)
        #expect(PackageManifest.path(vsn: "2.0.0") == "releases/2.0.0/SHA256SUMS")
    }

    @Test func whatOtherToolsWriteIsRead() throws {
        let text = "\(Self.two.uppercased()) *lib/a  b"
        #expect(try PackageManifest.parse(Array(text.utf8), file: "x").digests == ["lib/a  b": Self.two])
        #expect(try PackageManifest.parse([], file: "x").digests == [:])
        #expect(try PackageManifest.parse([10], file: "x").digests == [:])
    }

    @Test(arguments: [
        "\(one) lib/a", "\(one)  ", "\(one)", "\(one.dropLast())  lib/a", "\(one.dropLast())g  lib/a", "",
        "\\\(one)  lib/a\\b", "\\\(one)  lib/a\\",
    ])
    func anyOtherLineIsAnError(line: String) {
        #expect(
            error(Array("\(Self.one)  lib/b\n\(line)\n".utf8))
                == "SHA256SUMS:2:1: expected a SHA-256 of 64 hexadecimal digits, two blanks and a path")
    }

    @Test func aPathThatIsNoUTF8OrTwiceIsAnError() {
        #expect(error(Array("\(Self.one)  ".utf8) + [0xff])?.hasPrefix("SHA256SUMS:1:1: expected") == true)
        #expect(
            error(Array("\(Self.one)  lib/a\n\(Self.two)  lib/a\n".utf8)) == "SHA256SUMS:2:1: lib/a is in it twice")
    }
}
