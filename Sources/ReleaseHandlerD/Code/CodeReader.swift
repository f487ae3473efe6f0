import Host
import Instructions
import ReleaseHandling
import Terms

/// Reads and checks object code, on any thread: it takes as long as the file is large where it is not known.
struct CodeReader: Sendable {
    let root: ReleaseRoot
    /// Of all files that this run of the daemon has hashed.
    var digests = FileDigests()

    /// A module of one library.
    func read(_ module: Atom, of library: LibraryRecord) throws(CodeError) -> LoadedCode {
        let file: ObjectCode
        do {
            file = try ObjectCode.check(module: module.name, in: root.resolve(library.directory) + "/ebin", digests)
        } catch {
            throw .object(error)
        }
        let kind: CodeVersion.Kind
        switch file.kind {
        case .elf, .script: kind = .resident
        case .supervisor: kind = .supervisor
        case .library: kind = .functional
        }
        let version = CodeVersion(
            module: module, kind: kind, library: library.name, libraryVsn: library.vsn, path: file.path,
            sha256: file.sha256)
        return LoadedCode(version: version, file: file)
    }

    /// The same bytes put back: see `ObjectCode.readAgain`.
    func readAgain(_ file: ObjectCode) -> ObjectCode? { file.readAgain(digests) }
}
