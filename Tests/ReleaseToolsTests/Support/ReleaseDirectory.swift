import Host
import Instructions

@testable import TestSupport

/// A directory with the files of releases, of a test's own and removed with it.
final class ReleaseDirectory: Sendable {
    private let directory = TemporaryDirectory()
    var path: String { directory.path }

    func file(_ name: String) -> String { directory.file(name) }

    func write(_ name: String, _ bytes: [UInt8], permissions: UInt32 = 0o644) throws {
        let path = file(name)
        try Directory.make(Paths.parent(of: path))
        try AtomicFile.write(path, bytes, permissions: permissions)
    }

    func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }

    func text(_ name: String) throws -> String {
        String(decoding: try FileContents.read(file(name), limit: 1 << 20), as: UTF8.self)
    }

    /// A release with the application `kv` of the same version, that has a worker `server` and a library `store`.
    func release(_ vsn: String, server: String? = nil, appup: String? = nil) throws {
        try write("rel/kv-\(vsn).rel", "{release, {\"kv\", \"\(vsn)\"}, {erts, \"1.0\"}, [{kv, \"\(vsn)\"}]}.\n")
        let ebin = "lib/kv-\(vsn)/ebin"
        try write(
            "\(ebin)/kv.app",
            """
            {application, kv, [{vsn, "\(vsn)"}, {description, "Keys"}, {modules, [server, store]}, {registered, []},
                               {applications, []}]}.
            """)
        try write("\(ebin)/server", Array((server ?? vsn).utf8), permissions: 0o755)
        try write("\(ebin)/store.so", "the same")
        if let appup { try write("\(ebin)/kv.appup", appup) }
    }
}
