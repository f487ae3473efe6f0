import Glibc
import Host
import Instructions

/// What goes into a release package: each file by its name in the release root, with where it is now and its digest.
struct PackageContents {
    struct File {
        let path: String
        let sha256: String
        let bytes: Int
        let isExecutable: Bool
    }

    private(set) var files: [String: File] = [:]
    private(set) var directories: Set<String> = []

    // MARK: Taking in

    /// A file, through links to it.
    mutating func add(file path: String, as name: String) throws(Diagnostic) {
        do {
            let status = try FileStatus(of: path)
            files[name] = File(
                path: path, sha256: try FileDigest.sha256(path), bytes: status.size, isExecutable: status.isExecutable)
        } catch let error as ObjectCodeError {
            throw Diagnostic(.error, code: "unreadable", "\(error)", advice: "Nothing was written.")
        } catch {
            throw Diagnostic(.error, code: "unreadable", "\(error)", advice: "Nothing was written.")
        }
        directories.formUnion(Paths.parents(of: name))
    }

    /// A directory with all that is in it, empty directories included.
    mutating func add(directory path: String, as name: String) throws(Diagnostic) {
        directories.insert(name)
        for entry in try Self.names(path) {
            let (inner, packed) = ("\(path)/\(entry)", "\(name)/\(entry)")
            switch try Self.kind(inner) {
            case .file: try add(file: inner, as: packed)
            case .directory: try add(directory: inner, as: packed)
            case .symbolicLink:
                guard try Self.kind(inner, throughLinks: true) == .file else {
                    throw Diagnostic(
                        .error, code: "link", "\(inner) is a link to something else than a file",
                        advice: "A package holds files: put them where the link is.")
                }
                try add(file: inner, as: packed)
            case .socket, .other:
                throw Diagnostic(
                    .error, code: "special_file", "\(inner) is neither a file nor a directory",
                    advice: "A package holds files: take it out of the application.")
            }
        }
    }

    private static func names(_ path: String) throws(Diagnostic) -> [String] {
        do {
            return try Directory.allNames(in: path)
        } catch {
            throw Diagnostic(.error, code: "unreadable", "\(error)", advice: "Nothing was written.")
        }
    }

    private static func kind(_ path: String, throughLinks: Bool = false) throws(Diagnostic) -> FileStatus.Kind {
        do {
            return try throughLinks ? FileStatus(of: path).kind : FileStatus(ofLink: path).kind
        } catch {
            throw Diagnostic(.error, code: "unreadable", "\(error)", advice: "Nothing was written.")
        }
    }

    // MARK: Giving out

    /// What is packed, in the order of the names' bytes: a directory stands before what is in it.
    ///
    /// - Parameter vsn: of the release; its directory gets the list of all digests.
    func entries(vsn: String) -> [PackageEntry] {
        let manifest = PackageManifest(digests: files.mapValues(\.sha256))
        let list = PackageEntry(
            path: PackageManifest.path(vsn: vsn), contents: .bytes(Array(manifest.text().utf8)))
        let parents = directories.union(["releases", "releases/\(vsn)"])
        let all =
            parents.map { PackageEntry(path: $0, contents: .directory) } + [list]
            + files.map { name, file in
                PackageEntry(
                    path: name, contents: .file(file.path, sha256: file.sha256), isExecutable: file.isExecutable)
            }
        return all.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    }

    /// As the release root that the package will become, read from where its files are now.
    var releaseFiles: ReleaseFiles {
        let (files, directories) = (files, directories)
        var children: [String: [String]] = [:]
        for name in Array(files.keys) + directories {
            let (directory, last) = Paths.split(name)
            if directory != "." { children[directory, default: []].append(last) }
        }
        return ReleaseFiles(
            locate: { name in
                if let file = files[name] { return file.path }
                return name.hasPrefix("/") && FileNames.exists(name) ? name : nil
            },
            names: { (children[$0] ?? []).sorted() }, shown: { files[$0]?.path ?? $0 })
    }
}
