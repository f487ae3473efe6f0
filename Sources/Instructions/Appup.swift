public import Terms

/// How one application is upgraded from older versions and downgraded to them:
/// `{Vsn, [{UpFromVsn, Script}], [{DownToVsn, Script}]}`.
///
/// The scripts are read when one is chosen, because a mistake in another does not matter to it. For the same reason
/// what is no entry at all is passed over, as in OTP.
///
/// Source: appup(4); OTP's `systools_relup`, `appup_search_for_version/2`.
public struct Appup {
    /// The version that a script is for: as it is, or a regular expression that must match it as a whole.
    public enum Version: Hashable, Sendable {
        case exactly(Term)
        case matching([UInt8])
    }

    public struct Entry {
        public let version: Version
        /// The script as it stands there, with the place of each instruction; `make-relup` reads it.
        public let script: LocatedTerm
        let position: SourcePosition?
        /// Where the entry itself begins.
        let start: SourcePosition?
    }

    public let file: String
    /// The version of the application that the file is for; a string, if it is right.
    public let vsn: Term
    let vsnPosition: SourcePosition?
    private let upList: EntryList
    private let downList: EntryList

    public var up: [Entry] { upList.entries }
    public var down: [Entry] { downList.entries }

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
        upList = EntryList(parts[1], reader)
        downList = EntryList(parts[2], reader)
    }

    static let shape = "{Vsn, [{UpFromVsn, Script}], [{DownToVsn, Script}]}"

    /// The entries of one direction.
    private struct EntryList {
        let entries: [Entry]
        /// What stands among them and is none, or can match no version.
        let useless: [LocatedTerm]
        /// Why it is no list; told when the direction is asked for.
        let mistake: FileError?

        init(_ located: LocatedTerm, _ reader: TermReader) {
            let elements: [LocatedTerm]
            do {
                elements = try reader.list(located, "a list of {Vsn, Script}")
                mistake = nil
            } catch {
                elements = []
                mistake = error
            }
            var entries: [Entry] = []
            var useless: [LocatedTerm] = []
            for element in elements {
                guard element.term.asTuple?.count == 2 else {
                    useless.append(element)
                    continue
                }
                let pair = element.children
                let version = pair[0].term.asBinary.map(Version.matching) ?? .exactly(pair[0].term)
                if case .exactly(let term) = version, term.asString == nil { useless.append(element) }
                entries.append(
                    Entry(
                        version: version, script: pair[1].shallow, position: pair[0].position, start: element.position))
            }
            self.entries = entries
            self.useless = useless
        }
    }

    private func list(_ mode: CodeChangeMode) -> EntryList {
        switch mode {
        case .up: upList
        case .down: downList
        }
    }

    /// What stands in a direction's list and can't be chosen for any version.
    func uselessEntries(_ mode: CodeChangeMode) -> [LocatedTerm] { list(mode).useless }

    /// The instructions of the first entry for a version; `nil` where there is none.
    func script(
        _ mode: CodeChangeMode, for vsn: String, files: SourceFiles
    ) throws(SystoolsError) -> [ScriptItem]? {
        guard let entry = try entry(mode, for: vsn, files: files) else { return nil }
        do {
            return try items(of: entry)
        } catch {
            throw failure(error)
        }
    }

    /// The instructions of an entry, as they are written.
    func items(of entry: Entry) throws(FileError) -> [ScriptItem] {
        let items = try TermReader(file: file).list(entry.script, "a script (a list of instructions)")
        return items.map { ScriptItem($0, file: file) }
    }

    private func failure(_ error: FileError) -> SystoolsError {
        SystoolsError(
            .relup(.badlyFormattedAppup(file: file, error)), at: SourcePlace(file: file, position: error.position))
    }

    /// The first entry for a version, which is the one that counts.
    func entry(_ mode: CodeChangeMode, for vsn: String, files: SourceFiles) throws(SystoolsError) -> Entry? {
        if let mistake = list(mode).mistake { throw failure(mistake) }
        let exact = Term.string(vsn)
        for entry in list(mode).entries {
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
