import Foundation
import Glibc
import Testing

@testable import Host
import Synchronization

/// A directory of a test's own, removed with it.
final class TemporaryDirectory: Sendable {
    let path: String

    init() { path = Self.make() }

    /// The path of a new one, which whoever asked for it removes.
    static func make() -> String {
        var template = Array("/tmp/rh-test-XXXXXX".utf8CString)
        // Fixtures are made in property initialisers, which can't throw; without a directory no test can go on.
        guard let made = mkdtemp(&template) else { preconditionFailure("mkdtemp: \(errno)") }
        return String(cString: made)
    }

    deinit { try? Directory.removeTree(path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Writes a file and returns its path.
    @discardableResult
    func write(_ name: String, _ bytes: [UInt8], permissions: UInt32 = 0o644) throws -> String {
        try AtomicFile.write(file(name), bytes, permissions: permissions)
        return file(name)
    }

    @discardableResult
    func write(_ name: String, _ text: String, permissions: UInt32 = 0o644) throws -> String {
        try write(name, Array(text.utf8), permissions: permissions)
    }

    /// Writes a program and returns its path; as `ProgramFile` does, so that nobody holds it open for writing.
    @discardableResult
    func script(_ name: String, _ text: String) throws -> String {
        let draft = try write("\(name).draft", text, permissions: 0o755)
        try Spawned.run("/bin/sh", ["-ec", "cp -p \"$1\" \"$2\"; rm \"$1\"", "sh", draft, file(name)])
        return file(name)
    }

    var names: [String] { Directory.names(path) }
}
