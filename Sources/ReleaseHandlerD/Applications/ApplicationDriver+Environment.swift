import Host
import Instructions
import Logging
import Supervision
import Terms
import Wire

/// Environments as functions of `application` see them.
extension ApplicationDriver {
    /// The application's own environment, `sys.config` over it, and over both what was set since.
    func environmentParameters(of application: Atom, in release: LoadedRelease) -> [EnvironmentParameter] {
        let parameters = release.environmentParameters(of: application)
        return environmentChanges[release.vsn]?.parameters(of: application, over: parameters) ?? parameters
    }

    func environment(of application: Atom, in release: LoadedRelease) -> [Atom: Term] {
        let parameters = environmentParameters(of: application, in: release)
        return Dictionary(parameters.map { ($0.key, $0.value) }, uniquingKeysWith: { _, last in last })
    }

    /// Lasts until another release runs, as in OTP: what is to last stands in `sys.config`.
    func changeEnvironment(
        of application: Atom, _ key: Atom, to change: EnvironmentChanges.Change, isPersistent: Bool = false,
        in release: LoadedRelease
    ) {
        environmentChanges[release.vsn, default: EnvironmentChanges()]
            .change(application, key, to: change, isPersistent: isPersistent)
    }

    /// What loading or unloading makes of what was set; in an upgrade, for the release that is being installed.
    func changeEnvironments(of applications: [Atom], areLoaded: Bool) {
        guard let release = running.next, var changes = environmentChanges[release.vsn] else { return }
        for application in applications {
            let own = release.applications[application]?.env ?? []
            let config = release.config.environment(of: application)
            if areLoaded {
                changes.load(application, own: own, config: config)
            } else {
                changes.unload(application, own: own, config: config)
            }
        }
        environmentChanges[release.vsn] = changes
    }

    /// Whose environment a module at a place reads: its own application's where that one is included by the one whose
    /// tree it is in.
    func environmentOwner(of address: ChildAddress, module: Atom, in release: LoadedRelease) -> Atom {
        var modules = [module]
        var above = address.parent
        while let supervisor = above {
            if let module = tree.supervisor(at: supervisor)?.module { modules.append(module) }
            above = supervisor.parent
        }
        let libraries = modules.reversed().compactMap { code.library(of: $0, in: release) }
        return release.includedApplications.owner(in: address.application, libraries: libraries)
    }

    func environmentParameters(of place: Place, in release: LoadedRelease) -> [EnvironmentParameter] {
        let owner = environmentOwner(of: place.address, module: place.spec.start.module, in: release)
        return environmentParameters(of: owner, in: release)
    }

    /// Another release runs, or goes on: what was changed for others is gone.
    func forgetEnvironmentChanges(except vsn: String?) {
        environmentChanges = environmentChanges.filter { $0.key == vsn }
    }

    /// What was set of one application is gone with the version for which it was, but for what is persistent.
    func forgetEnvironmentChanges(of application: Atom, in release: LoadedRelease) {
        let own = release.applications[application]?.env ?? []
        environmentChanges[release.vsn]?.unload(
            application, own: own, config: release.config.environment(of: application))
    }
}
