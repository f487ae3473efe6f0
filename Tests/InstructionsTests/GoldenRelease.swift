import Host
import Instructions
import Terms

/// The files of a golden case, as they lie in the directory that holds `lib/`.
struct GoldenRelease {
    private var files: [String: [UInt8]] = [:]
    private var directories: Set<String> = []

    init(_ golden: GoldenCase) {
        for suffix in ["app", "appup"] {
            for located in golden.all(of: Atom(suffix)) {
                let parts = located.children
                guard let name = parts[1].term.asAtom?.name, let vsn = parts[2].term.asString else { continue }
                let directory = "lib/\(name)-\(vsn)/ebin"
                directories.insert(directory)
                files["\(directory)/\(name).\(suffix)"] = Array("\(parts[3].term).\n".utf8)
            }
        }
        for located in golden.all(of: "new_rel") { files["new.rel"] = Array("\(located.children[1].term).\n".utf8) }
        for located in golden.all(of: "base_rel") {
            files["base\(located.children[1].term).rel"] = Array("\(located.children[2].term).\n".utf8)
        }
    }

    var path: SearchPath {
        let files = files
        return SearchPath(
            directories: directories.sorted(),
            files: SourceFiles(
                read: { path in files[path].map { .contents($0) } ?? .missing },
                names: { directory in
                    files.keys.filter { $0.hasPrefix("\(directory)/") }.map {
                        String($0.dropFirst(directory.count + 1))
                    }
                },
                digest: { _ in nil },
                matchesWhole: { (vsn, expression) throws(VersionPatternError) in
                    do {
                        return try RegularExpression(utf8: expression).matchesWhole(vsn)
                    } catch {
                        throw VersionPatternError(message: "\(error)")
                    }
                }))
    }
}

extension GoldenCase {
    /// What `make-relup` makes of the case.
    func translate() throws(SystoolsError) -> RelupTranslation.Outcome {
        let options = last(of: "opts").first?.term.asList ?? []
        let translation = try RelupTranslation(
            file: "new.rel", path: GoldenRelease(self).path,
            restartsEmulator: options.contains(.atom("restart_emulator")))
        return try translation.translate(
            upFrom: bases("up_from"), downTo: bases("down_to"),
            warningsAsErrors: options.contains(.atom("warnings_as_errors")))
    }

    private func bases(_ tag: Atom) -> [RelupTranslation.Base] {
        (last(of: tag).first?.children ?? []).map {
            RelupTranslation.Base(file: "base\($0.children[0].term).rel", description: $0.children[1].term)
        }
    }
}
