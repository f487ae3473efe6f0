import Glibc

/// The standard input of a program that is told something at once and learns later, by its end, that something is over.
public final class StandardInput: Sendable {
    /// For the program.
    public let theirs: OwnedDescriptor
    private let ours: OwnedDescriptor

    /// Throws where `text` has no room in a pipe. Source: pipe(7).
    public init(_ text: String) throws(SystemError) {
        (theirs, ours) = try OwnedDescriptor.pipe()
        ours.setNonBlocking()
        let bytes = Array(text.utf8)
        let count = Glibc.write(ours.raw, bytes, bytes.count)
        guard count == bytes.count else { throw SystemError("write", count < 0 ? errno : ENOBUFS, "standard input") }
    }
}
