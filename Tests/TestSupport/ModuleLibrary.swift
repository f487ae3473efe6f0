import Foundation

/// Functional modules in C, built for one test.
enum ModuleLibrary {
    /// Builds a source of Tests/Fixtures/modules with the machine's C compiler.
    static func build(_ definitions: [String], from source: String = "format.c", at path: String) throws {
        let directory = URL(filePath: path).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let arguments =
            ["-shared", "-fPIC", "-fvisibility=hidden", "-O1", "-Wall", "-Werror"] + definitions.map { "-D\($0)" } + [
                "-I", Project.root.appending(path: "Sources/CModuleInterface/include").path,
                Project.fixtures.appending(path: "modules/\(source)").path, "-o", path,
            ]
        try Spawned.run("/usr/bin/cc", arguments)
    }
}

extension TestRoot {
    /// A functional module of the application `fix`, whose vsn is that of the release.
    func module(_ name: String = "format", vsn: String, _ definitions: [String] = []) throws {
        try ModuleLibrary.build(
            ["VSN=\"\(vsn)\"", "NAME=\"\(name)\""] + definitions, at: "\(root)/lib/fix-\(vsn)/ebin/\(name).so")
    }
}

extension TestRoot {
    /// A driver of the application `fix`, whose vsn is that of the release.
    func driver(_ name: String = "counter", vsn: String, _ definitions: [String] = []) throws {
        try ModuleLibrary.build(
            ["VSN=\"\(vsn)\"", "NAME=\"\(name)\""] + definitions, from: "../drivers/counter_driver.c",
            at: "\(root)/lib/fix-\(vsn)/ebin/\(name).so")
    }
}

extension TestRoot {
    /// A program `fail` of a version, whose call fails.
    func failing(vsn: String) throws {
        try write("lib/fix-\(vsn)/ebin/fail", "#!/bin/sh\nexit 3\n")
        chmod("\(root)/lib/fix-\(vsn)/ebin/fail", 0o755)
    }
}
