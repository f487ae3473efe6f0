public import Terms

/// What is wrong with a frame, a message of the worker protocol, or a packet of the transfer socket.
///
/// `description` is the text that goes into `{protocol_error, Text}`.
public struct WireError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of mistake it is, with what an answer to it needs.
    public enum Kind: Hashable, Sendable {
        /// A frame whose length is over the limit.
        case frameTooLarge(bytes: Int, limit: Int)
        /// A frame that holds no term in the external format.
        case notATerm
        /// A request whose name the protocol does not know: answered with `{unknown_request, Name}`.
        case unknownRequest(name: Atom, ref: Int?)
        /// A term that is none of the messages, or one whose fields have the wrong shape.
        case malformed(ref: Int?)
        /// A number that is over one of `WireLimits`.
        case overLimit
    }

    public let kind: Kind
    public let message: String

    public init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    public var description: String { message }

    static func frameTooLarge(bytes: Int, limit: Int) -> WireError {
        WireError(
            .frameTooLarge(bytes: bytes, limit: limit),
            "frame of \(bytes) bytes is over the limit of \(limit) bytes")
    }
}

/// The limits of worker protocol 1. Going over one ends that worker and nobody else.
public enum WireLimits {
    /// The version of the protocol that these types speak.
    public static let protocolVersion = 4
    /// Bytes of one frame, without its four length bytes.
    public static let maxFrameBytes = 16 * 1024 * 1024
    /// Nesting of a term in a frame.
    public static let maxTermDepth = 256
    /// Bytes of a state in its memfd.
    public static let maxStateBytes = 64 * 1024 * 1024 * 1024
    /// Descriptors that one packet of the transfer socket carries.
    public static let maxDescriptorsPerPacket = 128
    /// Descriptors of one handoff.
    public static let maxDescriptors = 100_000
    /// Bytes of one packet of the transfer socket, without its descriptors.
    public static let maxPacketBytes = 1024
    /// Bytes (UTF-8) of the text of one `log` message.
    public static let maxLogTextBytes = 64 * 1024
    /// Listening sockets of one worker.
    public static let maxSockets = 64
}

/// A term's text for an error: one line, cut where it is long.
func shortened(_ term: Term) -> String {
    let text = "\(term)"
    return text.utf8.count <= 120 ? text : String(text.prefix(100)) + "..."
}
