import Foundation
import Terms
import Testing

/// One case of `golden/`: what systools was given, and the relup that it made.
struct GoldenCase: CustomTestStringConvertible {
    let name: String
    let terms: [LocatedTerm]

    var testDescription: String { name }

    /// The second half of `{Tag, …}` terms: their last elements, where they stand.
    func last(of tag: Atom) -> [LocatedTerm] {
        terms.filter { $0.term.asTuple?.first?.asAtom == tag }.compactMap(\.children.last)
    }

    /// The relup of `{expected, {ok, exact | partial, Relup, Warnings}}`.
    var relup: LocatedTerm? { last(of: "expected").first?.children[2] }

    static let all: [GoldenCase] = {
        let directory = Bundle.module.url(forResource: "golden", withExtension: nil)
        let files = directory.flatMap {
            try? FileManager.default.contentsOfDirectory(at: $0, includingPropertiesForKeys: nil)
        }
        return (files ?? []).sorted { $0.path < $1.path }.compactMap { file in
            guard let data = try? Data(contentsOf: file),
                let terms = try? TermText.parseTerms(Array(data), limits: .default)
            else { return nil }
            return GoldenCase(name: file.lastPathComponent, terms: terms)
        }
    }()
}
