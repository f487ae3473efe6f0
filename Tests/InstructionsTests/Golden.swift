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

    private static let golden = Bundle.module.url(forResource: "golden", withExtension: nil)
    private static let otherDirectory = ProcessInfo.processInfo.environment["GOLDEN_RELUP_DIR"].map {
        URL(filePath: $0)
    }

    /// `GOLDEN_RELUP_DIR`, or the directory that comes with the tests.
    static let all = cases(in: otherDirectory ?? golden?.appending(path: "relup"))

    /// What `all` leaves out: input that nobody should write, each with a line that says what is special about it. The
    /// answers are those of the same systools. None where `GOLDEN_RELUP_DIR` is set.
    static let odd = otherDirectory == nil ? cases(in: golden?.appending(path: "own")) : []

    /// One that can't be read is there without terms, so that its tests fail.
    private static func cases(in directory: URL?) -> [GoldenCase] {
        let files = directory.flatMap {
            try? FileManager.default.contentsOfDirectory(at: $0, includingPropertiesForKeys: nil)
        }
        return (files ?? []).filter { $0.pathExtension == "case" }.sorted { $0.path < $1.path }.map { file in
            let terms = (try? Data(contentsOf: file)).flatMap { try? TermText.parseTerms(Array($0), limits: .default) }
            return GoldenCase(name: file.lastPathComponent, terms: terms ?? [])
        }
    }

    /// Those of which a relup was made.
    static let translated = all.filter { $0.relup != nil }
}
