/// Why an offline tool did not do what it was to: what and where, then what to do about it. Nothing was written.
public struct ToolError: Error, Hashable, Sendable, CustomStringConvertible {
    public let message: String
    /// What to do about it, as a sentence.
    public let advice: String?

    public init(_ message: String, advice: String? = nil) {
        self.message = message
        self.advice = advice
    }

    public var description: String { advice.map { "\(message)\n\($0)" } ?? message }
}
