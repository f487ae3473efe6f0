import Foundation
import Testing
import Wire

@testable import ReleaseHandlerD
@testable import TestSupport

/// What each kind of event says, and what the page that lists them says of it.
@Suite(.timeLimit(.minutes(15))) struct EventTests {
    @Test(arguments: Event.Kind.allCases)
    func anEventSaysWhatItsKindSays(kind: Event.Kind) {
        let samples = EventSamples.of(kind)
        #expect(!samples.isEmpty)
        for (event, message) in samples {
            let entry = event.entry
            #expect(entry.message == message)
            let names = Set(entry.fields.keys)
            #expect(names.isSuperset(of: kind.fields.always))
            if !kind.fields.hasOthers {
                #expect(names.isSubset(of: kind.fields.always + kind.fields.optional))
            }
        }
        let entries = samples.map(\.event.entry)
        #expect(Set(entries.map { "\($0.level)" }) == Set(kind.levels.map { "\($0)" }))
        for optional in kind.fields.optional {
            let with = entries.count { $0.fields[optional] != nil }
            #expect(with > 0 && with < entries.count, "\(optional) is there at times, and not always")
        }
    }

    @Test func everyKindIsWordsOfSmallLetters() {
        for kind in Event.Kind.allCases { #expect(kind.rawValue.wholeMatch(of: /[a-z]+(_[a-z]+)*/) != nil) }
    }

    /// `docs/events.md` has a line for each kind, with its levels and fields, and no other.
    @Test func theDocumentationListsEveryEvent() throws {
        let text = try String(contentsOf: Project.root.appending(path: "docs/events.md"), encoding: .utf8)
        let line = /\| (`.+`) \| (.+) \| .+ \| ?(.*) \|/
        let documented = text.split(separator: "\n").compactMap { try? line.wholeMatch(in: $0) }
            .map { "\($0.1) | \($0.2) | \($0.3)" }
        #expect(documented.sorted() == Event.Kind.allCases.map(Self.row).sorted())
    }

    private static func row(_ kind: Event.Kind) -> String {
        var fields = kind.fields.always.map { "`\($0)`" } + kind.fields.optional.map { "(`\($0)`)" }
        if kind.fields.hasOthers { fields.append("… and its own") }
        let levels = kind.levels.map { "\($0)" }.joined(separator: ", ")
        return "`\(kind.rawValue)` | \(levels) | \(fields.joined(separator: ", "))"
    }
}
