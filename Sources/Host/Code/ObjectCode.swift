import Glibc
import Terms

/// A module's file that was read and found to be what its name says.
public struct ObjectCode: Sendable {
    public enum Kind: Hashable, Sendable, Codable {
        /// An executable for this machine.
        case elf
        /// A program text whose first line names its interpreter.
        case script(interpreter: String)
        /// `MODULE.so`: a shared library for this machine.
        case library
        /// `MODULE.sup`: what a supervisor's init would return, as a term.
        case supervisor
    }

    public let path: String
    public let kind: Kind
    /// 64 lower-case hexadecimal digits.
    public let sha256: String
    public let identity: FileIdentity
    /// How to start it: for `.elf` and `.script`.
    public let executable: ExecutableFile?
    /// The bytes that were read: for `.supervisor`.
    public let contents: [UInt8]?
    /// For `.library`.
    public let library: SharedLibrary?

    init(
        path: String, kind: Kind, sha256: String, identity: FileIdentity, executable: ExecutableFile? = nil,
        contents: [UInt8]? = nil, library: SharedLibrary? = nil
    ) {
        self.path = path
        self.kind = kind
        self.sha256 = sha256
        self.identity = identity
        self.executable = executable
        self.contents = contents
        self.library = library
    }

    /// The longest `.sup` file that is read.
    static let supervisorBytesLimit = 1024 * 1024

    /// Reads and checks the file at `path`: `.so` is a library, `.sup` a supervisor, all else an executable.
    ///
    /// It reads the whole file where `digests` does not know it, so keep it off a thread that others wait for where files
    /// are large.
    public static func check(_ path: String, _ digests: FileDigests? = nil) throws(ObjectCodeError) -> ObjectCode {
        let file = try ModuleFile(path)
        if path.hasSuffix(".sup") { return try checkSupervisor(file) }
        guard file.identity.size > 0 else { throw ObjectCodeError(path, .empty) }
        let start = try file.read(at: 0, count: 256)
        if path.hasSuffix(".so") {
            guard ELFHeader.isELF(start) else { throw ObjectCodeError(path, .notLibrary) }
            try ELFHeader.check(file, start, as: .library)
            let (library, digest) = try SharedLibrary.read(file)
            return ObjectCode(
                path: path, kind: .library, sha256: digest, identity: file.identity, library: library)
        }
        guard file.isExecutable else { throw ObjectCodeError(path, .notExecutable) }
        if ELFHeader.isELF(start) {
            try ELFHeader.check(file, start, as: .executable)
            return ObjectCode(
                path: path, kind: .elf, sha256: try file.sha256(digests), identity: file.identity,
                executable: .elf(path, file.descriptor, file.identity), contents: nil)
        }
        let interpreter = try checkScript(path, start)
        return ObjectCode(
            path: path, kind: .script(interpreter: interpreter), sha256: try file.sha256(digests),
            identity: file.identity,
            executable: .script(path, file.identity), contents: nil)
    }

    /// Reads and checks the module `name` of the directory `ebin`: `NAME`, `NAME.so` or `NAME.sup`, the first
    /// that exists.
    public static func check(
        module name: String, in ebin: String, _ digests: FileDigests? = nil
    ) throws(ObjectCodeError) -> ObjectCode {
        let candidates = ["", ".so", ".sup"].map { "\(ebin)/\(name)\($0)" }
        guard let path = candidates.first(where: { access($0, F_OK) == 0 }) else {
            throw ObjectCodeError("\(ebin)/\(name)", .missing)
        }
        return try check(path, digests)
    }

