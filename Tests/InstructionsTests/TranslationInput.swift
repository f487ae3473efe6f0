import Instructions
import Terms
import Testing

/// A small upgrade, `kv` from 1 to 2 and back, of which a test changes what it is about.
struct TranslationInput {
    var releaseFiles = ReleaseFiles()
    var restartsEmulator = false
    var warningsAsErrors = false
    var isUp = true
    var isDown = true

    static let appup = "lib/kv-2/ebin/kv.appup"
    static let newApp = "lib/kv-2/ebin/kv.app"

    /// - Parameters:
    ///   - up: the instructions of the way up; they stand in the file's third line from its second column on.
    ///   - down: those of the way down, in the fifth line from its second column on.
    init(up: String = "", down: String = "", modules: String = "[a,b,c]") {
        releaseFiles["new.rel"] = Self.release("2", "{kv,\"2\"}")
        releaseFiles["base.rel"] = Self.release("1", "{kv,\"1\"}")
        releaseFiles[Self.newApp] = Self.application("kv", "2", modules: modules)
        releaseFiles["lib/kv-1/ebin/kv.app"] = Self.application("kv", "1", modules: modules)
        releaseFiles[Self.appup] = "{\"2\",\n[{\"1\",\n[\(up)]}], [{\"1\",\n\n[\(down)]}]}.\n"
    }

    subscript(path: String) -> String? {
        get { releaseFiles[path] }
        set { releaseFiles[path] = newValue }
    }

    static func release(_ vsn: String, _ applications: String, ertsVsn: String = "1") -> String {
        "{release,{\"market\",\"\(vsn)\"},{erts,\"\(ertsVsn)\"},\n[\(applications)]}.\n"
    }

    static func application(
        _ name: String, _ vsn: String, modules: String = "[]", uses: String = "[]", more: String = ""
    ) -> String {
        "{application,\(name),[{description,\"\"},{vsn,\"\(vsn)\"},\n{modules,\(modules)},{registered,[]},\n"
            + "{applications,\(uses)}\(more)]}.\n"
    }

    func translate() throws(SystoolsError) -> RelupTranslation.Outcome {
        let bases = [RelupTranslation.Base(file: "base.rel", description: .nil)]
        let translation = try RelupTranslation(
            file: "new.rel", path: releaseFiles.path, restartsEmulator: restartsEmulator)
        return try translation.translate(
            upFrom: isUp ? bases : [], downTo: isDown ? bases : [], warningsAsErrors: warningsAsErrors)
    }

    /// The error that must come; an issue where none does.
    func failure(sourceLocation: SourceLocation = #_sourceLocation) throws -> SystoolsError {
        do {
            _ = try translate()
        } catch {
            return error
        }
        Issue.record("it was translated", sourceLocation: sourceLocation)
        throw NotRefused()
    }

    private struct NotRefused: Error {}
}

/// Input that must be refused, the words, and the place, for tables.
struct Mistake: CustomTestStringConvertible {
    let name: String
    let input: TranslationInput
    let text: String
    let place: String?

    var testDescription: String { name }

    init(
        _ name: String, _ text: String, at place: String?, _ input: TranslationInput = TranslationInput(),
        change: (inout TranslationInput) -> Void = { _ in }
    ) {
        self.name = name
        self.text = text
        self.place = place
        var input = input
        change(&input)
        self.input = input
    }

    /// Holds the error against what it must be.
    func check() throws -> SystoolsError {
        let error = try input.failure()
        #expect(error.text == text)
        #expect(error.place?.description == place)
        return error
    }
}
