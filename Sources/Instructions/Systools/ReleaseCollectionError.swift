public import Terms

/// A name that two applications claim: with the applications, their versions where OTP tells them, and where they are.
public struct Duplicate: Hashable, Sendable {
    public struct Claim: Hashable, Sendable {
        public let name: Atom
        public let application: Atom
        public let vsn: String?
        public let directory: String
    }

    public let first: Claim
    public let second: Claim
}

/// Why the parts of a release don't make one, in the words of `systools`.
///
/// Source: OTP's `systools_make`, its reasons and `format_error/1`.
public enum ReleaseCollectionError: Error, Hashable, Sendable {
    case notFound(file: String)
    case read(file: String)
    case open(file: String, posix: String)
    case parse(file: String, TermTextError)
    case badlyFormattedRelease
    case illegalName(Term)
    case illegalForm(Term)
    case illegalApplications([Term])
    case missingMandatoryApplication(Atom)
    case mandatoryApplication(Atom, ApplicationType)
    case applications([ApplicationProblem])
    case undefinedApplications([Atom])
    case circularDependencies([ReleaseApplicationID])
    case circularAndUndefined([ReleaseApplicationID], [Atom])
    case duplicateRegister([Duplicate])
    case duplicateInclude([Duplicate])
    case duplicateModules([Duplicate])

    /// `{Name, Vsn}`
    public struct ReleaseApplicationID: Hashable, Sendable {
        public let name: Atom
        public let vsn: String

        var term: Term { .tuple([.atom(name), .string(vsn)]) }
    }

    /// The reason as OTP returns it.
    public var reason: Term {
        switch self {
        case .notFound(let file): .tagged("not_found", .string(file))
        case .read(let file): .tagged("read", .string(file))
        case .open(let file, let posix): .tagged("open", .string(file), .atom(posix))
        case .parse(let file, let error):
            .tagged(
                "parse", .string(file),
                .tuple([.integer(error.position.line), .atom("erl_parse"), .string(error.message)]))
        case .badlyFormattedRelease: .atom("badly_formatted_release")
        case .illegalName(let name): .tagged("illegal_name", name)
        case .illegalForm(let form): .tagged("illegal_form", form)
        case .illegalApplications(let terms): .tagged("illegal_applications", .list(terms))
        case .missingMandatoryApplication(let name): .tagged("missing_mandatory_app", .atom(name))
        case .mandatoryApplication(let name, let type):
            .tagged("mandatory_app", .atom(name), .atom(type.atom))
        case .applications(let problems): .list(problems.map(\.reason))
        case .undefinedApplications(let names): .tagged("undefined_applications", .atoms(names))
        case .circularDependencies(let names): .tagged("circular_dependencies", .list(names.map(\.term)))
        case .circularAndUndefined(let circular, let undefined):
            .tagged(
                "apps",
                .list([
                    .tagged("circular_dependencies", .list(circular.map(\.term))),
                    .tagged("undefined_applications", .atoms(undefined)),
                ]))
        case .duplicateRegister(let duplicates): .tagged("duplicate_register", .list(duplicates.map(\.term)))
        case .duplicateInclude(let duplicates): .tagged("duplicate_include", .list(duplicates.map(\.term)))
        case .duplicateModules(let duplicates): .tagged("duplicate_modules", .list(duplicates.map(\.term)))
        }
    }

    /// The sentences that OTP prints, with their lines' ends.
    public var text: String {
        switch self {
        case .notFound(let file): ErlangFormat.format("File not found: ~tp~n", [.term(.string(file))])
        case .read(let file): ErlangFormat.format("Cannot read ~tp~n", [.term(.string(file))])
        case .open(let file, let posix):
            ErlangFormat.format("Cannot open ~tp - ~ts~n", [.term(.string(file)), .text(posix)])
        case .parse(let file, let error): "\(file):\(error.position.line): \(error.message)\n"
        case .badlyFormattedRelease: "Syntax error in the release file\n"
        case .illegalName(let name): ErlangFormat.format("Illegal name (~tp) in the release file~n", [.term(name)])
        case .illegalForm(let form): ErlangFormat.format("Illegal tag in the release file: ~tp~n", [.term(form)])
        case .illegalApplications(let terms):
            ErlangFormat.format("Illegal applications in the release file: ~p~n", [.term(.list(terms))])
        case .missingMandatoryApplication(let name):
            ErlangFormat.format(
                "Mandatory application ~w must be specified in the release file~n", [.term(.atom(name))])
        case .mandatoryApplication(let name, let type):
            ErlangFormat.format(
                "Mandatory application ~w must be of type 'permanent' in the release file. Is '~p'.~n",
                [.term(.atom(name)), .term(.atom(type.atom))])
        case .applications(let problems): problems.map(\.text).joined()
        case .undefinedApplications(let names):
            ErlangFormat.format("Undefined applications: ~p~n", [.term(.atoms(names))])
        case .circularDependencies(let names):
            ErlangFormat.format(
                "Circular dependencies among applications: ~p~n", [.term(.list(names.map(\.term)))])
        case .circularAndUndefined: ErlangFormat.format("~tp~n", [.term(reason)])
        case .duplicateRegister(let duplicates):
            duplicates.reduce("Duplicated register names: \n") { $0 + $1.line("\t~tw registered in ~w and ~w~n") }
        case .duplicateInclude(let duplicates):
            duplicates.reduce("Duplicated application included: \n") { $0 + $1.line("\t~w included in ~w and ~w~n") }
        case .duplicateModules(let duplicates):
            duplicates.reduce("Duplicated modules: \n") { $0 + $1.line("\t~w specified in ~w and ~w~n") }
        }
    }
}

extension Duplicate {
    fileprivate var term: Term { .tuple([first.term, second.term]) }

    fileprivate func line(_ format: String) -> String {
        ErlangFormat.format(
            format,
            [.term(.atom(first.name)), .term(.atom(first.application)), .term(.atom(second.application))])
    }
}

extension Duplicate.Claim {
    /// `{Name, App, Vsn, Dir}`; of a module `{Mod, App, Dir}`.
    fileprivate var term: Term {
        .tuple([.atom(name), .atom(application)] + (vsn.map { [.string($0)] } ?? []) + [.string(directory)])
    }
}
