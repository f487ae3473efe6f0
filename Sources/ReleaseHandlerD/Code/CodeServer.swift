import Host
import Instructions
import ReleaseHandling
import Terms

/// A module's object code: the version that the code table knows, and the file as it was checked.
struct LoadedCode: Sendable {
    let version: CodeVersion
    let file: ObjectCode
}

/// Why a module can't be used.
enum CodeError: Error, CustomStringConvertible {
    case notFound(Atom, searched: [String])
    case object(ObjectCodeError)
    case notResident(Atom, path: String)
    case notSupervisor(Atom, path: String)

    var description: String {
        switch self {
        case .notFound(let module, let searched):
            "module \(module.name) is in no library of the release; searched \(searched.joined(separator: ", "))"
        case .object(let error): error.description
        case .notResident(let module, let path):
            "module \(module.name) can't be started as a worker: \(path) is no executable"
        case .notSupervisor(let module, let path):
            "module \(module.name) can't be a supervisor: \(path) is no .sup file"
        }
    }

    /// OTP's `undef` where there is no such module, else a sentence.
    var term: Term {
        switch self {
        case .notFound(let module, _): .tuple([.atom("undef"), .atom(module)])
        case .object, .notResident, .notSupervisor: .text(description)
        }
    }
}

/// The code table and the files behind it: what a worker is started from is the file that was checked.
///
/// Modules are loaded when they are first used, as OTP does in interactive mode, or by an upgrade, from what
/// `load_object_code` read.
@HostActor
final class CodeServer {
    let root: ReleaseRoot
    var reader: CodeReader
    private(set) var table = CodeTable()
    /// Files that were read and checked, by path; the node keeps those that a version of the table names.
    private var files: [String: LoadedCode] = [:]
    private var directories: [Atom: String] = [:]
    /// Modules that are being read for a start: many workers of one start at once.
    var reading: [Atom: Task<Void, Never>] = [:]
    /// By the path of a current version: the directory of the code path that has no file of the same bytes.
    var comparedDirectories: [String: String] = [:]
    /// Names of modules that no library of the code path has a file of: a worker lists what is linked into it, too.
    private var absent: Set<Atom> = []
    /// Told what was purged.
    var onPurge: (([Atom]) -> Void)?
    /// Told what was loaded because it was used, while an upgrade is under way.
    var onLoad: ((_ version: CodeVersion, _ isFirst: Bool) -> Void)?

    init(root: ReleaseRoot) {
        self.root = root
        reader = CodeReader(root: root)
    }

    /// The code path of a release that boots; nothing is loaded yet.
    func use(_ release: LoadedRelease) {
        table = CodeTable()
        table.replacePath(release.record.libraries)
        directories = [:]
        for library in release.record.libraries { directories[library.name] = root.resolve(library.directory) }
        files = [:]
        absent = []
    }

    /// For another daemon that goes on in this one's place.
    struct State: Codable {
        struct File: Codable {
            let version: CodeVersion
            let file: ObjectCode.State
        }

        let table: CodeTable
        let files: [File]

        var descriptors: [Int32] { files.flatMap(\.file.descriptors) }
    }

    var state: State {
        State(table: table, files: files.values.map { State.File(version: $0.version, file: $0.file.state) })
    }

    /// Goes on where the daemon before stood: what it read is not read again.
    func goOn(_ state: State) {
        table = state.table
        for library in table.path.values { directories[library.name] = root.resolve(library.directory) }
        for file in state.files { keep(LoadedCode(version: file.version, file: ObjectCode(file.file))) }
    }

    /// Makes a change that a machine decided on.
    func apply(_ change: CodeTable.Change) {
        table.apply(change)
        absent = []
        if case .purge(let modules) = change { onPurge?(modules) }
        for library in table.path.values { directories[library.name] = root.resolve(library.directory) }
    }

    /// Lets go of files that neither the table nor an upgrade needs any more.
    func forgetUnused() {
        let used = Set(table.current.values.map(\.path) + table.old.values.map(\.path))
        files = files.filter { used.contains($0.key) }
        comparedDirectories = comparedDirectories.filter { used.contains($0.key) }
    }

    /// Keeps what was read; nothing becomes current by it.
    func keep(_ code: LoadedCode) { files[code.version.path] = code }

    /// What was read for this version.
    func loaded(_ version: CodeVersion) -> LoadedCode? { files[version.path] }

