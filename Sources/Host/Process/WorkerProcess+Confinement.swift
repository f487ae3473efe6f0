import CHost
import Glibc
import Supervision

extension WorkerProcess {
    /// Where a process begins: with mounts of its own never in what they cover.
    static func workingDirectory(_ launch: Launch) -> String? {
        launch.workingDirectory ?? (launch.confinement?.changesMounts == true ? "/" : nil)
    }

    /// What the child is to do of it, in the arena's memory; nil where there is nothing.
    ///
    /// - Throws: what is known to fail, and what would fail without saying on what.
    static func confinement(
        _ launch: Launch, _ arena: CArena
    ) throws(LaunchError) -> UnsafePointer<chost_confinement>? {
        guard let confinement = launch.confinement else { return nil }
        let path = launch.executable.path
        if confinement.privateTmp, launch.executable.descriptorToExecute < 0, Confinement.isTemporary(path) {
            throw LaunchError(
                .privateTmp, executable: path, errno: ENOENT,
                "private_tmp: it lies in a directory that is hidden from it; put it elsewhere")
        }
        var request = chost_confinement()
        if let set = confinement.capabilities {
            try checkThatTheDaemonHas(set, path)
            request.sets_capabilities = 1
            request.capabilities = set.bits
        }
        request.no_new_privs = confinement.noNewPrivileges || confinement.seccomp != nil ? 1 : 0
        request.has_private_tmp = confinement.privateTmp ? 1 : 0
        request.protection =
            switch confinement.protectSystem {
            case nil: CHOST_PROTECTION_NONE
            case .programs: CHOST_PROTECTION_SYSTEM
            case .full: CHOST_PROTECTION_FULL
            case .strict: CHOST_PROTECTION_STRICT
            }
        request.read_write_paths = UnsafePointer(arena.strings(confinement.readWritePaths))
        request.read_write_count = Int32(confinement.readWritePaths.count)
        request.filter =
            switch confinement.seccomp {
            case nil: CHOST_FILTER_NONE
            case .service: CHOST_FILTER_SERVICE
            case .strict: CHOST_FILTER_STRICT
            }
        return arena.array([request])
    }

    /// The kernel says of several capabilities not which it was.
    private static func checkThatTheDaemonHas(_ set: CapabilitySet, _ path: String) throws(LaunchError) {
        let permitted = chost_permitted_capabilities()
        let lacking = set.capabilities.filter { permitted & (1 << UInt64($0.number)) == 0 }.map(\.rawValue)
        guard !lacking.isEmpty else { return }
        let names = lacking.joined(separator: " ")
        throw LaunchError(
            .capabilities, executable: path, subject: names, errno: EPERM,
            """
            capabilities: the daemon itself has no \(lacking.joined(separator: ", ")); under systemd \
            CapabilityBoundingSet=\(names.uppercased()) in a drop-in of its unit gives it to a daemon of root
            """)
    }
}
