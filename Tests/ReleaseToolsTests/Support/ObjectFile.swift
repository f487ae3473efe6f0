/// The least of a functional module that is dynamically linked: what a loader's checks look at, and no code.
enum ObjectFile {
    /// - Parameters:
    ///   - needed: what DT_NEEDED names.
    ///   - exports: the symbols that it defines.
    ///   - mark: makes files of the same links differ.
    static func library(
        needed: [String] = [], exports: [String] = ["rhm_module_info"], mark: String = "", machine: UInt16 = here
    ) -> [UInt8] {
        var strings: [UInt8] = [0]
        var entries: [(tag: Int, value: Int)] = []
        for name in needed {
            entries.append((1, strings.count))
            strings += Array(name.utf8) + [0]
        }
        var symbols: [UInt8] = Array(repeating: 0, count: 24)
        for name in exports {
            symbols += word(strings.count)[..<4] + [0x12, 0, 1, 0] + word(0) + word(0)
            strings += Array(name.utf8) + [0]
        }
        let dynamicBytes = (entries.count + 2) * 16
        let dynamicStart = 64 + 2 * 56
        let stringsStart = dynamicStart + dynamicBytes
        let symbolsStart = stringsStart + strings.count
        let sectionsStart = symbolsStart + symbols.count
        let end = sectionsStart + 3 * 64 + mark.utf8.count
        entries += [(5, stringsStart), (0, 0)]

        var file = header(machine, sections: sectionsStart)
        file += segment(type: 1, start: 0, bytes: end)
        file += segment(type: 2, start: dynamicStart, bytes: dynamicBytes)
        for entry in entries { file += word(entry.tag) + word(entry.value) }
        file += strings + symbols + section(type: 0, start: 0, bytes: 0)
        file += section(type: 11, start: symbolsStart, bytes: symbols.count, link: 2)
        file += section(type: 3, start: stringsStart, bytes: strings.count)
        return file + Array(mark.utf8)
    }

    #if arch(x86_64)
    static let here: UInt16 = 62
    #elseif arch(arm64)
    static let here: UInt16 = 183
    #elseif arch(riscv64)
    static let here: UInt16 = 243
    #endif

    private static func header(_ machine: UInt16, sections: Int) -> [UInt8] {
        var header: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1] + Array(repeating: 0, count: 9)
        header += [3, 0, UInt8(machine & 0xff), UInt8(machine >> 8), 1, 0, 0, 0]
        header += word(0) + word(64) + word(sections) + [0, 0, 0, 0]
        return header + [64, 0, 56, 0, 2, 0, 64, 0, 3, 0, 0, 0]
    }

    private static func section(type: UInt8, start: Int, bytes: Int, link: UInt8 = 0) -> [UInt8] {
        [0, 0, 0, 0, type, 0, 0, 0] + word(0) + word(0) + word(start) + word(bytes) + [link, 0, 0, 0, 0, 0, 0, 0]
            + word(1)
            + word(24)
    }

    private static func segment(type: UInt8, start: Int, bytes: Int) -> [UInt8] {
        [type, 0, 0, 0, 5, 0, 0, 0] + word(start) + word(start) + word(start) + word(bytes) + word(bytes) + word(8)
    }

    private static func word(_ value: Int) -> [UInt8] { (0..<8).map { UInt8(value >> (8 * $0) & 0xff) } }
}
