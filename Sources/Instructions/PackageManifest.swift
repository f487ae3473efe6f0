import Terms

/// The digests of a release package's files, `releases/VSN/SHA256SUMS`: what sha256sum(1) writes and checks.
///
/// A line is 64 hexadecimal digits, two blanks and a path relative to the release root; the lines are in the order of
/// the paths. A path with a backslash or a newline has those as `\\` and `\n`, and its line begins with a backslash.
///
/// Source: the GNU coreutils manual, "cksum output modes".
public struct PackageManifest: Hashable, Sendable {
    public static let fileName = "SHA256SUMS"

    /// By path: 64 lower-case hexadecimal digits.
    public var digests: [String: String]

    public init(digests: [String: String]) { self.digests = digests }

    /// Where it lies in a package of this release.
    public static func path(vsn: String) -> String { "releases/\(vsn)/\(fileName)" }

    public func text() -> String {
        var text = ""
        for (path, digest) in digests.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            let escaped = Self.escaped(path)
            text += escaped == path ? "\(digest)  \(path)\n" : "\\\(digest)  \(escaped)\n"
        }
        return text
    }

    public static func parse(_ utf8: [UInt8], file: String) throws(FileError) -> PackageManifest {
        var digests: [String: String] = [:]
        let newline = UInt8(ascii: "\n")
        let body = utf8.last == newline ? utf8.dropLast() : utf8[...]
        guard !body.isEmpty else { return PackageManifest(digests: [:]) }
        for (index, line) in body.split(separator: newline, omittingEmptySubsequences: false).enumerated() {
            let place = SourcePosition(line: index + 1, column: 1)
            guard let (path, digest) = entry(line) else {
                throw FileError(
                    file: file, position: place,
                    message: "expected a SHA-256 of 64 hexadecimal digits, two blanks and a path")
            }
            guard digests.updateValue(digest, forKey: path) == nil else {
                throw FileError(file: file, position: place, message: "\(path) is in it twice")
            }
        }
        return PackageManifest(digests: digests)
    }

    private static func entry(_ line: ArraySlice<UInt8>) -> (path: String, digest: String)? {
        let isEscaped = line.first == UInt8(ascii: "\\")
        let rest = isEscaped ? line.dropFirst() : line
        let digits = rest.prefix(64)
        let name = rest.dropFirst(66)
        // The second blank may be a star, which marks what was read as binary: here that makes no difference.
        let separators = rest.dropFirst(64).prefix(2)
        guard digits.count == 64, digits.allSatisfy(isHexadecimal), separators == [32, 32] || separators == [32, 42],
            !name.isEmpty, let path = String(validating: name, as: UTF8.self),
            let path = isEscaped ? unescaped(path) : path
        else { return nil }
        return (path, String(decoding: digits, as: UTF8.self).lowercased())
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }

    private static func escaped(_ path: String) -> String {
        guard path.utf8.contains(where: { $0 == UInt8(ascii: "\\") || $0 == UInt8(ascii: "\n") }) else { return path }
        var result = ""
        for scalar in path.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// `nil` where a backslash stands before anything but a backslash or an `n`.
    private static func unescaped(_ text: String) -> String? {
        var result = ""
        var scalars = text.unicodeScalars.makeIterator()
        while let scalar = scalars.next() {
            guard scalar == "\\" else {
                result.unicodeScalars.append(scalar)
                continue
            }
            switch scalars.next() {
            case "\\": result += "\\"
            case "n": result += "\n"
            default: return nil
            }
        }
        return result
    }
}
