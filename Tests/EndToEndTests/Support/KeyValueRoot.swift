import Foundation
import Testing

@testable import ReleaseHandlerD
@testable import TestSupport

/// A root with the KeyValue example's 1.0.0, and the package of its 2.0.0, both from the example's own files.
enum KeyValueRoot {
    static let example = Project.root.appending(path: "Examples/KeyValue/release").path
    static let worker = "kv/kv_sup/kv_server"

    static func make() async throws -> (root: TestRoot, package: String) {
        let root = try TestRoot()
        try lay("1.0.0", program: "kv-server-1", below: root.root)
        let record = "{release, \"kv\", \"1.0.0\", \"\(Emulator.vsn)\", [{kv, \"1.0.0\", \"lib/kv-1.0.0\"}], permanent}"
        try root.write("releases/RELEASES", "[\(record)].")
        try root.write("releases/start_erl.data", "\(Emulator.vsn) 1.0.0\n")

        // As whoever makes the release does it, beside what 1.0.0 was made of.
        let build = "\(root.directory)/build"
        try lay("1.0.0", program: "kv-server-1", below: build)
        try lay("2.0.0", program: "kv-server-2", below: build)
        let base = "\(build)/releases/1.0.0/kv.rel"
        let release = "\(build)/releases/kv-2.0.0.rel"
        try FileManager.default.copyItem(atPath: "\(build)/releases/2.0.0/kv.rel", toPath: release)
        let path = ["--path", "\(build)/lib/*/ebin"]
        try await releasectl(
            ["make-relup", release, "--outdir", "\(build)/releases/2.0.0", "--strict", "--warnings-as-errors"] + path
                + ["--up-from", "\(base)=keys may expire", "--down-to", "\(base)=keys no longer expire"])
        try await releasectl(["make-tar", release, "--outdir", root.directory] + path)
        return (root, "\(root.directory)/kv-2.0.0.tar.gz")
    }

    private static func releasectl(_ arguments: [String]) async throws {
        let run = try await Releasectl.run(arguments)
        try #require(run.exit == 0, "\(arguments): \(run)")
    }

    private static func lay(_ vsn: String, program: String, below directory: String) throws {
        let files = FileManager.default
        let (ebin, release) = ("\(directory)/lib/kv-\(vsn)/ebin", "\(directory)/releases/\(vsn)")
        for path in [ebin, release] { try files.createDirectory(atPath: path, withIntermediateDirectories: true) }
        try ProgramFile.put(Project.product(program), at: "\(ebin)/kv_server")
        try files.copyItem(atPath: "\(example)/kv_sup.sup", toPath: "\(ebin)/kv_sup.sup")
        for (name, place) in [("kv.app", ebin), ("kv.appup", ebin), ("kv.rel", release), ("sys.config", release)] {
            let source = "\(example)/\(vsn)/\(name)"
            if files.fileExists(atPath: source) { try files.copyItem(atPath: source, toPath: "\(place)/\(name)") }
        }
    }
}
