public import Terms

/// A place in a file of a release.
public struct SourcePlace: Hashable, Sendable, CustomStringConvertible {
    public let file: String
    public let position: SourcePosition?

    public init(file: String, position: SourcePosition?) {
        self.file = file
        self.position = position
    }

    /// `lib/kv-2.0.0/ebin/kv.appup:12:8`
    public var description: String {
        guard let position else { return file }
        return "\(file):\(position)"
    }
}

/// Why `make-relup` or `make-tar` refuses: the reason that OTP's `systools` gives, in its words, and where it is.
public struct SystoolsError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Reason: Hashable, Sendable {
        case make(ReleaseCollectionError)
        case relup(RelupTranslationError)
        case rc(ScriptTranslationError)
    }

    public let reason: Reason
    /// The place that OTP does not tell; `nil` where the reason has none, or names it itself.
    public let place: SourcePlace?

    public init(_ reason: Reason, at place: SourcePlace? = nil) {
        self.reason = reason
        self.place = place
    }

    /// The module of OTP that the reason is one of: `systools_make`, `systools_relup` or `systools_rc`.
    public var module: Atom {
        switch reason {
        case .make: "systools_make"
        case .relup: "systools_relup"
        case .rc: "systools_rc"
        }
    }

    /// The reason as OTP returns it.
    public var term: Term {
        switch reason {
        case .make(let error): error.reason
        case .relup(let error): error.reason
        case .rc(let error): error.reason
        }
    }

    /// The reason's first element, or the reason itself where it is an atom; `nil` where it is neither.
    public var tag: Atom? {
        switch term {
        case .atom(let atom): atom
        case .tuple(let elements): elements.first?.asAtom
        case .integer, .bigInteger, .float, .binary, .bitstring, .list, .improperList, .map, .opaque: nil
        }
    }

    /// What OTP prints, with its lines' ends.
    public var text: String {
        switch reason {
        case .make(let error): error.text
        case .relup(let error): error.text
        case .rc(let error): error.text
        }
    }

    /// The place, where there is one, and the text.
    public var description: String { place.map { "\($0): \(text)" } ?? text }
}