    /// The current version of a module, loaded now where it was not yet.
    func current(_ module: Atom) throws(CodeError) -> LoadedCode {
        if let version = table.current[module], let code = files[version.path] { return code }
        for library in table.path.values.sorted(by: { $0.name.name < $1.name.name }) {
            let ebin = root.resolve(library.directory) + "/ebin"
            let paths = ["", ".so", ".sup"].map { "\(ebin)/\(module.name)\($0)" }
            guard FileNames.exists(anyOf: paths) else { continue }
            let code: LoadedCode
            if let kept = kept(module, of: library, at: paths) {
                code = kept
            } else {
                code = try reader.read(module, of: library)
                keep(code)
            }
            table.load(code.version)
            onLoad?(code.version, true)
            return code
        }
        throw .notFound(module, searched: directories.values.sorted().map { $0 + "/ebin" })
    }

    private func kept(_ module: Atom, of library: LibraryRecord, at paths: [String]) -> LoadedCode? {
        paths.lazy.compactMap { self.files[$0] }.first {
            $0.version.library == library.name && $0.version.libraryVsn == library.vsn
        }
    }

    /// A start found the code that is current where the code path has it now.
    func moved(to code: LoadedCode) {
        keep(code)
        table.found(code.version)
        onLoad?(code.version, false)
    }

    /// Where a module was looked for that no library has; nil where one has it.
    func directories(without module: Atom) -> [String]? {
        let ebins = table.path.values.map { root.resolve($0.directory) + "/ebin" }.sorted()
        let names = ["", ".so", ".sup"].map { module.name + $0 }
        let isThere = ebins.contains { ebin in FileNames.exists(anyOf: names.map { "\(ebin)/\($0)" }) }
        return isThere || ebins.isEmpty ? nil : ebins
    }

    func resident(_ module: Atom) throws(CodeError) -> LoadedCode {
        let code = try current(module)
        guard code.file.executable != nil else { throw .notResident(module, path: code.file.path) }
        return code
    }

    /// The bytes of the current MODULE.sup and where they were read.
    func supervisor(_ module: Atom) throws(CodeError) -> (path: String, bytes: [UInt8]) {
        let code = try current(module)
        guard let bytes = code.file.contents else { throw .notSupervisor(module, path: code.file.path) }
        return (code.file.path, bytes)
    }

    /// A process has said which vsn a version has.
    func reported(_ version: CodeVersion) {
        guard let known = table.current[version.module], known.sha256 == version.sha256, known.vsn == nil,
            let vsn = version.vsn?.asText, vsn.utf8.count <= Self.maximumVsnBytes
        else { return }
        let reporting = known.reporting(version.vsn)
        table.found(reporting)
        onLoad?(reporting, false)
    }

    private static let maximumVsnBytes = 255

    // MARK: Libraries

    /// Whether it is known that a module is no library: most names in a spec are of what is linked into the worker, too.
    func isAbsent(_ module: Atom) -> Bool { absent.contains(module) }

    /// Of these modules those that are functional modules or drivers, as they are current; loaded now where they were not yet. A library that
    /// is neither is none of them.
    func functional(_ modules: [Atom]) throws(CodeError) -> [LoadedCode] {
        var found: [LoadedCode] = []
        for module in modules where !absent.contains(module) {
            if let code = try functional(module) { found.append(code) } else { absent.insert(module) }
        }
        return found
    }

    /// The same of one; nil where it is none.
    func functional(_ module: Atom) throws(CodeError) -> LoadedCode? {
        try isLibrary(module) ? try current(module) : nil
    }

    private func isLibrary(_ module: Atom) throws(CodeError) -> Bool {
        if let version = table.current[module] { return version.kind == .functional }
        guard let library = library(withLibraryFileOf: module) else { return false }
        let path = "\(root.resolve(library.directory))/ebin/\(module.name).so"
        if let known = kept(module, of: library, at: [path]) { return known.version.kind == .functional }
        do {
            // It is kept, and is what `current` takes.
            keep(try reader.read(module, of: library))
            return true
        } catch .object(let error) where error.kind == .noInterface {
            return false
        }
    }

    /// The library of the code path where a module is a `.so` and nothing else.
    func library(withLibraryFileOf module: Atom) -> LibraryRecord? {
        guard NameRule.name.allows(module.name) else { return nil }
        for library in table.path.values.sorted(by: { $0.name.name < $1.name.name }) {
            let path = "\(root.resolve(library.directory))/ebin/\(module.name)"
            if FileNames.exists(path) { return nil }
            if FileNames.exists("\(path).so") { return library }
        }
        return nil
    }

    /// The application that has a module: the one it was loaded from, else the one whose `.app` names it.
    func library(of module: Atom, in release: LoadedRelease) -> Atom? {
        table.current[module]?.library
            ?? release.resource.applications.first { release.applications[$0.name]?.modules.contains(module) == true }?
            .name
    }

    /// The directory of an application's library: where `priv/` is.
    func directory(of application: Atom) -> String? { directories[application] }
}
