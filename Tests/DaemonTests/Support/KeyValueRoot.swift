import Foundation
import Testing

@testable import ReleaseHandlerD

/// A root with the KeyValue example's 1.0.0, and the package of its 2.0.0, both from the example's own files.
enum KeyValueRoot {
    static let example = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Examples/KeyValue/release").path
    static let worker = "kv/kv_sup/kv_server"

    static func make() async throws -> (root: TestRoot, package: String) {
        let root = try TestRoot()
        try lay("1.0.0", program: "kv-server-1", below: root.root)
        let record = "{release, \"kv\", \"1.0.0\", \"\(Emulator.vsn)\", [{kv, \"1.0.0\", \"lib/kv-1.0.0\"}], permanent}"
        try root.write("releases/RELEASES", "[\(record)].")
        try root.write("releases/start_erl.data", "\(Emulator.vsn) 1.0.0\n")

        let content = "\(root.directory)/content"
        try lay("2.0.0", program: "kv-server-2", below: content)
        try FileManager.default.copyItem(
            atPath: "\(content)/releases/2.0.0/kv.rel", toPath: "\(content)/releases/kv-2.0.0.rel")
        let package = "\(root.directory)/kv-2.0.0.tar.gz"
        let tar = try await Program.run("/bin/tar", ["-C", content, "-czf", package, "lib", "releases"])
        try #require(tar.exit == 0, "\(tar)")
        return (root, package)
    }

    private static func lay(_ vsn: String, program: String, below directory: String) throws {
        let files = FileManager.default
        let (ebin, release) = ("\(directory)/lib/kv-\(vsn)/ebin", "\(directory)/releases/\(vsn)")
        for path in [ebin, release] { try files.createDirectory(atPath: path, withIntermediateDirectories: true) }
        try ProgramFile.put(TestRoot.product(program), at: "\(ebin)/kv_server")
        try files.copyItem(atPath: "\(example)/kv_sup.sup", toPath: "\(ebin)/kv_sup.sup")
        for (name, place) in [("kv.app", ebin), ("kv.rel", release), ("sys.config", release), ("relup", release)] {
            let source = "\(example)/\(vsn)/\(name)"
            if files.fileExists(atPath: source) { try files.copyItem(atPath: source, toPath: "\(place)/\(name)") }
        }
    }
}
