import CHost
import Glibc
import Supervision

/// Why a process could not be started: at which stage, on what, and the system's reason.
public struct LaunchError: Error, Hashable, CustomStringConvertible {
    /// What was being done.
    public enum Stage: String, Hashable, Sendable {
        /// Pipes and socket pairs.
        case resources
        case clone
        /// Its control group, or a bound of it.
        case cgroup
        case processGroup
        case descriptors
        case resourceLimit
        case user
        case workingDirectory
        /// Its confinement, by the keys of the child spec.
        case noNewPrivileges
        case capabilities
        case privateTmp
        case protectSystem
        case readWritePaths
        case seccomp
        /// The file is not what was checked.
        case executable
        case exec
        /// The new process could not be waited on.
        case watch
    }

    public let stage: Stage
    /// The path of the executable, always.
    public let executable: String
    /// The user, directory or limit that it failed on; the executable's path otherwise.
    public let subject: String
    public let errno: Int32
    private let sentence: String

    init(_ stage: Stage, executable: String, subject: String? = nil, errno: Int32, _ sentence: String) {
        self.stage = stage
        self.executable = executable
        self.subject = subject ?? executable
        self.errno = errno
        self.sentence = sentence
    }

    /// Whether the system had no room for another process or its descriptors: it may have some in a moment.
    ///
    /// What a process meets once it has limits of its own is theirs, but for the number of its user's processes, which others may lower.
    public var isPassing: Bool {
        switch stage {
        case .resources, .clone, .watch, .cgroup, .privateTmp, .protectSystem, .readWritePaths:
            [EAGAIN, ENOMEM, EMFILE, ENFILE].contains(errno)
        case .user, .exec: errno == EAGAIN
        case .processGroup, .descriptors, .resourceLimit, .workingDirectory, .executable, .noNewPrivileges,
            .capabilities, .seccomp:
            false
        }
    }

    public var description: String { "can't start \(executable): \(sentence)" }
}

extension LaunchError {
    init(_ stage: Stage, executable: String, _ error: SystemError) {
        let advice = error.number == EMFILE || error.number == ENFILE ? "; raise the limit of open files" : ""
        self.init(stage, executable: executable, errno: error.number, "\(error)\(advice)")
    }

    /// The error of a child that ended before the new program ran.
    init(_ launched: chost_launched, _ launch: WorkerProcess.Launch) {
        let errno = launched.error
        let path = launch.executable.path
        let reason = SystemError.reason(errno)
        let user = launch.user ?? ""
        switch launched.stage {
        case CHOST_STAGE_CGROUP:
            self.init(.cgroup, executable: path, errno: errno, "it can't enter its control group: \(reason)")
        case CHOST_STAGE_PROCESS_GROUP:
            self.init(.processGroup, executable: path, errno: errno, "no process group of its own: \(reason)")
        case CHOST_STAGE_DESCRIPTORS:
            self.init(.descriptors, executable: path, errno: errno, "its descriptors can't be placed: \(reason)")
        case CHOST_STAGE_RLIMIT:
            let name = ResourceLimit.name(of: launched.resource)
            self.init(
                .resourceLimit, executable: path, subject: name, errno: errno,
                "the limit \(name) can't be set: \(reason)\(Self.limitAdvice(name, errno, launch))")
        case CHOST_STAGE_GROUPS, CHOST_STAGE_GROUP, CHOST_STAGE_USER:
            let advice = errno == EPERM ? "; the daemon must run as root to change to another user" : ""
            self.init(
                .user, executable: path, subject: user, errno: errno,
                "can't become user \"\(user)\": \(reason)\(advice)")
        case CHOST_STAGE_CHDIR:
            let directory = launch.workingDirectory ?? "/"
            let isHidden = launch.confinement?.privateTmp == true && Confinement.isTemporary(directory)
            self.init(
                .workingDirectory, executable: path, subject: directory, errno: errno,
                "can't enter the working directory \(directory): \(reason)\(isHidden ? "; private_tmp hides it" : "")")
        case CHOST_STAGE_NO_NEW_PRIVS, CHOST_STAGE_CAPABILITIES, CHOST_STAGE_SECCOMP:
            self.init(confinement: launched, executable: path)
        case CHOST_STAGE_PRIVATE_TMP, CHOST_STAGE_PROTECT_SYSTEM, CHOST_STAGE_READ_WRITE_PATHS:
            self.init(mounts: launched, executable: path)
        case CHOST_STAGE_EXEC:
            self.init(.exec, executable: path, errno: errno, Self.execSentence(path, errno))
        default:
            self.init(.clone, executable: path, errno: errno, "no process can be made: \(reason)")
        }
    }

    /// Nobody may have more open files than the kernel's own maximum, root included. Source: setrlimit(2), EPERM.
    private static func limitAdvice(_ name: String, _ errno: Int32, _ launch: WorkerProcess.Launch) -> String {
        guard errno == EPERM else { return "" }
        let file = "/proc/sys/fs/nr_open"
        if name == "nofile", let limit = launch.resourceLimits.first(where: { $0.name == name }),
            let text = try? FileContents.read(file, limit: 64),
            let maximum = UInt64(String(decoding: text, as: UTF8.self).filter(\.isNumber)),
            limit.hard.map({ $0 > maximum }) ?? true
        {
            return "; fs.nr_open is \(maximum), and nobody may have more: ask for less, or raise it by sysctl"
        }
        return geteuid() == 0
            ? "; the daemon needs CAP_SYS_RESOURCE to raise the hard limit"
            : "; the hard limit can be raised by root only"
    }

    /// execve(2) says ENOENT both of a missing file and of a missing interpreter: the sentence tells which.
    private static func execSentence(_ path: String, _ errno: Int32) -> String {
        switch errno {
        case ENOENT where access(path, F_OK) == 0:
            return "the interpreter or dynamic linker that it names does not exist"
        case ENOEXEC:
            return "neither an ELF executable for this machine nor a script that begins with #!"
        case EACCES where access(path, X_OK) != 0:
            return "\(SystemError.reason(errno)); the file must be executable (chmod +x)"
        default:
            return SystemError.reason(errno)
        }
    }
}
