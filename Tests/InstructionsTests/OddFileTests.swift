import Foundation
import Host
import Instructions
import Terms
import Testing

/// Odd sys.config, RELEASES and .rel files, beside what OTP makes of each: golden/odd/README.md.
@Suite struct OddFileTests {
    struct Line: Sendable {
        let kind: String
        let name: String
        let files: [(name: String, bytes: [UInt8])]
        /// nil where OTP refuses it.
        let term: Term?
    }

    static func lines(_ kind: String) throws -> [Line] {
        let table = try #require(
            Bundle.module.url(forResource: "odd", withExtension: "tsv", subdirectory: "golden/odd"))
        return try String(contentsOf: table, encoding: .utf8).split(separator: "\n").compactMap { line in
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
            try #require(fields.count == 4)
            guard fields[0] == kind else { return nil }
            let files = try fields[2].split(separator: " ").map { file in
                let parts = file.split(separator: "=", omittingEmptySubsequences: false)
                return (name: String(parts[0]), bytes: try bytes(parts[1]))
            }
            let term =
                fields[3].hasPrefix("ok ") ? try ExternalTermFormat.decode(try bytes(fields[3].dropFirst(3))) : nil
            return Line(kind: kind, name: String(fields[1]), files: files, term: term)
        }
    }

    private static func bytes(_ hex: Substring) throws -> [UInt8] {
        let digits = Array(hex)
        return try stride(from: 0, to: digits.count - 1, by: 2).map {
            try #require(UInt8(String(digits[$0...$0 + 1]), radix: 16))
        }
    }

    /// What is read otherwise, and why.
    static let differences: [String: [String: String]] = [
        "config": [
            "a file in the working directory": "that of a daemon is nobody's choice: a file lies beside sys.config",
            "a byte order mark": "it says nothing but UTF-8",
        ],
        "releases": [
            "nothing": "OTP goes on as if no release had been unpacked", "no dot": "the same", "two terms": "the same",
            "an empty library": "it would be the root itself",
            "an unknown status": "no operation leaves it, and none leads on from it",
            "tmp_current": "ReleaseTable.recover makes unpacked of it, once it is read",
            "a version that is an atom": "it is a directory's name", "a version that is a binary": "the same",
            "the same version twice": "nobody could say which of them is meant",
            "two permanent ones": "nobody could say which of them boots",
        ],
        "rel": [
            "two terms": "nobody reads the second", "a name that is a path": "it leads out of the release root",
            "an absolute name": "the same", "a version that is a path": "the same",
            "an empty version": "it is a directory's name", "an application twice": "systools refuses it a step later",
            "no applications": "kernel and stdlib need not be there", "a byte order mark": "it says nothing but UTF-8",
        ],
    ]

    /// Compares all lines of a kind; a difference that is meant has to be one.
    private func compare(
        _ kind: String, atLeast count: Int, _ read: (Line) throws -> Term
    ) throws {
        let lines = try Self.lines(kind)
        #expect(lines.count >= count && Set(lines.map(\.name)).count == lines.count)
        let meant = Self.differences[kind] ?? [:]
        #expect(Set(lines.map(\.name)).isSuperset(of: meant.keys))
        for line in lines {
            var found: Term?
            var message = ""
            do {
                found = try read(line)
            } catch {
                message = "\(error)"
            }
            if meant[line.name] == nil {
                #expect(
                    found.map(Self.sorted) == line.term.map(Self.sorted), "\(kind), \(line.name): \(message)")
            } else {
                #expect(found != line.term, "\(kind), \(line.name) is as in OTP")
            }
        }
    }

    @Test func configurationsAreReadAsByOTP() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let names: [Term] = ["kv", "b", "c", "d"].map { .atom(Atom($0)) }
        try compare("config", atLeast: 55) { line in
            let root = "\(directory)/\(UUID().uuidString)/root"
            for file in line.files {
                let path = Paths.join(root, file.name)
                try FileManager.default.createDirectory(
                    atPath: Paths.parent(of: path), withIntermediateDirectories: true)
                let text = file.bytes.flatMap { $0 == UInt8(ascii: "@") ? Array(root.utf8) : [$0] }
                try Data(text).write(to: URL(filePath: path))
            }
            let sys = "\(root)/sys.config"
            let config = try SysConfig.parse(try FileContents.read(sys, limit: 1 << 20), file: sys)
                .including { (name) throws(FileError) in
                    let path = Paths.join(root, SysConfig.file(ofIncluded: name))
                    guard let bytes = try? FileContents.read(path, limit: 1 << 20) else {
                        throw SysConfig.missing(name, at: path, includedBy: sys)
                    }
                    return try SysConfig.parseIncluded(bytes, file: path)
                }
            var seen: Set<Atom> = []
            let applications = config.entries.map(\.application).filter { seen.insert($0).inserted }
            return .list(
                applications.filter { names.contains(.atom($0)) }.map { name in
                    .tuple([
                        .atom(name), .list(config.environment(of: name).map { .tuple([.atom($0.key), $0.value]) }),
                    ])
                })
        }
    }

    /// Where an application and a key stands in its list says nothing.
    private static func sorted(_ term: Term) -> Term {
        guard let list = term.asList, list.allSatisfy({ $0.asTuple?.count == 2 }) else { return term }
        return .list(
            list.map { pair in
                let parts = pair.asTuple ?? []
                return .tuple([parts[0], parts[1].asList?.isEmpty == false ? sorted(parts[1]) : parts[1]])
            }.sorted { "\($0)" < "\($1)" })
    }

    @Test func releasesAreReadAsByOTP() throws {
        try compare("releases", atLeast: 20) { line in
            let file = try ReleasesFile.parse(line.files[0].bytes, file: "RELEASES")
            return .list(
                file.releases.map { release in
                    let libraries = release.libraries.map { Term.string("\($0.name.name)-\($0.vsn)") }
                    return .tuple([
                        .string(release.name), .string(release.vsn), .list(libraries), .atom(release.status.atom),
                    ])
                })
        }
    }

    /// As systools' record: `{release, Name, Vsn, ErtsVsn, [{Name, Vsn, Type}], [{Name, Included}]}`.
    @Test func releaseResourcesAreReadAsByOTP() throws {
        try compare("rel", atLeast: 20) { line in
            let resource = try ReleaseResource.parse(line.files[0].bytes, file: "kv.rel")
            let applications = resource.applications.map { application in
                Term.tuple([.atom(application.name), .string(application.vsn), .atom(application.type.atom)])
            }
            let included = resource.applications.compactMap { application in
                application.included.map { Term.tuple([.atom(application.name), .list($0.map { .atom($0) })]) }
            }
            return .tuple([
                .atom("release"), .string(resource.name), .string(resource.vsn), .string(resource.ertsVsn),
                .list(applications), .list(included),
            ])
        }
    }
}
