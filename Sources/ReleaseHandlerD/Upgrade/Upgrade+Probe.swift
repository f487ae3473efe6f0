import Host
import Instructions
import ReleaseHandling
import Supervision
import Terms
import Wire

/// A module that no worker runs: one standby shows that its code can start on this machine, then ends.
///
/// It is started as its child spec says (user, directory, environment, limits), and where nothing says how, not at all:
/// to run a program as the daemon's own user that was never meant to have its rights proves nothing and risks much.
/// No socket is bound for it, since a standby reads nothing from any.
extension Upgrade {
    func startProbe(
        _ code: LoadedCode, then: @escaping @HostActor (Result<StandbyOutcome, StandbyFailure>) -> Void
    ) {
        let module = code.version.module
        if let spec = specInTree(starting: module) { return startProbe(code, spec, then) }
        Task { @HostActor [weak self, root = site.root, libraries = to.record.libraries, to] in
            let files = await DiskWork.run { Self.supervisors(of: to, libraries, in: root) }
            guard let self else { return }
            guard let spec = self.spec(starting: module, in: files) else {
                return then(
                    .success(.skipped("no child spec starts \(module.name): it was read, and not tried by a start")))
            }
            self.startProbe(code, spec, then)
        }
    }

    private func startProbe(
        _ code: LoadedCode, _ spec: ChildSpec,
        _ then: @escaping @HostActor (Result<StandbyOutcome, StandbyFailure>) -> Void
    ) {
        let module = code.version.module
        let address = ChildAddress(application: code.version.library, path: [.atom("probe"), .atom(module)])
        var spec = spec
        spec.sockets = []
        let probe = Place(address: address, spec: spec, launcher: tree.launcher, observer: tree)
        prepare(probe, code) { result in
            probe.endStandby()
            then(result)
        }
    }

    private func specInTree(starting module: Atom) -> ChildSpec? {
        let templates = tree.allSupervisors().compactMap { tree.template(of: $0.address) }
        return Self.spec(starting: module, among: tree.allChildren().map(\.spec) + templates)
    }

    /// The new release's supervisors as they will be: a new module's spec is in one that does not run yet.
    private func spec(starting module: Atom, in files: [LoadedCode]) -> ChildSpec? {
        for file in files {
            let environment = to.environment(of: file.version.library)
            // One that can't be read is found where it is loaded, and told there.
            guard let bytes = file.file.contents,
                let read = try? SupervisorInit.parse(bytes, file: file.file.path, environment: { environment[$0] }),
                let spec = Self.spec(starting: module, among: read.children)
            else { continue }
            return spec
        }
        return nil
    }

    private static func spec(starting module: Atom, among specs: [ChildSpec]) -> ChildSpec? {
        specs.first { $0.type == .worker && $0.start.module == module }
    }

    private nonisolated static func supervisors(
        of release: LoadedRelease, _ libraries: [LibraryRecord], in root: ReleaseRoot
    ) -> [LoadedCode] {
        libraries.flatMap { library in
            (release.applications[library.name]?.modules ?? []).compactMap { module in
                let path = root.resolve(library.directory) + "/ebin/\(module.name).sup"
                guard FileNames.exists(path) else { return nil }
                return try? CodeServer.read(module, of: library, in: root)
            }
        }
    }
}