    private static func checkSupervisor(_ file: ModuleFile) throws(ObjectCodeError) -> ObjectCode {
        guard file.identity.size <= supervisorBytesLimit else {
            throw ObjectCodeError(file.path, .tooLarge(limit: supervisorBytesLimit))
        }
        let contents = try file.read(at: 0, count: file.identity.size)
        do {
            let terms = try TermText.parseTerms(contents, limits: .default)
            guard terms.count == 1 else { throw ObjectCodeError(file.path, .notOneTerm(count: terms.count)) }
        } catch let error as TermTextError {
            throw ObjectCodeError(file.path, .badTerm("\(error)"))
        } catch let error as ObjectCodeError {
            throw error
        } catch {
            throw ObjectCodeError(file.path, .badTerm("\(error)"))
        }
        return ObjectCode(
            path: file.path, kind: .supervisor, sha256: SHA256.digest(of: contents),
            identity: file.identity, executable: nil, contents: contents)
    }

    /// The interpreter of a script that begins with `start`. Source: execve(2), "Interpreter scripts".
    private static func checkScript(_ path: String, _ start: [UInt8]) throws(ObjectCodeError) -> String {
        guard start.starts(with: Array("#!".utf8)) else { throw ObjectCodeError(path, .unknownFormat) }
        let blanks: Set<UInt8> = [UInt8(ascii: " "), UInt8(ascii: "\t")]
        let line = start.dropFirst(2).prefix { $0 != UInt8(ascii: "\n") }
        let word = line.drop { blanks.contains($0) }.prefix { !blanks.contains($0) }
        let interpreter = String(decoding: word, as: UTF8.self)
        guard !interpreter.isEmpty else { throw ObjectCodeError(path, .noInterpreter) }
        guard interpreter.hasPrefix("/") else { throw ObjectCodeError(path, .relativeInterpreter(interpreter)) }
        guard access(interpreter, F_OK) == 0 else { throw ObjectCodeError(path, .missingInterpreter(interpreter)) }
        guard access(interpreter, X_OK) == 0 else {
            throw ObjectCodeError(path, .interpreterNotExecutable(interpreter))
        }
        return interpreter
    }
}

/// An open regular file.
struct ModuleFile {
    let path: String
    let descriptor: OwnedDescriptor
    let identity: FileIdentity
    let isExecutable: Bool

    init(_ path: String) throws(ObjectCodeError) {
        let descriptor: OwnedDescriptor
        do {
            // Non-blocking: opening a FIFO would wait for its writer.
            descriptor = try OwnedDescriptor.open(path, O_RDONLY | O_NONBLOCK)
        } catch {
            throw ObjectCodeError(path, error.number == ENOENT ? .missing : .unreadable(error.number))
        }
        try self.init(path, descriptor)
    }

    /// One that is open already, as it is now.
    init(_ path: String, _ descriptor: OwnedDescriptor) throws(ObjectCodeError) {
        self.path = path
        self.descriptor = descriptor
        let status: FileStatus
        do {
            status = try FileStatus(of: descriptor.raw)
        } catch {
            throw ObjectCodeError(path, .unreadable(error.number))
        }
        guard status.kind == .file else { throw ObjectCodeError(path, .notFile) }
        identity = status.identity
        isExecutable = status.isExecutable
    }

    /// `count` bytes from `offset` on, fewer where the file ends before.
    func read(at offset: Int, count: Int) throws(ObjectCodeError) -> [UInt8] {
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let got = pread(descriptor.raw, buffer.baseAddress! + filled, count - filled, off_t(offset + filled))
                if got > 0 {
                    filled += got
                } else if got == 0 {
                    return
                } else if errno != EINTR {
                    failure = errno
                    return
                }
            }
        }
        guard failure == 0 else { throw ObjectCodeError(path, .unreadable(failure)) }
        return bytes
    }

    /// The digest, as `digests` knows it or by reading the whole file.
    func sha256(_ digests: FileDigests?) throws(ObjectCodeError) -> String {
        guard let digests else { return try sha256() }
        return try digests.sha256(of: self)
    }

    func sha256() throws(ObjectCodeError) -> String {
        var hash = SHA256()
        var offset = 0
        while true {
            let bytes = try read(at: offset, count: 256 * 1024)
            if bytes.isEmpty { return hash.finalize() }
            hash.update(bytes)
            offset += bytes.count
        }
    }
}
