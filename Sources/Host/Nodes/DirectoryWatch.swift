import CHost
import Glibc

/// Tells of names that come, change or go in some directories. Source: inotify(7).
@HostActor
public final class DirectoryWatch {
    private let descriptor: OwnedDescriptor
    private var watch: Watch?
    private let onChange: () -> Void

    /// `onChange` is called after each change, once for several that come together.
    public init(_ directories: [String], onChange: @escaping @HostActor () -> Void) throws(SystemError) {
        let raw = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        guard raw >= 0 else { throw SystemError("inotify_init1", errno) }
        descriptor = OwnedDescriptor(raw)
        self.onChange = onChange
        for directory in directories {
            let kinds = UInt32(IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM | IN_ONLYDIR)
            guard inotify_add_watch(raw, directory, kinds) >= 0 else {
                throw SystemError("inotify_add_watch", errno, directory)
            }
        }
        watch = try Reactor.shared.watch(raw, .read) { [weak self] _ in self?.changed() }
    }

    /// What changed is looked at anew: the names themselves say nothing that the directory does not.
    private func changed() {
        withUnsafeTemporaryAllocation(byteCount: 4_096, alignment: 8) { room in
            while read(descriptor.raw, room.baseAddress, room.count) > 0 {}
        }
        onChange()
    }

    public func cancel() {
        watch?.cancel()
        watch = nil
    }
}
