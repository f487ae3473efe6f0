public import Terms

/// A thing that `systools` tells of and goes on.
///
/// Source: OTP's `systools_relup`, `format_warning/1`.
public enum RelupWarning: Hashable, Sendable {
    /// The `.appup` is for another version than the application's.
    case badVsn(appup: Term, application: String, at: SourcePlace)
    /// `{Name, ErtsVsn}` of both releases.
    case ertsVsnChanged(name: String, ertsVsn: String, otherName: String, otherErtsVsn: String)
    case preR15EmulatorUpgrade

    public var term: Term {
        switch self {
        case .badVsn(let appup, let application, _): .tagged("bad_vsn", .tuple([appup, .string(application)]))
        case .ertsVsnChanged: .tagged("erts_vsn_changed", .tuple(releases))
        case .preR15EmulatorUpgrade: .atom(Atom("pre_R15_emulator_upgrade"))
        }
    }

    private var releases: [Term] {
        guard case .ertsVsnChanged(let name, let ertsVsn, let otherName, let otherErtsVsn) = self else { return [] }
        return [
            .tuple([.string(name), .string(ertsVsn)]), .tuple([.string(otherName), .string(otherErtsVsn)]),
        ]
    }

    /// The place that OTP does not tell.
    public var place: SourcePlace? {
        switch self {
        case .badVsn(_, _, let place): place
        case .ertsVsnChanged, .preR15EmulatorUpgrade: nil
        }
    }

    /// The line that OTP prints, with its end.
    public func text(prefix: String = "*WARNING* ") -> String {
        switch self {
        case .badVsn: ErlangFormat.format("~ts~tp~n", [.text(prefix), .term(term)])
        case .ertsVsnChanged:
            ErlangFormat.format(
                "~tsThe ERTS version changed between ~tp and ~tp~n", [.text(prefix)] + releases.map { .term($0) })
        case .preR15EmulatorUpgrade:
            "\(prefix)Upgrade from an OTP version earlier than R15. "
                + "New code should be compiled with the old emulator.\n"
        }
    }
}

/// Why no relup can be made, in the words of `systools`; the last three are ours, where OTP crashes or goes on.
///
/// Source: OTP's `systools_relup`, its reasons and `format_error/1`.
public enum RelupTranslationError: Error, Hashable, Sendable {
    public enum FileProblem: Hashable, Sendable {
        case open(posix: String)
        case read
        case parse(TermTextError)
    }

    case fileProblem(file: String, FileProblem)
    case noRelup(file: String, application: Atom, vsn: String, baseVsn: String)
    case missingSasl(name: String, vsn: String)
    case warningsTreatedAsErrors([RelupWarning])
    /// The `.appup` is no `{Vsn, UpFromList, DownToList}` with lists of `{Vsn, Script}`.
    case badlyFormattedAppup(file: String, FileError)
    case badVersionPattern(file: String, expression: Term, message: String)

    public var reason: Term {
        switch self {
        case .fileProblem(let file, .open(let posix)):
            .tagged(
                "file_problem",
                .tuple([.string(file), .tagged("error", .tagged("open", .string(file), .atom(posix)))]))
        case .fileProblem(let file, .read):
            .tagged("file_problem", .tuple([.string(file), .tagged("error", .tagged("read", .string(file)))]))
        case .fileProblem(let file, .parse(let error)):
            .tagged(
                "file_problem",
                .tuple([
                    .string(file),
                    .tagged("error", .tagged("parse", .string(file), .string(error.description))),
                ]))
        case .noRelup(let file, let application, let vsn, let baseVsn):
            .tagged(
                "no_relup", .string(file), .tuple([.atom(application), .string(vsn)]), .string(baseVsn))
        case .missingSasl(let name, let vsn):
            .tagged("missing_sasl", .tuple([.string(name), .string(vsn)]))
        case .warningsTreatedAsErrors(let warnings):
            .tagged("warnings_treated_as_errors", .list(warnings.map(\.term)))
        case .badlyFormattedAppup(let file, let error):
            .tagged("badly_formatted_appup", .string(file), .string(error.message))
        case .badVersionPattern(let file, let expression, let message):
            .tagged("bad_version_pattern", .string(file), expression, .string(message))
        }
    }

    public var text: String {
        switch self {
        case .fileProblem(let file, .open): "Could not open file \(file)\n"
        case .fileProblem(let file, .read): "Could not read file \(file)\n"
        case .fileProblem(let file, .parse): "Could not parse file \(file)\n"
        case .noRelup(let file, let application, let vsn, let baseVsn):
            ErlangFormat.format(
                "No release upgrade script entry for ~w-~ts to ~w-~ts in file ~ts~n",
                [
                    .term(.atom(application)), .text(vsn), .term(.atom(application)), .text(baseVsn), .text(file),
                ])
        // Without a line's end, as in OTP.
        case .missingSasl(let name, let vsn): "No sasl application in release \(name), \(vsn). Can not be upgraded."
        case .warningsTreatedAsErrors(let warnings):
            warnings.reduce("Warnings being treated as errors:\n") { $0 + $1.text(prefix: "") }
        case .badlyFormattedAppup(_, let error): "Syntax error in the appup file: \(error.message)\n"
        case .badVersionPattern(_, let expression, let message):
            ErlangFormat.format(
                "Bad regular expression ~tp in the appup file: ~ts~n", [.term(expression), .text(message)])
        }
    }
}
