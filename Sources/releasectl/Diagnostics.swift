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
