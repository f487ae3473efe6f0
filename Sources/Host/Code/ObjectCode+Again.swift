import Glibc

/// The same bytes put back under a file (touch, cp, rsync, tar) are the same code.
extension ObjectCode {
    /// How often it is looked at again, and how long it is waited in between: whoever puts a file in another's place
    /// may take a moment in which there is none, or not all of it.
    private static let tries = 20
    private static let pauseMicroseconds: UInt32 = 50_000

    /// What is at its path now where that has the bytes that were checked, else the file that was checked where it has
    /// them still; nil where the bytes are others.
    ///
    /// It reads the whole file where `digests` does not know it, and waits for one that is being written: keep it off a
    /// thread that others wait for.
    public func readAgain(_ digests: FileDigests? = nil) -> ObjectCode? {
        for attempt in 0..<Self.tries {
            if attempt > 0 { usleep(Self.pauseMicroseconds) }
            if let found = try? Self.check(path, digests), found.kind == kind, found.sha256 == sha256 { return found }
            // A program runs from the file that was checked, whatever came in its place.
            if let held = checkedFileAgain(digests) { return held }
        }
        return nil
    }

    private func checkedFileAgain(_ digests: FileDigests?) -> ObjectCode? {
        guard let descriptor = executable?.checkedDescriptor, let file = try? ModuleFile(path, descriptor),
            let digest = try? file.sha256(digests), digest == sha256
        else { return nil }
        return ObjectCode(
            path: path, kind: kind, sha256: sha256, identity: file.identity,
            executable: .elf(path, descriptor, file.identity), contents: nil)
    }
}
