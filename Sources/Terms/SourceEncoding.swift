/// The encoding of a file of terms: UTF-8, or Latin-1 where a comment in one of its first two lines says so,
/// `%% coding: latin-1`.
///
/// Source: epp(3), "encoding"; what OTP 25 finds, Tests/TermsTests/golden/consult.tsv.
enum SourceEncoding {
    /// So far OTP looks for it.
    private static let bytesLooked = 512

    /// The file's text in UTF-8.
    static func utf8(of file: [UInt8]) -> [UInt8] {
        guard isLatin1(file) else { return file }
        return file.flatMap { $0 < 0x80 ? [$0] : [0xC0 | $0 >> 6, 0x80 | $0 & 0x3F] }
    }

    static func isLatin1(_ file: [UInt8]) -> Bool {
        let lines = file.prefix(bytesLooked).split(
            separator: UInt8(ascii: "\n"), maxSplits: 2, omittingEmptySubsequences: false)
        for line in lines.prefix(2) {
            guard let comment = line.firstIndex(of: UInt8(ascii: "%")) else { continue }
            if let name = encoding(in: line[comment...]) { return name == "latin-1" }
        }
        return false
    }

    /// `coding`, blanks, `:` or `=`, blanks, and a name, in lowercase; the first.
    private static func encoding(in comment: ArraySlice<UInt8>) -> String? {
        let word = Array("coding".utf8)
        var rest = comment
        while let at = rest.firstIndex(of: word[0]) {
            rest = rest[at...]
            guard rest.starts(with: word) else {
                rest = rest.dropFirst()
                continue
            }
            rest = rest.dropFirst(word.count)
            let sign = rest.drop(while: isBlank)
            guard sign.first == UInt8(ascii: ":") || sign.first == UInt8(ascii: "=") else { continue }
            let name = sign.dropFirst().drop(while: isBlank).prefix(while: isNamePart)
            if !name.isEmpty { return String(decoding: name, as: UTF8.self).lowercased() }
        }
        return nil
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    private static func isNamePart(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"): true
        default: false
        }
    }
}
