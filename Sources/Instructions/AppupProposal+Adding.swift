public import Terms

/// Several older versions in one `.appup`: the entries of one more stand beside those that are there.
extension AppupProposal {
    /// Why a proposal can't be added to a file.
    public enum AddingError: Error, Hashable, Sendable {
        /// No `.appup`.
        case unreadable(FileError)
        /// One for another version of the application.
        case otherVersion(Term)
        /// It has an entry for the older version already.
        case hasEntry(CodeChangeMode)
    }

    /// The text of a file with this proposal's two entries before its own. All else of it, comments too, stays as it is.
    ///
    /// - Parameter matches: whether a regular expression matches a version as a whole.
    public func text(
        addedTo utf8: [UInt8], file: String, matches: (_ vsn: String, _ expression: [UInt8]) -> Bool
    ) throws(AddingError) -> [UInt8] {
        let appup: Appup
        let parts: [LocatedTerm]
        do throws(FileError) {
            let reader = TermReader(file: file)
            let located = try reader.onlyTerm(of: utf8, expected: "an .appup")
            appup = try Appup(located, file: file)
            parts = located.children
            for list in parts.dropFirst() { _ = try reader.list(list, "a list of {Vsn, Script}") }
        } catch {
            throw .unreadable(error)
        }
        guard appup.vsn == .string(new.vsn) else { throw .otherVersion(appup.vsn) }
        for (mode, entries) in [(CodeChangeMode.up, appup.up), (.down, appup.down)] {
            let isKnown = entries.contains { entry in
                switch entry.version {
                case .exactly(let vsn): vsn == .string(old.vsn)
                case .matching(let expression): matches(old.vsn, expression)
                }
            }
            if isKnown { throw .hasEntry(mode) }
        }
        var text = utf8
        // The later one first: what is before it stays where it is.
        for (list, lines, head) in [(parts[2], down, ""), (parts[1], up, head)] {
            guard let bracket = list.position.flatMap({ Self.offset(of: $0, in: utf8) }),
                utf8[bracket] == UInt8(ascii: "[")
            else {
                throw .unreadable(
                    FileError(file: file, position: list.position, message: "expected a list in brackets"))
            }
            let end = list.children.isEmpty ? "" : ",\n  "
            text.insert(contentsOf: "\(head)\(entry(lines))\(end)".utf8, at: bracket + 1)
        }
        return text
    }

    private var head: String {
        "\n  %% From \(old.vsn) to \(new.vsn) and back, by releasectl make-appup, from what differs.\n  "
    }

    /// Columns count characters, which in UTF-8 begin with any byte but 10xxxxxx.
    private static func offset(of position: SourcePosition, in utf8: [UInt8]) -> Int? {
        var (line, column) = (1, 0)
        for (index, byte) in utf8.enumerated() {
            if byte & 0xc0 != 0x80 { column += 1 }
            if line == position.line, column == position.column { return index }
            if byte == UInt8(ascii: "\n") { (line, column) = (line + 1, 0) }
        }
        return nil
    }
}
