import Host
import Instructions
import Terms

/// The files of releases as they lie in the directory that holds `lib/`, without a disk.
struct ReleaseFiles {
    var contents: [String: [UInt8]] = [:]
    /// Files that are there and can't be read, with the name of the error.
    var failures: [String: String] = [:]

    init() {}

    init(_ golden: GoldenCase) {
        for suffix in ["app", "appup"] {
            for located in golden.all(of: Atom(suffix)) {
                let parts = located.children
                guard let name = parts[1].term.asAtom?.name, let vsn = parts[2].term.asString else { continue }
                self["lib/\(name)-\(vsn)/ebin/\(name).\(suffix)"] = "\(parts[3].term).\n"
            }
        }
        for located in golden.all(of: "new_rel") { self["new.rel"] = "\(located.children[1].term).\n" }
        for located in golden.all(of: "base_rel") {
            self["base\(located.children[1].term).rel"] = "\(located.children[2].term).\n"
        }
    }

    subscript(path: String) -> String? {
        get { contents[path].map { String(decoding: $0, as: UTF8.self) } }
        set { contents[path] = newValue.map { Array($0.utf8) } }
    }

    var files: SourceFiles {
        let (contents, failures) = (contents, failures)
        let paths = Set(contents.keys).union(failures.keys)
        return SourceFiles(
            read: { path in failures[path].map { .failed($0) } ?? contents[path].map { .contents($0) } ?? .missing },
            names: { directory in
                paths.filter { $0.hasPrefix("\(directory)/") }.map { String($0.dropFirst(directory.count + 1)) }
            },
            digest: { path in contents[path] },
            tree: { directory in
                let below = contents.filter { $0.key.hasPrefix("\(directory)/") }
                return Dictionary(
                    below.map { (String($0.key.dropFirst(directory.count + 1)), "\($0.value)") },
                    uniquingKeysWith: { $1 })
            },
            matchesWhole: { (vsn, expression) throws(VersionPatternError) in
                do {
                    return try RegularExpression(utf8: expression).matchesWhole(vsn)
                } catch {
                    throw VersionPatternError(message: "\(error)")
                }
            })
    }

    /// Searches every directory of `lib/`.
    var path: SearchPath {
        let directories = Set(
            contents.keys.filter { $0.hasPrefix("lib/") }.compactMap { path in
                path.lastIndex(of: "/").map { String(path[..<$0]) }
            })
        return SearchPath(directories: directories.sorted(), files: files)
    }
}

extension GoldenCase {
    /// What `make-relup` makes of the case.
    func translate() throws(SystoolsError) -> RelupTranslation.Outcome {
        let options = last(of: "opts").first?.term.asList ?? []
        let translation = try RelupTranslation(
            file: "new.rel", path: ReleaseFiles(self).path,
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
