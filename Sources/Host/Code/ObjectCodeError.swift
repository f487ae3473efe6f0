/// Why a module's file can't be loaded: which file, and what is wrong with it.
public struct ObjectCodeError: Error, Hashable, CustomStringConvertible {
    public enum Kind: Hashable, Sendable {
        case missing
        case notFile
        case unreadable(Int32)
        case empty
        case notExecutable
        /// An executable that is neither ELF nor a script.
        case unknownFormat
        /// A `.so` that is no ELF file.
        case notLibrary
        /// A library that is neither a functional module nor a driver.
        case noInterface
        /// One whose symbols can't be read.
        case noSections
        /// What was read can't be kept.
        case notKept(String)
        /// An ELF file of the other kind: a library where a program should be, or the other way round, or neither.
        case wrongType(expected: String)
        case otherWordSize(Int)
        case otherByteOrder
        case otherMachine(found: String, here: String)
        case cutShort
        case missingLoader(String)
        case noInterpreter
        case relativeInterpreter(String)
        case missingInterpreter(String)
        case interpreterNotExecutable(String)
        case tooLarge(limit: Int)
        case badTerm(String)
        case notOneTerm(count: Int)
    }

    public let path: String
    public let kind: Kind

    init(_ path: String, _ kind: Kind) {
        self.path = path
        self.kind = kind
    }

    public var description: String { "\(path)\(separator)\(sentence)" }

    /// A position in a term file follows its name without a blank.
    private var separator: String {
        if case .badTerm = kind { return ":" }
        return ": "
    }

    private var sentence: String {
        switch kind {
        case .missing: return "no such file"
        case .notFile: return "not a regular file"
        case .unreadable(let number): return "can't be read: \(SystemError.reason(number))"
        case .empty: return "the file is empty"
        case .notExecutable: return "not executable; set its executable bit (chmod +x) before the release is packed"
        case .unknownFormat: return "neither an ELF executable nor a script that begins with #!"
        case .notLibrary: return "not a shared library (no ELF file)"
        case .noInterface:
            return "it exports neither rhm_module_info, as a functional module does, nor rhd_driver_info, as a driver; "
                + "docs/module-abi.md says what a library of a release has"
        case .noSections: return "its section headers are gone; strip it with strip(1), which leaves them"
        case .notKept(let reason): return "its bytes can't be kept: \(reason)"
        case .wrongType(let expected): return "an ELF file, but not \(expected)"
        case .otherWordSize(let bits): return "a \(bits)-bit ELF file, a 64-bit one is needed"
        case .otherByteOrder: return "an ELF file with the byte order of another machine"
        case .otherMachine(let found, let here): return "built for \(found), this machine is \(here)"
        case .cutShort: return "the ELF file is cut short; was it copied whole?"
        case .missingLoader(let loader): return "its dynamic linker \(loader) does not exist here"
        case .noInterpreter: return "its first line, #!, names no interpreter"
        case .relativeInterpreter(let name): return "its interpreter \"\(name)\" is no absolute path"
        case .missingInterpreter(let name): return "its interpreter \(name) does not exist here"
        case .interpreterNotExecutable(let name): return "its interpreter \(name) is not executable"
        case .tooLarge(let limit): return "over the limit of \(limit) bytes"
        case .badTerm(let text): return text
        case .notOneTerm(let count): return "holds \(count) terms, a supervisor's file holds exactly one"
        }
    }
}
