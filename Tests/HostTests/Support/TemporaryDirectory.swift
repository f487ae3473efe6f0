import Glibc

@testable import Host

/// A directory of a test's own, removed with it.
final class TemporaryDirectory: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/host-tests-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { preconditionFailure("mkdtemp: \(errno)") }
        path = String(cString: made)
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

    @discardableResult
    func script(_ name: String, _ text: String) throws -> String { try write(name, text, permissions: 0o755) }

    var names: [String] { Directory.names(path) }
}

func environmentVariable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
