import Foundation
import Instructions
import ReleaseTools
import Terms

extension Diagnostic {
    /// Writes it to standard error: the words as they are, without what would steer a terminal.
    func report() {
        for line in lines {
            let shown = line.split(separator: "\t", omittingEmptySubsequences: false).map { printable(String($0)) }
            Terminal.standardError.line(shown.joined(separator: "\t"))
        }
    }
}

extension [Diagnostic] {
    /// Writes them to standard error, each with its place before it, as compilers do: `FILE:LINE:COLUMN: error: TEXT`, and
    /// the advice below it.
    func reportAtTheirPlaces() {
        let terminal = Terminal.standardError
        for diagnostic in self {
            let place = diagnostic.place.map { "\(printable($0.description)): " } ?? ""
            let severity =
                switch diagnostic.severity {
                case .error: terminal.paint("error:", .red)
                case .warning: terminal.paint("warning:", .yellow)
                }
            let lines = diagnostic.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            terminal.line("\(place)\(severity) \(printable(lines[0]))")
            for line in lines.dropFirst() { terminal.line("  \(printable(line))") }
            if let advice = diagnostic.advice { terminal.line("  \(printable(advice))") }
        }
    }
}

/// A diagnostic in the JSON of the offline tools.
struct DiagnosticAnswer: Encodable {
    let severity: Diagnostic.Severity
    let code: String
    let text: String
    let file: String?
    let line: Int?
    let column: Int?
    let advice: String?

    init(_ diagnostic: Diagnostic) {
        severity = diagnostic.severity
        code = diagnostic.code
        text = diagnostic.text
        file = diagnostic.place?.file
        line = diagnostic.place?.position?.line
        column = diagnostic.place?.position?.column
        advice = diagnostic.advice
    }
}

/// One line of JSON on standard output, its keys in the order of the alphabet.
func printJSON(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    Terminal.standardOutput.write(bytes: Array(try encoder.encode(value)) + [0x0A])
}
