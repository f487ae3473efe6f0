import Glibc

/// What of an ELF file must be right before it is worth starting. Source: elf(5).
enum ELFHeader {
    enum Purpose {
        case executable
        case library
    }

    private static let headerBytes = 64
    private static let segmentBytes = 56
    private static let maxSegments = 512

    #if arch(x86_64)
    static let machine: UInt16 = 62
    #elseif arch(arm64)
    static let machine: UInt16 = 183
    #elseif arch(riscv64)
    static let machine: UInt16 = 243
    #endif

    private static let machineNames: [UInt16: String] = [
        3: "x86", 8: "MIPS", 20: "PowerPC", 21: "PowerPC64", 22: "S/390", 40: "ARM", 62: "x86-64", 183: "AArch64",
        243: "RISC-V", 258: "LoongArch",
    ]

    static func machineName(_ number: UInt16) -> String { machineNames[number] ?? "machine \(number)" }

    static func isELF(_ start: [UInt8]) -> Bool { start.starts(with: [0x7f, 0x45, 0x4c, 0x46]) }

    /// Checks that this machine can run or load `file`, whose first bytes are `start`.
    static func check(_ file: ModuleFile, _ start: [UInt8], as purpose: Purpose) throws(ObjectCodeError) {
        guard start.count >= headerBytes else { throw ObjectCodeError(file.path, .cutShort) }
        guard start[4] == 2 else { throw ObjectCodeError(file.path, .otherWordSize(32)) }
        guard start[5] == 1 else { throw ObjectCodeError(file.path, .otherByteOrder) }
        let header = ELFFields(bytes: start)
        guard header.half(18) == machine else {
            throw ObjectCodeError(
                file.path,
                .otherMachine(found: machineName(UInt16(header.half(18))), here: machineName(machine)))
        }
        let isShared = header.half(16) == 3
        let isFixed = header.half(16) == 2
        switch purpose {
        case .executable:
            guard isShared || isFixed else { throw ObjectCodeError(file.path, .wrongType(expected: "an executable")) }
        case .library:
            guard isShared else { throw ObjectCodeError(file.path, .wrongType(expected: "a shared library")) }
        }
        try checkSegments(file, header, purpose)
    }

    private static func checkSegments(
        _ file: ModuleFile, _ header: ELFFields, _ purpose: Purpose
    ) throws(ObjectCodeError) {
        let offset = header.word(32)
        let count = header.half(56)
        guard count > 0, count <= maxSegments, header.half(54) == segmentBytes else {
            throw ObjectCodeError(file.path, .wrongType(expected: "one that can be loaded: it has no segments"))
        }
        guard let offset, offset <= file.identity.size else { throw ObjectCodeError(file.path, .cutShort) }
        let table = ELFFields(bytes: try file.read(at: offset, count: count * segmentBytes))
        guard table.bytes.count == count * segmentBytes else { throw ObjectCodeError(file.path, .cutShort) }
        for segment in 0..<count {
            let base = segment * segmentBytes
            let type = table.half(base) | table.half(base + 2) << 16
            guard type == 1 || type == 3 else { continue }
            guard let start = table.word(base + 8), let length = table.word(base + 32),
                start <= file.identity.size, length <= file.identity.size - start
            else { throw ObjectCodeError(file.path, .cutShort) }
            if type == 3, purpose == .executable { try checkLoader(file, start, length) }
        }
    }

    /// PT_INTERP: execve(2) would say ENOENT, of the program, where its dynamic linker is not there.
    private static func checkLoader(_ file: ModuleFile, _ start: Int, _ length: Int) throws(ObjectCodeError) {
        let bytes = try file.read(at: start, count: min(length, Int(PATH_MAX))).prefix { $0 != 0 }
        let loader = String(decoding: bytes, as: UTF8.self)
        guard access(loader, X_OK) == 0 else { throw ObjectCodeError(file.path, .missingLoader(loader)) }
    }
}

/// Little-endian numbers in bytes.
struct ELFFields {
    let bytes: [UInt8]

    func half(_ offset: Int) -> Int { Int(bytes[offset]) | Int(bytes[offset + 1]) << 8 }

    /// nil where it is more than a file can hold.
    func word(_ offset: Int) -> Int? {
        var value: UInt64 = 0
        for index in (0..<8).reversed() { value = value << 8 | UInt64(bytes[offset + index]) }
        return Int(exactly: value)
    }
}
