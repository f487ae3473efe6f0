public import Terms

/// What is wrong with one application of a release, in the words of `systools`.
///
/// Source: OTP's `systools_make`, `collect_applications`.
public struct ApplicationProblem: Error, Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        /// The `.app` is of another name.
        case mismatch(found: Atom, vsn: String)
        case notFound(file: String)
        case noValidVersion(wanted: String, file: String, found: String)
        case parseError(file: String, line: Int, message: String)
        case badParameter(Atom, application: Term)
        case missingParameter(Atom, application: Term)
        case badlyFormatted(Term)
        case overrideInclude([Atom])
    }

    public let name: Atom
    public let kind: Kind
    /// The place in the `.app` that OTP does not tell; `nil` where no `.app` is to blame.
    public let place: SourcePlace?

    public init(name: Atom, _ kind: Kind, at place: SourcePlace? = nil) {
        self.name = name
        self.kind = kind
        self.place = place
    }

    var reason: Term {
        if case .mismatch(let found, let vsn) = kind {
            return .tagged(
                "bad_application_name", .tuple([.atom(name), .tuple([.atom(found), .string(vsn)])]))
        }
        return .tagged("error_reading", .tuple([.atom(name), what]))
    }

    /// What is wrong, without whose it is: the reason where one application is read alone.
    var what: Term {
        switch kind {
        case .mismatch(let found, let vsn): .tuple([.atom(found), .string(vsn)])
        case .notFound(let file): .tagged("not_found", .string(file))
        case .noValidVersion(let wanted, let file, let found):
            .tagged(
                "no_valid_version",
                .tuple([
                    .tuple([.string("should be"), .string(wanted)]),
                    .tuple([.string("found file"), .string(file), .string(found)]),
                ]))
        case .parseError(let file, let line, let message):
            .tagged("parse_error", .tuple([.string(file), .integer(line), .string(message)]))
        case .badParameter(let key, let application):
            .tuple([.tagged("bad_param", .atom(key)), application])
        case .missingParameter(let key, let application):
            .tuple([.tagged("missing_param", .atom(key)), application])
        case .badlyFormatted(let term): .tagged("badly_formatted_application", term)
        case .overrideInclude(let names): .tagged("override_include", .atoms(names))
        }
    }

    /// The line that OTP prints, with its end.
    public var text: String {
        let name = Term.atom(name)
        if case .mismatch = kind {
            return ErlangFormat.format("~p: Mismatched application id: ~p~n", [.term(name), .term(what)])
        }
        return ErlangFormat.format("~p: ~ts~n", [.term(name), .text(sentence)])
    }

    private var sentence: String {
        switch kind {
        case .mismatch: ""
        case .notFound(let file): ErlangFormat.format("File not found: ~tp~n", [.term(.string(file))])
        case .noValidVersion(let wanted, let file, let found):
            ErlangFormat.format(
                "No valid version (~tp) of .app file found. Found file ~tp with version ~tp~n",
                [.term(.string(wanted)), .term(.string(file)), .term(.string(found))])
        case .parseError(let file, let line, let message):
            ErlangFormat.format(
                "Parse error in file: ~tp.  Line: ~w  Error: ~tp; ~n",
                [.term(.string(file)), .term(.integer(line)), .term(.string(message))])
        case .badParameter(let key, _):
            ErlangFormat.format("Bad parameter in .app file: ~tp~n", [.term(.atom(key))])
        case .missingParameter(let key, _):
            ErlangFormat.format("Missing parameter in .app file: ~p~n", [.term(.atom(key))])
        case .badlyFormatted: "Syntax error in .app file\n"
        case .overrideInclude(let names):
            ErlangFormat.format(
                "Tried to include not (in .app file) specified applications: ~p~n", [.term(.atoms(names))])
        }
    }
}
