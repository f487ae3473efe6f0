public import Instructions
import Terms

/// Something that an offline tool has to say of its input.
public struct Diagnostic: Error, Hashable, Sendable {
    public enum Severity: String, Sendable, Codable {
        case warning
        case error
    }

    public let severity: Severity
    /// Stable: the tag of OTP's reason, or a word of ours.
    public let code: String
    /// What is told, a sentence or several, in OTP's lines where it is OTP's; without the last line's end.
    public let text: String
    /// Where; `nil` where the text says it or nothing does.
    public let place: SourcePlace?
    /// What OTP's words leave out, or what to do about it.
    public let advice: String?

    public init(
        _ severity: Severity, code: String, _ text: String, place: SourcePlace? = nil, advice: String? = nil
    ) {
        self.severity = severity
        self.code = code
        self.text = String(text.reversed().drop { $0 == "\n" }.reversed())
        self.place = place
        self.advice = advice
    }

    /// The lines for a person: the text, then the place and the advice, each set in by two columns.
    public var lines: [String] {
        let rest =
            switch (place, advice) {
            case (let place?, let advice?): ["  \(place): \(advice)"]
            case (let place?, nil): ["  at \(place)"]
            case (nil, let advice?): ["  \(advice)"]
            case (nil, nil): [String]()
            }
        return text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) + rest
    }
}

extension Diagnostic {
    init(_ error: SystoolsError) {
        let detail = error.detail
        self.init(
            .error, code: error.tag?.name ?? error.firstTag ?? error.module.name, error.text,
            place: error.place ?? detail?.place, advice: detail?.message)
    }

    init(_ problem: ApplicationProblem) {
        self.init(SystoolsError(.make(.applications([problem])), at: problem.place))
    }

    init(_ warning: RelupWarning) {
        self.init(
            .warning, code: (warning.term.asAtom ?? warning.term.asTuple?.first?.asAtom)?.name ?? "warning",
            warning.text(), place: warning.place)
    }

    init(_ advice: UpgradeAdvice, _ severity: Severity) {
        let prefix = severity == .warning ? "*WARNING* " : ""
        self.init(severity, code: advice.code.rawValue, "\(prefix)\(advice)", place: advice.place)
    }
}

extension SystoolsError {
    /// What a sentence of OTP's leaves out: the place in a file and what stands there.
    fileprivate var detail: (place: SourcePlace?, message: String?)? {
        switch reason {
        case .make(.parse(let file, let error)):
            (SourcePlace(file: file, position: error.position), nil)
        case .relup(.fileProblem(let file, .parse(let error))):
            (SourcePlace(file: file, position: error.position), error.message)
        case .relup(.fileProblem(_, .open(let posix))):
            (nil, posix)
        case .relup(.fileProblem(let file, .read)):
            (SourcePlace(file: file, position: nil), "there is no term in it")
        case .relup, .rc, .make:
            nil
        }
    }

    /// A list of reasons is named after its first.
    fileprivate var firstTag: String? { term.asList?.first?.asTuple?.first?.asAtom?.name }
}
