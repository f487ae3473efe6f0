public import Terms

/// How one application is upgraded from older versions and downgraded to them:
/// `{Vsn, [{UpFromVsn, Script}], [{DownToVsn, Script}]}`.
///
/// The scripts are read when one is chosen, because a mistake in another does not matter to it.
///
/// Source: appup(4).
public struct Appup {
    /// The version that a script is for: as it is, or a regular expression that must match it as a whole.
    public enum Version: Hashable, Sendable {
        case exactly(Term)
        case matching([UInt8])
    }

    public struct Entry {
        public let version: Version
        /// The script as it stands there; `make-relup` reads it.
        public let script: LocatedTerm
        let position: SourcePosition?
    }

    public let file: String
    /// The version of the application that the file is for; a string, if it is right.
    public let vsn: Term
    let vsnPosition: SourcePosition?
    public let up: [Entry]
    public let down: [Entry]

    public static func parse(_ utf8: [UInt8], file: String) throws(FileError) -> Appup {
        let reader = TermReader(file: file)
        return try Appup(reader.onlyTerm(of: utf8, expected: shape), file: file)
    }

    init(_ located: LocatedTerm, file: String) throws(FileError) {
        let reader = TermReader(file: file)
        let parts = try reader.tuple(located, 3, Self.shape)
        self.file = file
        vsn = parts[0].term
        vsnPosition = parts[0].position
        up = try Self.entries(parts[1], reader)
        down = try Self.entries(parts[2], reader)
    }

    private static let shape = "{Vsn, [{UpFromVsn, Script}], [{DownToVsn, Script}]}"

    private static func entries(_ located: LocatedTerm, _ reader: TermReader) throws(FileError) -> [Entry] {
        try reader.list(located, "a list of {Vsn, Script}") { (entry) throws(FileError) in
            let pair = try reader.tuple(entry, 2, "{Vsn, Script}")
            guard pair[1].term.asList != nil else {
                throw reader.unexpected(pair[1], expected: "a script (a list of instructions)")
            }
            let version = pair[0].term.asBinary.map(Version.matching) ?? .exactly(pair[0].term)
            return Entry(version: version, script: pair[1], position: pair[0].position)
        }
    }

    func entries(_ mode: CodeChangeMode) -> [Entry] {
        switch mode {
        case .up: up
        case .down: down
        }
    }

    /// The first entry for a version.
    func entry(
        _ mode: CodeChangeMode, for vsn: String, files: SourceFiles
    ) throws(SystoolsError) -> Entry? {
        let exact = Term.string(vsn)
        for entry in entries(mode) {
            switch entry.version {
            case .exactly(exact): return entry
            case .exactly: continue
            case .matching(let expression):
                do throws(VersionPatternError) {
                    if try files.matchesWhole(vsn, expression) { return entry }
                } catch {
                    throw SystoolsError(
                        .relup(
                            .badVersionPattern(file: file, expression: .binary(expression), message: error.message)),
                        at: SourcePlace(file: file, position: entry.position))
                }
            }
        }
        return nil
    }
}
