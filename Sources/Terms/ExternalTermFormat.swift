/// Why bytes are no acceptable term in the external format, and at which byte (from 0, the version byte's place).
public struct ExternalTermError: Error, Hashable, CustomStringConvertible {
    public let offset: Int
    public let message: String

    public init(offset: Int, message: String) {
        self.offset = offset
        self.message = message
    }

    public var description: String { "byte \(offset): \(message)" }
}

/// Erlang's external term format, as `term_to_binary/1` writes it and `binary_to_term/1` reads it.
///
/// Source: "External Term Format" (ERTS User's Guide).
public enum ExternalTermFormat {
    /// The term behind its version byte. The keys of maps are in Erlang's order, so equal terms have equal bytes.
    public static func encode(_ term: Term) -> [UInt8] {
        var writer = ExternalTermWriter()
        writer.version()
        writer.term(term)
        return writer.finish()
    }

    /// The one term that the bytes are: version byte first, nothing after it.
    ///
    /// Refuses compressed terms, and what a limit or the bytes themselves do not bear out.
    public static func decode(
        _ bytes: [UInt8], limits: TermLimits = .default
    ) throws(ExternalTermError) -> Term {
        try bytes.withUnsafeBufferPointer { (buffer) throws(ExternalTermError) -> Term in
            try decode(UnsafeRawBufferPointer(buffer), limits: limits)
        }
    }

    /// As `decode` of an array, out of memory that lasts until this returns.
    public static func decode(
        _ buffer: UnsafeRawBufferPointer, limits: TermLimits = .default
    ) throws(ExternalTermError) -> Term {
        guard buffer.count <= limits.maxBytes else {
            throw ExternalTermError(
                offset: limits.maxBytes,
                message: "the term is \(buffer.count) bytes long, at most \(limits.maxBytes) are accepted")
        }
        var reader = ExternalTermReader(buffer)
        try reader.version()
        let term = try reader.term(limits: limits)
        guard reader.isAtEnd else {
            throw ExternalTermError(
                offset: reader.offset, message: "\(reader.bytesLeft) bytes follow the term")
        }
        return term
    }
}

/// The tags of the external term format that this implementation knows, by OTP's names.
package enum ExternalTag {
    package static let version: UInt8 = 131
    package static let newFloat: UInt8 = 70
    package static let bitBinary: UInt8 = 77
    package static let compressed: UInt8 = 80
    package static let newPid: UInt8 = 88
    package static let newPort: UInt8 = 89
    package static let newerReference: UInt8 = 90
    package static let smallInteger: UInt8 = 97
    package static let integer: UInt8 = 98
    package static let float: UInt8 = 99
    package static let atom: UInt8 = 100
    package static let reference: UInt8 = 101
    package static let port: UInt8 = 102
    package static let pid: UInt8 = 103
    package static let smallTuple: UInt8 = 104
    package static let largeTuple: UInt8 = 105
    package static let `nil`: UInt8 = 106
    package static let string: UInt8 = 107
    package static let list: UInt8 = 108
    package static let binary: UInt8 = 109
    package static let smallBig: UInt8 = 110
    package static let largeBig: UInt8 = 111
    package static let newFun: UInt8 = 112
    package static let export: UInt8 = 113
    package static let newReference: UInt8 = 114
    package static let smallAtom: UInt8 = 115
    package static let map: UInt8 = 116
    package static let atomUTF8: UInt8 = 118
    package static let smallAtomUTF8: UInt8 = 119
    package static let v4Port: UInt8 = 120

    /// What a term with this tag is, for "found …".
    static func describe(_ tag: UInt8) -> String {
        switch tag {
        case newFloat, float: "a float"
        case bitBinary: "a bit string"
        case compressed: "a compressed term"
        case newPid, pid: "a pid"
        case newPort, port, v4Port: "a port"
        case newerReference, newReference, reference: "a reference"
        case smallInteger, integer, smallBig, largeBig: "an integer"
        case atom, smallAtom, atomUTF8, smallAtomUTF8: "an atom"
        case smallTuple, largeTuple: "a tuple"
        case `nil`: "an empty list"
        case string: "a list of bytes"
        case list: "a list"
        case binary: "a binary"
        case newFun, export: "a fun"
        case map: "a map"
        default: "an unknown tag"
        }
    }
}
