import Foundation
import Glibc
import Testing

@testable import ReleaseHandlerD
@testable import TestSupport

/// A machine with the package in two versions and a release root for it, neither of them installed.
///
/// The packages are of the programs that are tested, a debug build, made by scripts/make-deb as those of a release build are. Such a build
/// takes the version of the directory that it lies in, so it is both versions.
struct PackageMachine: Sendable {
    private let releases: TestRoot
    var directory: String { "\(releases.directory)/machine" }

    static let tools = ["dpkg-buildpackage", "dh", "po2debconf", "pkg-config", "cc"]

    /// Why no container can run here, or what is missing to make the package with.
    static let obstacle: String? = {
        if let obstacle = ServiceManagerRun.obstacle { return obstacle }
        let missing = tools.filter { tool in !["/usr/bin", "/bin"].contains { access("\($0)/\(tool)", X_OK) == 0 } }
        return missing.isEmpty ? nil : "missing: \(missing.joined(separator: ", ")) (scripts/install-packages)"
    }()

    init() throws {
        releases = try TestRoot()
        do {
            try releases.install(vsn: "1.0.0")
            try releases.release(
                "1.0.0",
                children: """
                    [#{id => c1, start => {counter, start_link, [fork_child]},
                       sockets => [#{name => lines, listen => "127.0.0.1:7001"}]},
                     #{id => c2, start => {counter, start_link, []}}]
                    """)
            try releases.register(["1.0.0"])
            let machine = ContainerMachine(directory: directory)
            try machine.layOut(checks: "package")
            try ProgramFile.putTree(releases.root, at: "\(directory)/files/opt/root")
            // The running machine may be one on which packages start nothing.
            try machine.write("files/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 0\n")
            chmod("\(directory)/files/usr/sbin/policy-rc.d", 0o755)
            for vsn in [Emulator.vsn, "0.2.0"] { try makePackage(vsn) }
        } catch {
            releases.remove()
            throw error
        }
    }

    func remove() { releases.remove() }

    private func makePackage(_ vsn: String) throws {
        let products = URL(filePath: Project.product("release-handlerd")).deletingLastPathComponent().path
        let made = try Releasectl.runNow(
            ["--products", products, "--vsn", vsn, "--out", "\(directory)/files/opt/packages"],
            executable: "\(Project.root.path)/scripts/make-deb")
        guard made.exit == 0 else { throw Unexpected("make-deb ended with \(made.exit): \(made.output)\(made.error)") }
    }
}
