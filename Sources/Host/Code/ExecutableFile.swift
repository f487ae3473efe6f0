/// A program to start: where it is, and, where it was checked, the very file that was checked.
///
/// A checked ELF file is executed by its open descriptor, so that a file put in its place later is not; a
/// script is executed by its path (its interpreter opens it again), if the path still leads to the same file.
/// Source: execveat(2), AT_EMPTY_PATH.
public final class ExecutableFile: Sendable {
    private enum Holding {
        case unchecked
        case elf(OwnedDescriptor, FileIdentity)
        case script(FileIdentity)
    }

    public let path: String
    private let holding: Holding

    private init(path: String, holding: Holding) {
        self.path = path
        self.holding = holding
    }

    /// Whatever lies at `path` when it is started: for programs that are no release's.
    public static func unchecked(_ path: String) -> ExecutableFile {
        ExecutableFile(path: path, holding: .unchecked)
    }

    static func elf(_ path: String, _ descriptor: OwnedDescriptor, _ identity: FileIdentity) -> ExecutableFile {
        ExecutableFile(path: path, holding: .elf(descriptor, identity))
    }

    static func script(_ path: String, _ identity: FileIdentity) -> ExecutableFile {
        ExecutableFile(path: path, holding: .script(identity))
    }

    /// What is executed instead of the path; -1 for the path.
    var descriptorToExecute: Int32 {
        switch holding {
        case .elf(let descriptor, _): return descriptor.raw
        case .unchecked, .script: return -1
        }
    }

    /// The open file that was checked; nil where there is none.
    var checkedDescriptor: OwnedDescriptor? {
        guard case .elf(let descriptor, _) = holding else { return nil }
        return descriptor
    }

    /// Whether it can be started as it was checked. Where not, the file may hold the same bytes still: see
    /// `ObjectCode.readAgain`.
    public var isUnchanged: Bool {
        do {
            try checkUnchanged()
            return true
        } catch {
            return false
        }
    }

    /// Throws where the file was written to, or a script replaced, since it was checked.
    func checkUnchanged() throws(LaunchError) {
        let found: FileIdentity
        let expected: FileIdentity
        do {
            switch holding {
            case .unchecked:
                return
            case .elf(let descriptor, let identity):
                expected = identity
                found = try FileStatus(of: descriptor.raw).identity
            case .script(let identity):
                expected = identity
                found = try FileStatus(of: path).identity
            }
        } catch {
            throw LaunchError(.executable, executable: path, errno: error.number, error.reason)
        }
        guard found == expected else {
            throw LaunchError(
                .executable, executable: path, errno: 0, "the file was changed since it was checked; load it again")
        }
    }
}
