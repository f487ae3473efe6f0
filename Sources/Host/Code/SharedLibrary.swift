/// What is known of a `MODULE.so` without running anything of it. Source: docs/module-abi.md, elf(5).
public struct SharedLibrary: Sendable {
    public enum Interface: Hashable, Sendable, Codable {
        /// It exports `rhm_module_info`: workers call into it.
        case module
        /// It exports `rhd_driver_info`: it exists in one version only.
        case driver
    }

    public let interface: Interface
    /// F of every function of a module: it exports `rhm_call_F`.
    public let functions: Set<String>
    /// Its bytes as they were checked: a sealed memfd, which processes are given.
    public let memory: OwnedDescriptor

    /// The largest library that is read, in bytes.
    static let bytesLimit = 256 << 20

    private static let callPrefix = "rhm_call_"

    static func read(_ file: ModuleFile) throws(ObjectCodeError) -> (library: SharedLibrary, sha256: String) {
        guard file.identity.size <= bytesLimit else { throw ObjectCodeError(file.path, .tooLarge(limit: bytesLimit)) }
        let bytes = try file.read(at: 0, count: file.identity.size)
        let names = try exportedNames(bytes, file.path)
        let interface: Interface
        if names.contains("rhm_module_info") {
            interface = .module
        } else if names.contains("rhd_driver_info") {
            interface = .driver
        } else {
            throw ObjectCodeError(file.path, .noInterface)
        }
        let functions = names.filter { $0.hasPrefix(callPrefix) }.map { String($0.dropFirst(callPrefix.count)) }
        let memory: OwnedDescriptor
        do {
            memory = try StateDescriptor.make(bytes)
        } catch {
            throw ObjectCodeError(file.path, .notKept("\(error)"))
        }
        let library = SharedLibrary(interface: interface, functions: Set(functions), memory: memory)
        return (library, SHA256.digest(of: bytes))
    }

    /// The end of a sentence where a function can't be called, with what it has; nil where it can.
    public func problem(ofCalling function: String) -> String? {
        guard interface == .module else { return "is a driver" }
        guard !functions.contains(function) else { return nil }
        let shown = functions.sorted().prefix(Self.shownFunctions).joined(separator: ", ")
        let more = functions.count > Self.shownFunctions ? " and \(functions.count - Self.shownFunctions) more" : ""
        return functions.isEmpty ? "has no functions" : "has no function \(function); it has \(shown)\(more)"
    }

    private static let shownFunctions = 20

    // MARK: The dynamic symbols

    private static let sectionBytes = 64
    private static let symbolBytes = 24
    private static let dynamicSymbols = 11

    /// Functions and data that are defined and that others see.
    private static func exportedNames(_ bytes: [UInt8], _ path: String) throws(ObjectCodeError) -> Set<String> {
        let fields = ELFFields(bytes: bytes)
        guard bytes.count >= 64, let start = fields.word(40) else { throw ObjectCodeError(path, .cutShort) }
        let count = fields.half(60)
        guard start > 0, count > 0, fields.half(58) == sectionBytes else { throw ObjectCodeError(path, .noSections) }
        guard start <= bytes.count, bytes.count - start >= count * sectionBytes else {
            throw ObjectCodeError(path, .cutShort)
        }
        let sections = (0..<count).map { start + $0 * sectionBytes }
        guard let table = sections.first(where: { fields.half($0 + 4) == dynamicSymbols }) else { return [] }
        let link = fields.half(table + 40)
        guard link < count, let symbols = content(of: table, fields), let strings = content(of: sections[link], fields)
        else { throw ObjectCodeError(path, .cutShort) }
        var names: Set<String> = []
        for symbol in stride(from: symbols.lowerBound, to: symbols.upperBound - symbolBytes + 1, by: symbolBytes) {
            // Undefined, or hidden from others, or local.
            let (binding, visibility) = (bytes[symbol + 4] >> 4, bytes[symbol + 5] & 3)
            guard fields.half(symbol + 6) != 0, binding == 1 || binding == 2, visibility == 0 || visibility == 3 else {
                continue
            }
            let name = strings.lowerBound + fields.half(symbol) + fields.half(symbol + 2) << 16
            guard name < strings.upperBound, let end = bytes[name..<strings.upperBound].firstIndex(of: 0) else {
                throw ObjectCodeError(path, .cutShort)
            }
            names.insert(String(decoding: bytes[name..<end], as: UTF8.self))
        }
        return names
    }

    private static func content(of section: Int, _ fields: ELFFields) -> Range<Int>? {
        guard let offset = fields.word(section + 24), let size = fields.word(section + 32),
            offset <= fields.bytes.count, size <= fields.bytes.count - offset
        else { return nil }
        return offset..<(offset + size)
    }
}
