public import Terms

/// One application that is changed, or was, without another release.
public struct ApplicationChange: Hashable, Sendable {
    public let application: Atom
    /// The versions.
    public let from: String
    public let to: String
    /// Where the version that is reached lies.
    public let directory: String

    public init(application: Atom, from: String, to: String, directory: String) {
        self.application = application
        self.from = from
        self.to = to
        self.directory = directory
    }

    /// `kv-1.0.0`, as libraries are named.
    public var source: String { "\(application.name)-\(from)" }
    public var target: String { "\(application.name)-\(to)" }

    /// The change that takes it back, to what lies in `directory`.
    public func reversed(to directory: String) -> ApplicationChange {
        ApplicationChange(application: application, from: to, to: from, directory: directory)
    }
}
