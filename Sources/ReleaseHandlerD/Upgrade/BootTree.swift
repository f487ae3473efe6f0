import Glibc
import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms
import Wire

/// What a boot of a release starts, as its `.sup` files say: the children of its static supervisors, from each application's top supervisor down.
struct BootTree: Sendable {
    struct Child: Sendable {
        let address: ChildAddress
        let spec: ChildSpec
        /// Whose environment and directory it has.
        let application: Atom
    }

    /// One that is to listen at what is no address.
    struct BadAddress: Sendable {
        let child: ChildAddress
        let sentence: String
    }

    private(set) var children: [Child] = []
    private(set) var badAddresses: [BadAddress] = []
    /// Supervisors that can't be read, each in a sentence.
    private(set) var problems: [String] = []

    private let release: LoadedRelease
    private let root: ReleaseRoot
    private let reader: CodeReader

    /// Reads files: on a thread that may wait for the disk.
    init(_ release: LoadedRelease, _ root: ReleaseRoot, _ reader: CodeReader) {
        self.release = release
        self.root = root
        self.reader = reader
        for application in release.applicationSpecs {
            guard application.type != .load, application.type != .none, let top = application.mod?.module else {
                continue
            }
            let address = ChildAddress(application: application.name, path: [.atom(top)])
            read(top, at: address, of: application.name, above: [])
        }
    }

    private mutating func read(_ module: Atom, at address: ChildAddress, of application: Atom, above: [Atom]) {
        // One that names itself among its children would be read for ever, and started so.
        guard !above.contains(module) else {
            problems.append("supervisor \(address) is started by its own module \(module)")
            return
        }
        guard let library = library(of: module) else {
            problems.append("supervisor \(address): no application of the release has \(module.name).sup")
            return
        }
        let owner = release.includedApplications.owner(in: application, libraries: [library.name])
        let environment = release.environment(of: owner)
        let initial: SupervisorInit
        do {
            let code = try reader.read(module, of: library)
            guard let bytes = code.file.contents,
                let parsed = try SupervisorInit.parse(
                    bytes, file: code.file.path, environment: { environment[$0] })
            else { return }  // It says `ignore`.
            initial = parsed
        } catch {
            problems.append("supervisor \(address): \(error)")
            return
        }
        guard initial.flags.strategy != .simpleOneForOne else { return }
        for spec in initial.children {
            let child = ChildAddress(application: address.application, path: address.path + [spec.id])
            children.append(Child(address: child, spec: spec, application: owner))
            if let sentence = spec.addressProblem { badAddresses.append(BadAddress(child: child, sentence: sentence)) }
            if spec.type == .supervisor {
                read(spec.start.module, at: child, of: application, above: above + [module])
            }
        }
    }

    /// Of the children's programs those that are not there, in a sentence each. Reads directories.
    var missingPrograms: [String] {
        let ebins = release.record.libraries.map { "\(root.resolve($0.directory))/ebin" }.sorted()
        return children.compactMap { (child) -> String? in
            guard child.spec.type == .worker else { return nil }
            if child.spec.isUnmodifiedProgram { return problem(ofProgram: child) }
            let module = child.spec.start.module
            guard !ebins.contains(where: { ebin in Self.isThere(module, in: ebin) }) else { return nil }
            return "child \(child.address): \(CodeError.notFound(module, searched: ebins))"
        }
    }

    private static func isThere(_ module: Atom, in ebin: String) -> Bool {
        FileNames.exists(anyOf: ["", ".so", ".sup"].map { "\(ebin)/\(module.name)\($0)" })
    }

    /// Why an unmodified program can't be executed; nil where it can.
    func problem(ofProgram child: Child) -> String? {
        guard let program = child.spec.start.arguments.first?.asText, !program.isEmpty else {
            return "child \(child.address): its start names no program"
        }
        // As the start takes it, of the application that it is supervised in.
        let directory = release.record.library(child.address.application).map { root.resolve($0.directory) }
        let path = program.hasPrefix("/") ? program : "\(directory ?? root.path)/\(program)"
        guard access(path, X_OK) == 0 else {
            return "child \(child.address): \(path) can't be executed: \(SystemError.reason(errno))"
        }
        return nil
    }

    /// As the code server finds it at a boot: whichever application lists it, by the files.
    private func library(of module: Atom) -> LibraryRecord? {
        release.record.libraries.sorted { $0.name.name < $1.name.name }.first {
            Self.isThere(module, in: "\(root.resolve($0.directory))/ebin")
        }
    }
}
