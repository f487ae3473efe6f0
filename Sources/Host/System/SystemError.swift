import CHost

/// A system call that failed: which, on what, and why.
public struct SystemError: Error, Hashable, CustomStringConvertible {
    /// The call's name, as in its manual page.
    public let call: String
    /// The file, address or name that it was about.
    public let subject: String?
    public let number: Int32
    /// What is known beyond the number.
    private let words: String?

    /// - Parameter words: the reason, where it says more than the C library's sentence.
    public init(_ call: String, _ number: Int32, _ subject: String? = nil, words: String? = nil) {
        self.call = call
        self.number = number
        self.subject = subject
        self.words = words
    }

    /// The C library's sentence, such as "No such file or directory", where nothing more is known.
    public var reason: String { words ?? Self.reason(number) }

    public static func reason(_ number: Int32) -> String {
        guard let text = chost_error_text(number) else { return "error \(number)" }
        return String(cString: text)
    }

    /// The number's POSIX name, such as "ENOENT".
    public static func name(_ number: Int32) -> String {
        guard let text = chost_error_name(number) else { return "errno \(number)" }
        return String(cString: text)
    }

    public var description: String {
        guard let subject else { return "\(call): \(reason)" }
        return "\(subject): \(call): \(reason)"
    }
}
