import Foundation
import Glibc
import Testing

@testable import TestSupport

/// docs/operations.md done in a container with systemd, in which nothing of the project is installed, and /srv has what the document says lies there.
///
/// The packages are made of the test's own products: debug builds.
struct OperationsGuide: Sendable {
    struct Step: Decodable, Sendable {
        let line: Int
        let command: String
        let failure: String?
    }

    static let document = Project.root.appending(path: "docs/operations.md")

    let steps: [Step]
    /// With the answers that came.
    let written: String
    /// What the steps and the container's console printed.
    let transcript: String

    static func follow() async throws -> OperationsGuide {
        let directory = TemporaryDirectory()
        defer { withExtendedLifetime(directory) {} }
        try await layOut(directory.path)
        let run = try await shell("'\(ContainerMachine.container)' run '\(directory.path)'")
        func out(_ name: String) -> String {
            (try? String(contentsOfFile: "\(directory.path)/out/\(name)", encoding: .utf8)) ?? ""
        }
        let steps = try out("results").split(separator: "\n").map {
            try JSONDecoder().decode(Step.self, from: Data($0.utf8))
        }
        return OperationsGuide(
            steps: steps, written: out("document"), transcript: "\(out("log"))\n\(run.output)")
    }

    private static func shell(_ command: String) async throws -> Releasectl {
        try await offPool {
            try Releasectl.runNow(
                ["-c", "exec 2>&1; \(command)"], executable: "/bin/sh", in: Project.root.path)
        }
    }

    private static func layOut(_ directory: String) async throws {
        let machine = ContainerMachine(directory: directory)
        for unit in ["service-test.target", "service-test.service"] {
            try machine.copy("\(ContainerMachine.fixtures)/\(unit)", to: "\(ContainerMachine.units)/\(unit)")
        }
        try machine.copy(
            "\(ContainerMachine.fixtures)/journald.conf", to: "files/etc/systemd/journald.conf.d/test.conf")
        try machine.copy("\(ContainerMachine.fixtures)/guide", to: "files/opt/checks")
        try machine.copy(document.path, to: "files/opt/document")
        try machine.write("files/etc/service-test", "CHECKS=\n")
        try machine.write("files/etc/machine-id", "fedcba9876543210fedcba9876543210\n")
        // The running machine may be one on which packages start nothing.
        try machine.write("files/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 0\n")
        chmod("\(directory)/files/usr/sbin/policy-rc.d", 0o755)
        for part in ["root", "out", "files/srv"] {
            try FileManager.default.createDirectory(
                atPath: "\(directory)/\(part)", withIntermediateDirectories: true)
        }
        let products = URL(filePath: Project.product("release-handlerd")).deletingLastPathComponent().path
        for script in [
            "scripts/example-packages '\(directory)/files/srv' --no-build --products '\(products)'",
            "scripts/make-deb --products '\(products)' --out '\(directory)/files/srv'",
            "scripts/make-deb --products '\(products)' --out '\(directory)/files/srv' --revision 2",
        ] {
            let made = try await shell(script)
            try #require(made.exit == 0, "\(script): \(made.output)")
        }
    }
}
