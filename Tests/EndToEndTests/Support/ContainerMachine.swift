import Foundation
import Testing

@testable import TestSupport

/// The files of a machine that Tests/Fixtures/systemd/container boots: what any has beside the running machine's own.
struct ContainerMachine: Sendable {
    /// `files` in it lies over `/`, `root` is /var/lib/release-handler, `out` is /out.
    let directory: String

    static let fixtures = "\(Project.fixtures.path)/systemd"
    static let container = "\(fixtures)/container"
    static let units = "files/etc/systemd/system"

    /// - Parameter checks: the file of Tests/Fixtures/systemd/checks that has the checks.
    func layOut(checks: String = "cases") throws {
        try copy("\(Self.fixtures)/release-handlerd.conf", to: "\(Self.units)/release-handlerd.service.d/test.conf")
        for unit in ["service-test.target", "service-test.service"] {
            try copy("\(Self.fixtures)/\(unit)", to: "\(Self.units)/\(unit)")
        }
        try copy("\(Self.fixtures)/journald.conf", to: "files/etc/systemd/journald.conf.d/test.conf")
        try copy("\(Self.fixtures)/checks", to: "files/opt/checks")
        try write("files/etc/service-test", "CHECKS=\(checks)\n")
        // A machine of its own, and none that boots for the first time and asks questions.
        try write("files/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
        for name in ["root", "out"] { try make("\(directory)/\(name)") }
    }

    func copy(_ source: String, to path: String) throws {
        let target = URL(filePath: "\(directory)/\(path)")
        try make(target.deletingLastPathComponent().path)
        try FileManager.default.copyItem(atPath: source, toPath: target.path)
    }

    func write(_ path: String, _ text: String) throws {
        let target = URL(filePath: "\(directory)/\(path)")
        try make(target.deletingLastPathComponent().path)
        try text.write(to: target, atomically: true, encoding: .utf8)
    }

    private func make(_ path: String) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
}
