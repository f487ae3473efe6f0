/// Which libraries an object file is linked against. Source: elf(5), ld.so(8).
public enum LinkedLibraries {
    private static let headerBytes = 64
    private static let segmentBytes = 56
    private static let entryBytes = 16
    private static let maxSegments = 512
    private static let maxDynamicBytes = 1024 * 1024
    private static let maxNameBytes = 4096

    /// The names in DT_NEEDED, in their order: `libkv_format.so`. None of a file that is no 64-bit little-endian ELF file,
    /// or that is not dynamically linked. What a program opens while it runs, with dlopen(3), is not among them.
    public static func names(_ path: String) throws(ObjectCodeError) -> [String] {
        let file = try ModuleFile(path)
        let start = try file.read(at: 0, count: headerBytes)
        guard ELFHeader.isELF(start) else { return [] }
        guard start.count == headerBytes else { throw ObjectCodeError(path, .cutShort) }
        guard start[4] == 2, start[5] == 1 else { return [] }
        let segments = try Segment.all(of: file, ELFFields(bytes: start))
        guard let dynamic = segments.first(where: { $0.type == 2 }) else { return [] }
        return try needed(file, dynamic, segments)
    }

    private struct Segment {
        let type: Int
        let offset: Int
        let address: Int
        let bytes: Int

        static func all(of file: ModuleFile, _ header: ELFFields) throws(ObjectCodeError) -> [Segment] {
            let count = header.half(56)
            guard count > 0 else { return [] }
            guard count <= maxSegments, header.half(54) == segmentBytes, let offset = header.word(32),
                offset <= file.identity.size
            else { throw ObjectCodeError(file.path, .cutShort) }
            let table = ELFFields(bytes: try file.read(at: offset, count: count * segmentBytes))
            guard table.bytes.count == count * segmentBytes else { throw ObjectCodeError(file.path, .cutShort) }
            return (0..<count).compactMap { number in
                let base = number * segmentBytes
                guard let offset = table.word(base + 8), let address = table.word(base + 16),
                    let bytes = table.word(base + 32)
                else { return nil }
                return Segment(
                    type: table.half(base) | table.half(base + 2) << 16, offset: offset, address: address, bytes: bytes)
            }
        }

        /// Where in the file an address lies; `nil` where the segment does not hold it.
        func offset(of address: Int) -> Int? {
            guard type == 1, address >= self.address, address - self.address < bytes else { return nil }
            let (sum, overflow) = offset.addingReportingOverflow(address - self.address)
            return overflow ? nil : sum
        }
    }

    private static func needed(
        _ file: ModuleFile, _ dynamic: Segment, _ segments: [Segment]
    ) throws(ObjectCodeError) -> [String] {
        guard dynamic.bytes <= maxDynamicBytes, dynamic.offset <= file.identity.size else {
            throw ObjectCodeError(file.path, .cutShort)
        }
        let table = ELFFields(bytes: try file.read(at: dynamic.offset, count: dynamic.bytes))
        guard table.bytes.count == dynamic.bytes else { throw ObjectCodeError(file.path, .cutShort) }
        var names: [Int] = []
        var strings: Int?
        for base in stride(from: 0, through: table.bytes.count - entryBytes, by: entryBytes) {
            let (tag, value) = (table.word(base), table.word(base + 8))
            if tag == 0 { break }
            if tag == 1 { names.append(value ?? .max) }
            if tag == 5 { strings = value }
        }
        guard !names.isEmpty else { return [] }
        guard let strings, let start = segments.lazy.compactMap({ $0.offset(of: strings) }).first else {
            throw ObjectCodeError(file.path, .cutShort)
        }
        var result: [String] = []
        for name in names {
            let (offset, overflow) = start.addingReportingOverflow(name)
            guard !overflow, offset <= file.identity.size else { throw ObjectCodeError(file.path, .cutShort) }
            let bytes = try file.read(at: offset, count: min(maxNameBytes, file.identity.size - offset))
            guard let end = bytes.firstIndex(of: 0) else { throw ObjectCodeError(file.path, .cutShort) }
            result.append(String(decoding: bytes[..<end], as: UTF8.self))
        }
        return result
    }
}
