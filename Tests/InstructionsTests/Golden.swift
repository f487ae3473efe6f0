import Foundation
import Terms
import Testing

/// One case of `golden/relup/`: what systools was given, and what it answered.
struct GoldenCase: CustomTestStringConvertible {
    let name: String
    let terms: [LocatedTerm]

    var testDescription: String { name }

    /// The last elements of `{Tag, …}` terms, where they stand.
    func last(of tag: Atom) -> [LocatedTerm] {
        all(of: tag).compactMap(\.children.last)
    }

    /// The terms `{Tag, …}`.
    func all(of tag: Atom) -> [LocatedTerm] { terms.filter { $0.term.asTuple?.first?.asAtom == tag } }

    /// The relup of `{expected, {ok, exact | partial, Relup, Warnings}}`.
    var relup: LocatedTerm? {
        guard let expected = last(of: "expected").first, expected.children[0].term == .ok else { return nil }
        return expected.children[2]
    }

    /// `GOLDEN_RELUP_DIR`, or the directory that comes with the tests.
    static let directory: URL? =
        ProcessInfo.processInfo.environment["GOLDEN_RELUP_DIR"].map { URL(filePath: $0) }
        ?? Bundle.module.url(forResource: "golden", withExtension: nil)?.appending(path: "relup")

    static let files: [URL] = {
        let files = directory.flatMap {
            try? FileManager.default.contentsOfDirectory(at: $0, includingPropertiesForKeys: nil)
        }
        return (files ?? []).filter { $0.pathExtension == "case" }.sorted { $0.path < $1.path }
    }()

    /// One that can't be read is there without terms, so that its tests fail.
    static let all: [GoldenCase] = files.map { file in
        let terms = (try? Data(contentsOf: file)).flatMap { try? TermText.parseTerms(Array($0), limits: .default) }
        return GoldenCase(name: file.lastPathComponent, terms: terms ?? [])
    }

    /// Those of which a relup was made.
    static let translated = all.filter { $0.relup != nil }
}
