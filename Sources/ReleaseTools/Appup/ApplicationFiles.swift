import Host
import Instructions
import Terms

/// One version of an application as it lies in its directory.
struct ApplicationFiles: Sendable {
    /// `lib/kv-2.0.0`
    let directory: String
    let ebin: String
    let resource: ApplicationResource
    private(set) var version: AppupProposal.Version
    private(set) var diagnostics: [Diagnostic] = []

    var vsn: String { resource.vsn }
    var file: String { "\(ebin)/\(resource.name.name).app" }

    init(_ directory: String) throws(Diagnostic) {
        self.directory = directory
        let inner = Paths.join(directory, "ebin")
        ebin = Directory.isDirectory(inner) ? inner : directory
        let names = Directory.names(ebin)
        let resources = names.filter { $0.hasSuffix(".app") && !$0.hasPrefix(".") }
        guard let name = resources.first, resources.count == 1 else {
            let found =
                resources.isEmpty ? "no .app file" : "more than one .app file: \(resources.joined(separator: " "))"
            throw Diagnostic(
                .error, code: "no_application", "\(ebin) has \(found)",
                advice: "Give the directory of one version of an application, such as lib/kv-2.0.0.")
        }
        let file = "\(ebin)/\(name)"
        do {
            resource = try ReleaseFiles.below(ebin, shownAfter: "\(ebin)/").parse(name, ApplicationResource.parse)
        } catch {
            throw Diagnostic(error, code: "bad_application")
        }
        let priv = Paths.priv(beside: ebin).map(Directory.fingerprints) ?? [:]
        version = AppupProposal.Version(vsn: resource.vsn, modules: [:], priv: priv)
        for module in resource.modules { read(module) }
        for name in names where !name.hasPrefix(".") && !name.hasSuffix(".app") && !name.hasSuffix(".appup") {
            let module = Atom(Self.module(of: name))
            guard !resource.modules.contains(module) else { continue }
            diagnostics.append(
                Diagnostic(
                    .warning, code: "unlisted_module", "\(ebin)/\(name) is no module of \(resource.name.name)",
                    place: SourcePlace(file: file, position: nil),
                    advice: "It gets no instruction: add \(Term.atom(module)) to the modules, or put it into priv."))
        }
    }

    private static func module(of name: String) -> String {
        [".so", ".sup"].first(where: name.hasSuffix).map { String(name.dropLast($0.count)) } ?? name
    }

    private mutating func read(_ module: Atom) {
        let kinds: [(suffix: String, kind: AppupProposal.Kind)] = [
            ("", .executable), (".so", .library), (".sup", .supervisor),
        ]
        let path = "\(ebin)/\(module.name)"
        guard let found = kinds.first(where: { FileNames.exists(path + $0.suffix) }) else {
            diagnostics.append(
                Diagnostic(
                    .error, code: "no_object_code", "there is no \(path), \(path).so or \(path).sup",
                    place: SourcePlace(file: file, position: nil),
                    advice: "Its modules list \(module.name): build it, or take it out of the list."))
            return
        }
        do {
            let digest = try FileDigest.sha256(path + found.suffix)
            let needed = found.kind == .supervisor ? [] : try LinkedLibraries.names(path + found.suffix)
            // By its file's name: a library's own idea of its name may be anything.
            let links = resource.modules.filter { other in
                other != module && needed.contains("\(other.name).so") && FileNames.exists("\(ebin)/\(other.name).so")
            }
            version.modules[module] = AppupProposal.Module(kind: found.kind, digest: digest, linkedAgainst: links)
        } catch {
            diagnostics.append(Diagnostic(error, shownAs: path + found.suffix))
        }
    }
}
