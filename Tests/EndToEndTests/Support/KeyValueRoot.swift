import Foundation
import Glibc
import Testing

@testable import ReleaseHandlerD
@testable import TestSupport

/// A root with the KeyValue example's 1.0.0, and the package of its 2.0.0, both from the example's own files.
enum KeyValueRoot {
    static let example = Project.root.appending(path: "Examples/KeyValue/release").path
    static let worker = "kv/kv_sup/kv_server"

    /// - Parameter emulator: the version of the daemon that 2.0.0 is for, and brings: a program that executes `whole` beside it.
    static func make(emulator: String? = nil) async throws -> (root: TestRoot, package: String) {
        let root = try TestRoot()
        try lay("1.0.0", below: root.root)
        let record = "{release, \"kv\", \"1.0.0\", \"\(Emulator.vsn)\", [{kv, \"1.0.0\", \"lib/kv-1.0.0\"}], permanent}"
        try root.write("releases/RELEASES", "[\(record)].")
        try root.write("releases/start_erl.data", "\(Emulator.vsn) 1.0.0\n")

        // As whoever makes the release does it, beside what 1.0.0 was made of.
        let build = "\(root.directory)/build"
        try lay("1.0.0", below: build)
        try lay("2.0.0", below: build)
        let base = "\(build)/releases/1.0.0/kv.rel"
        let release = "\(build)/releases/kv-2.0.0.rel"
        try FileManager.default.copyItem(atPath: "\(build)/releases/2.0.0/kv.rel", toPath: release)
        var (erts, warnings): ([String], [String]) = ([], ["--warnings-as-errors"])
        if let emulator {
            let text = try String(contentsOfFile: release, encoding: .utf8)
            try text.replacing("\"\(Emulator.vsn)\"", with: "\"\(emulator)\"")
                .write(toFile: release, atomically: true, encoding: .utf8)
            try layEmulator(emulator, below: build)
            // Of another emulator a warning is due.
            (erts, warnings) = (["--erts", build], [])
        }
        let path = ["--path", "\(build)/lib/*/ebin"]
        try await releasectl(
            ["make-relup", release, "--outdir", "\(build)/releases/2.0.0", "--strict"] + warnings + path
                + ["--up-from", "\(base)=keys may expire", "--down-to", "\(base)=keys no longer expire"])
        try await releasectl(["make-tar", release, "--outdir", root.directory] + path + erts)
        return (root, "\(root.directory)/kv-2.0.0.tar.gz")
    }

    private static func layEmulator(_ vsn: String, below directory: String) throws {
        let bin = "\(directory)/erts-\(vsn)/bin"
        try FileManager.default.createDirectory(atPath: bin, withIntermediateDirectories: true)
        let program = "\(bin)/release-handlerd"
        try "#!/bin/sh\nexec \"${0%/*}/whole\" \"$@\"\n".write(toFile: program, atomically: true, encoding: .utf8)
        chmod(program, 0o755)
    }

    /// A root with 1.0.0 and a release 1.1.0 that differs in its functional modules only.
    static func modulesOnly() async throws -> TestRoot {
        let root = try TestRoot()
        try lay("1.0.0", below: root.root)
        try lay("1.1.0", from: "1.0.0", modules: "2", below: root.root)
        let loads = "[{load_module, kv_lolwut}, {load_module, kv_transform}]"
        try root.write(
            "lib/kv-1.1.0/ebin/kv.appup", "{\"1.1.0\", [{\"1.0.0\", \(loads)}], [{\"1.0.0\", \(loads)}]}.")
        try FileManager.default.copyItem(
            atPath: "\(root.root)/releases/1.1.0/kv.rel", toPath: "\(root.root)/releases/kv-1.1.0.rel")
        let base = "\(root.root)/releases/1.0.0/kv.rel"
        try await releasectl([
            "make-relup", "\(root.root)/releases/kv-1.1.0.rel", "--outdir", "\(root.root)/releases/1.1.0", "--strict",
            "--warnings-as-errors", "--path", "\(root.root)/lib/*/ebin", "--up-from", base, "--down-to", base,
        ])
        let records = [("1.0.0", "permanent"), ("1.1.0", "unpacked")].map { vsn, status in
            "{release, \"kv\", \"\(vsn)\", \"\(Emulator.vsn)\", [{kv, \"\(vsn)\", \"lib/kv-\(vsn)\"}], \(status)}"
        }
        try root.write("releases/RELEASES", "[\(records.joined(separator: ",\n"))].")
        try root.write("releases/start_erl.data", "\(Emulator.vsn) 1.0.0\n")
        return root
    }

    private static func releasectl(_ arguments: [String]) async throws {
        let run = try await Releasectl.run(arguments)
        try #require(run.exit == 0, "\(arguments): \(run)")
    }

    /// - Parameters:
    ///   - given: the version whose files these are.
    ///   - modules: whose functional modules it has.
    private static func lay(
        _ vsn: String, from given: String? = nil, modules: String? = nil, below directory: String
    ) throws {
        let original = given ?? vsn
        let number = original.prefix(1)
        let files = FileManager.default
        let (ebin, release) = ("\(directory)/lib/kv-\(vsn)/ebin", "\(directory)/releases/\(vsn)")
        for path in [ebin, release] { try files.createDirectory(atPath: path, withIntermediateDirectories: true) }
        try ProgramFile.put(Project.product("kv-server-\(number)"), at: "\(ebin)/kv_server")
        for module in ["kv_lolwut", "kv_transform"] {
            try files.copyItem(
                atPath: Project.product("lib\(module)-\(modules ?? String(number)).so"), toPath: "\(ebin)/\(module).so")
        }
        try files.copyItem(atPath: "\(example)/kv_sup.sup", toPath: "\(ebin)/kv_sup.sup")
        for (name, place) in [("kv.app", ebin), ("kv.appup", ebin), ("kv.rel", release), ("sys.config", release)] {
            let source = "\(example)/\(original)/\(name)"
            guard files.fileExists(atPath: source) else { continue }
            let text = try String(contentsOfFile: source, encoding: .utf8)
            let written = text.replacing("\"\(original)\"", with: "\"\(vsn)\"")
            try written.write(toFile: "\(place)/\(name)", atomically: true, encoding: .utf8)
        }
    }
}
