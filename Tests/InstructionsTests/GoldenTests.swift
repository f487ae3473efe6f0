import Instructions
import Terms
import Testing

/// What systools of OTP wrote is read, and written back to the same terms.
@Suite struct GoldenTests {
    @Test func thereAreCases() {
        #expect(!GoldenCase.translated.isEmpty)
        #expect(GoldenCase.all.allSatisfy { !$0.last(of: "expected").isEmpty })
    }

    @Test(arguments: GoldenCase.translated)
    func relup(_ golden: GoldenCase) throws {
        let located = try #require(golden.relup)
        let relup = try Relup(located, file: golden.name)
        #expect(relup.term == located.term)
        let again = try Relup.parse(Array(relup.text().utf8), file: "relup")
        #expect(again == relup)
        #expect(again.term == located.term)
    }

    @Test(arguments: GoldenCase.translated)
    func order(_ golden: GoldenCase) throws {
        let relup = try Relup(try #require(golden.relup), file: golden.name)
        for entry in relup.up + relup.down { try entry.checkScript(file: golden.name) }
    }

    @Test(arguments: GoldenCase.translated)
    func applications(_ golden: GoldenCase) throws {
        let located = golden.last(of: "app")
        #expect(!located.isEmpty)
        for term in located {
            let application = try ApplicationResource(term, file: golden.name)
            #expect(application.term == term.term)
            #expect(try ApplicationResource.parse(Array(application.text().utf8), file: "app") == application)
        }
    }

    @Test(arguments: GoldenCase.translated)
    func releases(_ golden: GoldenCase) throws {
        let located = golden.last(of: "new_rel") + golden.last(of: "base_rel")
        #expect(located.count > 1)
        for term in located {
            let release = try ReleaseResource(term, file: golden.name)
            let again = try ReleaseResource.parse(Array(release.text().utf8), file: "rel")
            #expect(again == release)
            #expect(again.term == Self.withoutPermanent(term.term))
        }
    }

    /// A .rel term without the types that need not be written.
    static func withoutPermanent(_ release: Term) -> Term {
        guard var parts = release.asTuple, let applications = parts.last?.asList else { return release }
        parts[parts.count - 1] = .list(
            applications.map { .tuple(($0.asTuple ?? []).filter { $0.asAtom != "permanent" }) })
        return .tuple(parts)
    }
}
