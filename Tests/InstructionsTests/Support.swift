import Instructions
import Terms
import Testing

/// A refused text and the error that it must bring, for tables.
struct Refused: CustomTestStringConvertible {
    let text: String
    let error: String

    init(_ text: String, _ error: String) {
        self.text = text
        self.error = error
    }

    /// One line, as test reports have it.
    var testDescription: String { String(text.map { $0.isNewline ? " " : $0 }) }
}

/// The description of the error that `read` throws, or `nil` where it throws none.
func refusal<Value>(_ text: String, _ read: ([UInt8], String) throws(FileError) -> Value) -> String? {
    do throws(FileError) {
        _ = try read(Array(text.utf8), "f")
        return nil
    } catch {
        return error.description
    }
}
