import Foundation

/// Two releases of many applications on disk: in each application a chain of updates, each depending on the one before.
struct ReleaseTree {
    static let modules = 50
    static let updated = 20

    let directory: URL
    let applications: Int

    var newRelease: String { directory.appending(path: "new.rel").path }
    var baseRelease: String { directory.appending(path: "base.rel").path }
    var path: String { directory.appending(path: "lib/*/ebin").path }

    /// - Parameters:
    ///   - emulator: the emulator's version and its own applications, `{kernel, "8.5.3"}`; OTP wants them.
    ///   - hasObjectFiles: each module is a file of 64 bytes, another one in each version where it is updated.
    func write(emulator: (erts: String, applications: [String])?, hasObjectFiles: Bool) throws {
        for (vsn, name) in [("1.0.0", "base"), ("2.0.0", "new")] {
            for application in 0..<applications { try write(application, vsn, hasObjectFiles) }
            let own = emulator?.applications ?? []
            let members = own + (0..<applications).map { "{app\($0), \"\(vsn)\"}" }
            try """
            {release, {"many", "\(vsn)"}, {erts, "\(emulator?.erts ?? "1.0")"},
             [\(members.joined(separator: ",\n  "))]}.
            """.write(to: directory.appending(path: "\(name).rel"), atomically: false, encoding: .utf8)
        }
    }

    private func write(_ application: Int, _ vsn: String, _ hasObjectFiles: Bool) throws {
        let ebin = directory.appending(path: "lib/app\(application)-\(vsn)/ebin")
        try FileManager.default.createDirectory(at: ebin, withIntermediateDirectories: true)
        let modules = (0..<Self.modules).map { "app\(application)_m\($0)" }
        try """
        {application, app\(application), [{description, ""}, {vsn, "\(vsn)"}, {registered, []},
          {applications, []}, {modules, [\(modules.joined(separator: ", "))]}]}.
        """.write(to: ebin.appending(path: "app\(application).app"), atomically: false, encoding: .utf8)
        if hasObjectFiles {
            for (index, module) in modules.enumerated() {
                let text = "\(module) \(index < Self.updated ? vsn : "of old")"
                let bytes = text + String(repeating: ".", count: 64 - text.utf8.count)
                try bytes.write(to: ebin.appending(path: module), atomically: false, encoding: .utf8)
            }
        }
        guard vsn == "2.0.0" else { return }
        let script = modules.prefix(Self.updated).enumerated().map { index, module in
            let dependencies = index == 0 ? "" : modules[index - 1]
            return "{update, \(module), {advanced, []}, [\(dependencies)]}"
        }
        let entry = "[{\"1.0.0\",\n  [\(script.joined(separator: ",\n   "))]}]"
        try "{\"2.0.0\",\n \(entry),\n \(entry)}.".write(
            to: ebin.appending(path: "app\(application).appup"), atomically: false, encoding: .utf8)
    }
}
