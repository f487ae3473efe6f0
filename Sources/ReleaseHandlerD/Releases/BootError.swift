/// Why a root can't boot: one sentence that says what, where and what to do.
public struct BootError: Error, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}
