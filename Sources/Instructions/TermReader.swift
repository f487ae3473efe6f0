import Terms

/// Takes the terms of one file apart; every refusal says where, what was expected and what stands there.
struct TermReader {
    let file: String

    /// How much of a term an error shows.
    static let foundCharactersLimit = 60

    // MARK: Errors

    func unexpected(_ located: LocatedTerm, expected: String) -> FileError {
        let found = Self.shortened(located.term.description)
        return refusal(located, "expected \(expected), found \(found)")
    }

    func refusal(_ located: LocatedTerm, _ message: String) -> FileError {
        FileError(file: file, position: located.position, message: message)
    }

    static func shortened(_ text: String) -> String {
        text.count <= foundCharactersLimit ? text : text.prefix(foundCharactersLimit) + "…"
    }

    // MARK: Files

    /// The one term of a file.
    func onlyTerm(of utf8: [UInt8], expected: String) throws(FileError) -> LocatedTerm {
        let terms: [LocatedTerm]
        do {
            terms = try TermText.parseTerms(utf8, limits: .default)
        } catch {
            throw FileError(file: file, position: error.position, message: error.message)
        }
        guard let first = terms.first else {
            throw FileError(
                file: file, position: SourcePosition(line: 1, column: 1),
                message: "expected \(expected), found no term")
        }
        guard terms.count == 1 else {
            throw unexpected(terms[1], expected: "the end of the file after one term")
        }
        return first
    }

    // MARK: Terms

    func list(_ located: LocatedTerm, _ expected: String) throws(FileError) -> [LocatedTerm] {
        guard located.term.asList != nil else { throw unexpected(located, expected: expected) }
        return located.children
    }

    func list<Element>(
        _ located: LocatedTerm, _ expected: String, each: (LocatedTerm) throws(FileError) -> Element
    ) throws(FileError) -> [Element] {
        var result: [Element] = []
        for element in try list(located, expected) { result.append(try each(element)) }
        return result
    }

    /// The elements of a tuple that has `count` of them.
    func tuple(_ located: LocatedTerm, _ count: Int, _ expected: String) throws(FileError) -> [LocatedTerm] {
        guard let tuple = located.term.asTuple, tuple.count == count else {
            throw unexpected(located, expected: expected)
        }
        return located.children
    }

    func atom(_ located: LocatedTerm, _ expected: String) throws(FileError) -> Atom {
        guard let atom = located.term.asAtom else { throw unexpected(located, expected: expected) }
        return atom
    }

    func string(_ located: LocatedTerm, _ expected: String) throws(FileError) -> String {
        guard let string = located.term.asString else { throw unexpected(located, expected: expected) }
        return string
    }

    // MARK: Names that become file names

    func module(_ located: LocatedTerm) throws(FileError) -> Atom {
        try fileNameAtom(located, "a module's name (an atom)")
    }

    func application(_ located: LocatedTerm) throws(FileError) -> Atom {
        try fileNameAtom(located, "an application's name (an atom)")
    }

    /// A version, which is part of a directory's name: `lib/APP-VSN`, `releases/VSN`, `erts-VSN`.
    func vsn(_ located: LocatedTerm) throws(FileError) -> String {
        let vsn = try string(located, "a version (a string)")
        guard NameRule.vsn.allows(vsn) else {
            throw unexpected(located, expected: "a version (\(NameRule.vsn.sentence))")
        }
        return vsn
    }

    /// The version of a release, which lies in `releases` beside files of the root's own.
    func releaseVsn(_ located: LocatedTerm) throws(FileError) -> String {
        let vsn = try vsn(located)
        guard !ReleasesFile.reservedNames.contains(vsn) else {
            throw refusal(located, "releases/\(vsn) is a file of the release root's own; give it another version")
        }
        return vsn
    }

    private func fileNameAtom(_ located: LocatedTerm, _ expected: String) throws(FileError) -> Atom {
        let atom = try atom(located, expected)
        guard NameRule.name.allows(atom.name) else {
            throw unexpected(located, expected: "\(expected) that can be a file's name (\(NameRule.name.sentence))")
        }
        return atom
    }

    // MARK: Shapes that several files have

    func mfa(_ located: LocatedTerm) throws(FileError) -> MFA {
        let parts = try tuple(located, 3, "{Module, Function, Arguments}")
        let module = try module(parts[0])
        let function = try atom(parts[1], "a function's name (an atom)")
        guard let arguments = parts[2].term.asList else {
            throw unexpected(parts[2], expected: "a list of arguments")
        }
        return MFA(module: module, function: function, arguments: arguments)
    }

    /// `[{Key, Value}]` with each key once, as in `env` of `.app` and in `sys.config`.
    func parameters(_ located: LocatedTerm) throws(FileError) -> [EnvironmentParameter] {
        var seen: Set<Atom> = []
        return try list(located, "a list of {Key, Value}") { (entry) throws(FileError) in
            let parts = try tuple(entry, 2, "{Key, Value}")
            let key = try atom(parts[0], "a parameter's key (an atom)")
            guard seen.insert(key).inserted else {
                throw unexpected(parts[0], expected: "each key once")
            }
            return EnvironmentParameter(key: key, value: parts[1].term)
        }
    }
}

/// A file of one term as OTP writes it: the encoding, then the term.
///
/// Source: `release_handler` of OTP, how it writes RELEASES.
func fileText(_ term: Term) -> String {
    "%% coding: utf-8\n\(term.pretty()).\n"
}
