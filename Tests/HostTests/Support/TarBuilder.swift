/// Forges release packages, good and bad ones. Source: tar(5), RFC 1952.
struct TarBuilder {
    private var bytes: [UInt8] = []

    enum Kind: Character {
        case file = "0"
        case hardLink = "1"
        case symbolicLink = "2"
        case characterDevice = "3"
        case blockDevice = "4"
        case directory = "5"
        case fifo = "6"
    }

    /// Appends an entry. `claimedSize` is what the header says, where that is to differ from what is there.
    mutating func add(
        _ name: String, _ kind: Kind = .file, _ contents: String = "", target: String = "", mode: Int = 0o644,
        claimedSize: Int? = nil
    ) {
        let contents = Array(contents.utf8)
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, _ offset: Int) {
            for (index, byte) in text.utf8.enumerated() { header[offset + index] = byte }
        }
        func octal(_ number: Int, _ digits: Int) -> String {
            let text = String(number, radix: 8)
            return String(repeating: "0", count: digits - text.count) + text
        }
        put(name, 0)
        put(octal(mode, 7), 100)
        put(octal(0, 7), 108)
        put(octal(0, 7), 116)
        put(octal(claimedSize ?? contents.count, 11), 124)
        put(octal(1_700_000_000, 11), 136)
        put("        ", 148)
        put(String(kind.rawValue), 156)
        put(target, 157)
        put("ustar", 257)
        put("00", 263)
        put(octal(1, 7), 329)
        put(octal(3, 7), 337)
        put(octal(header.reduce(0) { $0 + Int($1) }, 6), 148)
        header[154] = 0
        bytes += header + contents + [UInt8](repeating: 0, count: (512 - contents.count % 512) % 512)
    }

    /// The whole package, compressed by not compressing: stored blocks.
    var gzip: [UInt8] {
        let tar = bytes + [UInt8](repeating: 0, count: 1024)
        var result: [UInt8] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]
        var offset = 0
        while offset < tar.count {
            let count = min(0xffff, tar.count - offset)
            result.append(offset + count == tar.count ? 1 : 0)
            result += Self.littleEndian(count, 2) + Self.littleEndian(~count, 2) + tar[offset..<(offset + count)]
            offset += count
        }
        return result + Self.littleEndian(Int(Self.checksum(tar)), 4) + Self.littleEndian(tar.count, 4)
    }

    private static func littleEndian(_ number: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }

    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        let table = (0..<256).map { index in
            var value = UInt32(index)
            for _ in 0..<8 {
                let isOdd = value & 1 == 1
                value >>= 1
                if isOdd { value ^= 0xedb8_8320 }
            }
            return value
        }
        return ~bytes.reduce(~UInt32(0)) { table[Int(($0 ^ UInt32($1)) & 0xff)] ^ ($0 >> 8) }
    }
}
