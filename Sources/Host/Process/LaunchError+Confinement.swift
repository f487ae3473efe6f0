import CHost
import Glibc

/// What keeps a process from being confined; each sentence begins with the key of the child spec.
extension LaunchError {
    init(confinement launched: chost_launched, executable: String) {
        let errno = launched.error
        let reason = SystemError.reason(errno)
        switch launched.stage {
        case CHOST_STAGE_NO_NEW_PRIVS:
            self.init(.noNewPrivileges, executable: executable, errno: errno, "no_new_privs: \(reason)")
        case CHOST_STAGE_CAPABILITIES:
            let advice =
                errno == EPERM
                ? "; the daemon needs CAP_SETPCAP to take capabilities from it, or its spec no_new_privs => true" : ""
            self.init(.capabilities, executable: executable, errno: errno, "capabilities: \(reason)\(advice)")
        default:
            let advice = errno == ENOSYS ? "; the system calls of this machine's architecture are not known here" : ""
            self.init(.seccomp, executable: executable, errno: errno, "seccomp: \(reason)\(advice)")
        }
    }

    init(mounts launched: chost_launched, executable: String) {
        let errno = launched.error
        let directory = launched.subject.map { String(cString: $0) } ?? "/"
        let (stage, key): (Stage, String) =
            switch launched.stage {
            case CHOST_STAGE_PRIVATE_TMP: (.privateTmp, "private_tmp")
            case CHOST_STAGE_PROTECT_SYSTEM: (.protectSystem, "protect_system")
            default: (.readWritePaths, "read_write_paths")
            }
        self.init(
            stage, executable: executable, subject: directory, errno: errno,
            "\(key): \(directory): \(SystemError.reason(errno))\(Self.mountAdvice(errno))")
    }

    private static func mountAdvice(_ errno: Int32) -> String {
        switch errno {
        case EPERM, EACCES:
            "; the daemon needs CAP_SYS_ADMIN to make mounts, and a unit that lets it: systemd/private-workers.conf"
        case ENOSYS: "; it needs Linux 5.12"
        default: ""
        }
    }
}
