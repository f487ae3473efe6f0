public import Terms

/// Several older versions in one `.appup`: the entries of one more stand beside those that are there.
extension AppupProposal {
    /// What becomes of the entry of one way in a file that is there.
    public enum Fate: Hashable, Sendable {
        /// There was none that counts for the older version.
        case added
        /// There was one, and the proposed one takes its place.
        case replaced
        /// There is one with the proposed instructions.
        case same
        /// There is one with others, written by hand perhaps; `version` is what it is for.
        case kept(version: Appup.Version, at: SourcePosition?)
    }

    /// A file that is there, with a proposal's entries.
    public struct Merged: Hashable, Sendable {
        public let text: [UInt8]
        public let up: Fate
        public let down: Fate

        public init(text: [UInt8], up: Fate, down: Fate) {
            self.text = text
            self.up = up
            self.down = down
        }
    }

    /// Why a proposal can't be added to a file.
    public enum AddingError: Error, Hashable, Sendable {
        /// No `.appup`, or none that an entry can be looked up in.
        case unreadable(FileError)
        /// One for another version of the application.
        case otherVersion(Term, at: SourcePosition?)
    }

    /// A file with this proposal's entries, each before the others of its way. All else of it, comments too, stays as it is,
    /// and so does the entry that `make-relup` takes for the older version already, by its name or by a regular expression.
    ///
    /// - Parameters:
    ///   - utf8: what the file has now.
    ///   - replaces: whether a proposed entry takes the place of one that names the older version, with the comments in it,
    ///     and comes before one that only matches it.
    ///   - files: asked whether regular expressions match.
    public func merged(
        into utf8: [UInt8], file: String, replaces: Bool, files: SourceFiles
    ) throws(AddingError) -> Merged {
        guard !TermText.isLatin1(utf8) else {
            let message = "it is in Latin-1, as its comment says: write it in UTF-8 and without that comment"
            throw .unreadable(FileError(file: file, position: nil, message: message))
        }
        let appup: Appup
        let parts: [LocatedTerm]
        do throws(FileError) {
            let located = try TermReader(file: file).onlyTerm(of: utf8, expected: Appup.shape)
            appup = try Appup(located, file: file)
            parts = located.children
        } catch {
            throw .unreadable(error)
        }
        guard appup.vsn == .string(new.vsn) else { throw .otherVersion(appup.vsn, at: appup.vsnPosition) }
        let list = AppupText(utf8: utf8, file: file)
        let (upEntry, downEntry) = (try entry(.up, of: appup, files), try entry(.down, of: appup, files))
        let upFate = fate(of: upEntry, lines: up, appup, replaces: replaces)
        let downFate = fate(of: downEntry, lines: down, appup, replaces: replaces)
        var text = utf8
        do throws(FileError) {
            // The later one first: what is before it stays where it is.
            try list.put(entry(down), downFate, in: parts[2], downEntry, head: upFate == .added ? "" : head, &text)
            try list.put(entry(up), upFate, in: parts[1], upEntry, head: head, &text)
        } catch {
            throw .unreadable(error)
        }
        return Merged(text: text, up: upFate, down: downFate)
    }

    private var head: String {
        "\n  %% From \(old.vsn) to \(new.vsn) and back, by releasectl make-appup, from what differs.\n  "
    }

    private func entry(
        _ mode: CodeChangeMode, of appup: Appup, _ files: SourceFiles
    ) throws(AddingError) -> Appup.Entry? {
        do {
            return try appup.entry(mode, for: old.vsn, files: files)
        } catch {
            throw .unreadable(
                FileError(
                    file: appup.file, position: error.place?.position,
                    message: String(error.text.reversed().drop { $0 == "\n" }.reversed())))
        }
    }

    private func fate(of entry: Appup.Entry?, lines: [Line], _ appup: Appup, replaces: Bool) -> Fate {
        guard let entry else { return .added }
        if replaces { return entry.version == .exactly(.string(old.vsn)) ? .replaced : .added }
        // Short forms and long ones are the same instructions.
        let proposed = lines.map { ScriptItem($0.instruction.term) }.expanded().map(\.term)
        let there = try? appup.items(of: entry).expanded().map(\.term)
        return there == proposed ? .same : .kept(version: entry.version, at: entry.start)
    }
}

/// The text of an `.appup` in which entries are put.
private struct AppupText {
    let utf8: [UInt8]
    let file: String

    /// - Parameters:
    ///   - list: one way's entries.
    ///   - there: the entry that is replaced.
    ///   - head: what stands before an entry that is added.
    ///   - text: the file's, the same as `utf8` up to the end of the list.
    func put(
        _ entry: String, _ fate: AppupProposal.Fate, in list: LocatedTerm, _ there: Appup.Entry?, head: String,
        _ text: inout [UInt8]
    ) throws(FileError) {
        switch fate {
        case .same, .kept: break
        case .added:
            guard let bracket = offset(of: list.position), utf8[bracket] == UInt8(ascii: "[") else {
                throw FileError(file: file, position: list.position, message: "expected a list in brackets")
            }
            let end = list.children.isEmpty ? "" : ",\n  "
            text.insert(contentsOf: "\(head)\(entry)\(end)".utf8, at: bracket + 1)
        case .replaced:
            guard let start = offset(of: there?.start),
                let length = try? TermText.lengthOfFirstTerm(Array(utf8[start...]))
            else { throw FileError(file: file, position: there?.start, message: "expected {Vsn, Script} in braces") }
            text.replaceSubrange(start..<start + length, with: entry.utf8)
        }
    }

    /// Columns count characters, which in UTF-8 begin with any byte but 10xxxxxx.
    private func offset(of position: SourcePosition?) -> Int? {
        guard let position else { return nil }
        var (line, column) = (1, 0)
        for (index, byte) in utf8.enumerated() {
            if byte & 0xc0 != 0x80 { column += 1 }
            if line == position.line, column == position.column { return index }
            if byte == UInt8(ascii: "\n") { (line, column) = (line + 1, 0) }
        }
        return nil
    }
}
