/// How much one term may take, in text and in the external term format.
///
/// A limit that is passed over is an error of the reader, with the place where it happened.
public struct TermLimits: Hashable, Sendable {
    /// How many containers may stand around a term. Never more than `maxDepthAllowed`, which a thread of
    /// 2 MiB of stack takes in a debug build too.
    public let maxDepth: Int
    /// The size of the input, and of all binaries that a text describes.
    public var maxBytes: Int
    /// The length of an atom in characters; OTP's is 255.
    public var maxAtomCharacters: Int
    /// How many terms there may be in one input, at all depths; each character of a string is one.
    public var maxElements: Int
    /// The size of one integer: converting one to decimal digits takes time in the square of its length.
    public var maxIntegerBytes: Int

    public static let maxDepthAllowed = 512

    public init(
        maxDepth: Int = 256, maxBytes: Int = 64 << 20, maxAtomCharacters: Int = 255,
        maxElements: Int = 4_000_000, maxIntegerBytes: Int = 65_536
    ) {
        self.maxDepth = min(maxDepth, Self.maxDepthAllowed)
        self.maxBytes = maxBytes
        self.maxAtomCharacters = maxAtomCharacters
        self.maxElements = maxElements
        self.maxIntegerBytes = maxIntegerBytes
    }

    public static let `default` = TermLimits()
}
