import Glibc

/// What this process was called with, as the bytes that came.
public enum ProgramArguments {
    /// An argument that is no text. Swift's `CommandLine.arguments` has a text of its own in its place, which names other files.
    public struct NotText: Error, Hashable, Sendable, CustomStringConvertible {
        /// Of the first behind the program's name: 1.
        public let position: Int
        public let bytes: [UInt8]

        public init(position: Int, bytes: [UInt8]) {
            self.position = position
            self.bytes = bytes
        }

        /// How many bytes a sentence shows.
        private static let shownBytes = 200

        public static let advice =
            "Names are given in UTF-8: rename what is named otherwise, or set the terminal to UTF-8."

        public var description: String {
            let shown = bytes.prefix(Self.shownBytes).map(Self.shown).joined()
            let rest = bytes.count > Self.shownBytes ? "…" : ""
            return "argument \(position) is not valid UTF-8: \(shown)\(rest)"
        }

        private static func shown(_ byte: UInt8) -> String {
            if (0x20..<0x7F).contains(byte) { return String(UnicodeScalar(byte)) }
            return "\\x" + (byte < 0x10 ? "0" : "") + String(byte, radix: 16)
        }
    }

    /// The first argument that is not valid UTF-8; nil where all are.
    public static func firstNotText() -> NotText? {
        for position in 1..<max(Int(CommandLine.argc), 1) {
            guard let argument = CommandLine.unsafeArgv[position] else { return nil }
            let bytes = Array(UnsafeRawBufferPointer(start: argument, count: strlen(argument)))
            if String(validating: bytes, as: UTF8.self) == nil { return NotText(position: position, bytes: bytes) }
        }
        return nil
    }
}
