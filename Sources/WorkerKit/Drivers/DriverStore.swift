import Glibc
import Terms

/// The libraries of drivers that the daemon has brought, and the drivers that were made of them.
///
/// What is brought becomes what the next load, or reload, takes; what runs goes on until then. So of a driver that is in an older
/// version, current is what was brought, and old what runs.
final class DriverStore: Sendable {
    private struct Brought {
        let identity: String
        let library: OwnedDescriptor
        let file: FileIdentity?
    }

    private let libraries: Libraries
    let drivers: Drivers

    init() {
        let libraries = Libraries()
        self.libraries = libraries
        drivers = Drivers { try libraries.descriptor(of: $0) }
    }

    func bring(_ module: Atom, _ identity: String, _ library: OwnedDescriptor) {
        libraries.bring(module, identity, library)
    }

    func remove(_ module: Atom) { libraries.remove(module) }

    /// Whether nothing older than what was brought runs.
    func purge(_ module: Atom) -> Bool { !versions().contains { $0.module == module && $0.state == .old } }

    func has(_ module: Atom) -> Bool { libraries.has(module) }

    func versions() -> [ModuleVersion] {
        libraries.versions { drivers.usage(of: $0) }
    }

    /// Guarded by its lock: any thread may load a driver.
    private final class Libraries: @unchecked Sendable {
        private struct State {
            var current: [Atom: Brought] = [:]
            /// Of every library that was brought, by its file.
            var identities: [FileIdentity: String] = [:]
            var names: Set<Atom> = []
        }

        private let lock = DriverLock()
        private var state = State()

        private func withState<Value>(_ body: (inout State) -> Value) -> Value {
            lock.lock()
            defer { lock.unlock() }
            return body(&state)
        }

        func bring(_ module: Atom, _ identity: String, _ library: OwnedDescriptor) {
            let brought = Brought(identity: identity, library: library, file: FileIdentity(of: library.raw))
            withState { state in
                state.current[module] = brought
                state.names.insert(module)
                if let file = brought.file { state.identities[file] = identity }
            }
        }

        func remove(_ module: Atom) { withState { $0.current[module] = nil } }

        func has(_ module: Atom) -> Bool { withState { $0.names.contains(module) } }

        /// A descriptor of its own.
        func descriptor(of name: String) throws -> Int32 {
            guard let library = withState({ $0.current[Atom(name)]?.library }) else {
                throw WorkerError("undef", "the child spec lists no driver \(name), or the release has none")
            }
            let copy = fcntl(library.raw, F_DUPFD_CLOEXEC, 3)
            guard copy >= 0 else { throw SystemError(call: "fcntl F_DUPFD_CLOEXEC", code: errno) }
            return copy
        }

        func versions(_ usage: (String) -> (file: FileIdentity?, users: Int)?) -> [ModuleVersion] {
            let (names, current, identities) = withState { ($0.names, $0.current, $0.identities) }
            return names.sorted { $0.name < $1.name }.flatMap { name -> [ModuleVersion] in
                let used = usage(name.name)
                let running = used.flatMap { $0.file.flatMap { identities[$0] } }
                var versions: [ModuleVersion] = []
                if let identity = current[name]?.identity {
                    let holds = running == identity ? used?.users ?? 0 : 0
                    versions.append(ModuleVersion(driver: name, identity, .current, holds: holds))
                }
                if let used, let running, running != current[name]?.identity {
                    versions.append(ModuleVersion(driver: name, running, .old, holds: used.users))
                }
                return versions
            }
        }
    }
}

/// A file, by what no other open one shares. Source: stat(2).
struct FileIdentity: Hashable {
    let device: UInt
    let inode: UInt

    init?(of descriptor: Int32) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        device = UInt(status.st_dev)
        inode = UInt(status.st_ino)
    }
}

extension ModuleVersion {
    /// Its version is known once it is loaded: nothing of it runs before.
    fileprivate init(driver: Atom, _ identity: String, _ state: State, holds: Int) {
        self.init(module: driver, vsn: "", identity: identity, state: state, calls: 0, holds: holds)
    }
}
