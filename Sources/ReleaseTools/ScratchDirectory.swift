import Glibc
import Host

/// A directory of its own for a while, below TMPDIR or /tmp.
struct ScratchDirectory {
    let path: String

    init?() {
        let parent = getenv("TMPDIR").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        var template = Array("\(parent)/releasectl-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { return nil }
        path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    func remove() { try? Directory.removeTree(path) }

    /// For a program that is run in it: little of this one's own.
    var environment: [String: String] {
        var result = ["HOME": path, "TMPDIR": path]
        for name in ["PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH"] {
            if let value = getenv(name) { result[name] = String(cString: value) }
        }
        return result
    }
}
