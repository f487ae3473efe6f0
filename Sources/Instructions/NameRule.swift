/// What a name may be that becomes part of a path, or a word of `start_erl.data`: one rule for all who read one.
///
/// A path made with such a name can't lead out of its directory, and a line written with it reads back as it was.
public enum NameRule: Hashable, Sendable {
    /// Of a release, an application or a module: `NAME.rel`, `lib/NAME-VSN`, `ebin/NAME`.
    case name
    /// Of a release, an application or the emulator: `releases/VSN`, `lib/NAME-VSN`, `erts-VSN`, and a word of
    /// `start_erl.data`.
    case vsn

    /// A file's name has 255 bytes at the most, and others are made of these.
    public static let maxBytes = 200

    public func allows(_ text: String) -> Bool {
        guard (1...Self.maxBytes).contains(text.utf8.count), text != ".", text != ".." else { return false }
        return text.unicodeScalars.allSatisfy { scalar in
            if scalar == "/" || scalar == "\u{FFFD}" || scalar.properties.generalCategory == .control { return false }
            switch self {
            case .name: return true
            case .vsn: return !scalar.properties.isWhitespace
            }
        }
    }

    /// What is allowed, for an error's text.
    public var sentence: String {
        let characters: String
        switch self {
        case .name: characters = "slashes and control characters"
        case .vsn: characters = "blanks, slashes and control characters"
        }
        return "1 to \(Self.maxBytes) bytes without \(characters), not \".\" or \"..\""
    }
}
