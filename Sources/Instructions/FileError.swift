public import Terms

/// What is wrong with a file of a release, and where: `releases/2.0.0/relup:3:14: expected …, found …`.
///
/// `position` is that of the offending term, or `nil` where the term came from no text.
public struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
    public let file: String
    public let position: SourcePosition?
    public let message: String

    public init(file: String, position: SourcePosition?, message: String) {
        self.file = file
        self.position = position
        self.message = message
    }

    public var description: String {
        guard let position else { return "\(file): \(message)" }
        return "\(file):\(position.line):\(position.column): \(message)"
    }
}
